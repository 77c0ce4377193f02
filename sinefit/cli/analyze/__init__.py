"""`sinefit analyze`."""
