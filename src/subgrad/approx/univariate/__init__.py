"""Networks for functions of one variable: knots, pieces, and proofs without a search."""
