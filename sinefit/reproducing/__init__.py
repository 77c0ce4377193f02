"""The founding results of the papers, run again: a table and a verdict for each."""
