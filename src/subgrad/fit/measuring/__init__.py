"""What a run measures of a batch, and what labels mean in it."""
