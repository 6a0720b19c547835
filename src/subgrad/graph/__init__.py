"""The graph: nodes, the record of a primitive, orders, evaluation, invariants."""
