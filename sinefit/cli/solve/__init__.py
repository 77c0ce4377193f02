"""`sinefit solve`: differential equations of the papers, by a network."""
