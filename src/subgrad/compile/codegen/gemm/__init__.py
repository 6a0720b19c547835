"""Matrix products of every layout, by one generator."""
