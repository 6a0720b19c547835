"""What notebooks show of objects: HTML with one look for all."""
