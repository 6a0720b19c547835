"""The graph: nodes, the record of a primitive, orders, evaluation, invariants."""

from subgrad.graph import lock  # noqa: F401  (with the package, since what it does at the end must be known before it)
