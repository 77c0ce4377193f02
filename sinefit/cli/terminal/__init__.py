"""Standard streams: what is read, printed for people and machines, and shown while it lasts."""
