"""What stands around optimisers: averages of weights, steps that look ahead, groups of parameters."""
