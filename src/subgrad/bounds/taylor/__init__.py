"""First-order Taylor models with all rounding errors, and the rule of each op."""
