"""One-sided derivatives: the walk along a direction, what it finds on the way, one element of the subdifferential."""
