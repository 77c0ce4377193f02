"""`sinefit fit`: from files to weights files, one, many in turn or many together."""
