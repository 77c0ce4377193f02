"""From files to weights files, with checkpoints and in batches, and from those to files again."""
