"""Sine networks in C, one or stacks of small ones, for every kind of processor."""
