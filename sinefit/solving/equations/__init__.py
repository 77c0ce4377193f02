"""The equations, one module each."""
