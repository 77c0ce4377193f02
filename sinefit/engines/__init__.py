"""Ways to train and to evaluate networks: one interface, and what each machine has for it."""
