"""Work on many machines: tasks for the workers of Dask, and what comes back of each."""
