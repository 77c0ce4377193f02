"""`sinefit info`: what files say of themselves, and what the keys for machines mean."""
