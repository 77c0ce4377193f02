"""The benchmark: the textbook method and sinefit side by side, and both against the machine."""
