"""A field as a web page that evaluates it: it zooms without end, and plays at any speed."""
