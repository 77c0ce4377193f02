"""What lies between the samples: signals with fewer of them, rendered back and compared."""
