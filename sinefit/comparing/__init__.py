"""Fits side by side: every combination of settings, some seeds, an equal budget, one table."""
