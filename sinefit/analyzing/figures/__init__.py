"""The figures of an analysis, drawn with matplotlib."""
