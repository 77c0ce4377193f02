"""`sinefit render`: from a weights file to a file of the kind that was fitted."""
