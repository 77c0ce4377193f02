"""The field and its weights file."""
