"""Units of x and of f in which a function is minimised."""
