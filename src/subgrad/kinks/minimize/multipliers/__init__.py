"""The method of multipliers for the kinks of a graph."""
