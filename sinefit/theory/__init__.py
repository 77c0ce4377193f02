"""What the papers derive for sine networks, and its measurement on a network."""
