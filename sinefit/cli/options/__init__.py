"""Options: how their values are read, those of several commands, those of a fit's settings."""
