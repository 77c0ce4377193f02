"""What the CPU offers, how far it may be used, and how matrices are multiplied on it."""
