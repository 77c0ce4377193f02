"""The trainable functions: the plain sine network."""
