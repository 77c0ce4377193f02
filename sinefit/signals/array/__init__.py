"""Arrays of any number of axes."""
