"""Contact sheets: what was fitted and what came of it, in one picture."""
