"""Signals: images, sounds, videos and arrays, how they are read, sampled and written."""
