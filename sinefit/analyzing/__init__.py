"""The theory on a network: how an initializer starts, and what a fit has made of a start."""
