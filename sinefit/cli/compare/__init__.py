"""`sinefit compare`: options, progress and what is printed."""
