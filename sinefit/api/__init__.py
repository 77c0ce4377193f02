"""The calls that do a whole job, a module per sort: what `import sinefit` offers."""
