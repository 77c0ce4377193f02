"""From files to weights files: checkpoints beside them, going on with one, batches."""
