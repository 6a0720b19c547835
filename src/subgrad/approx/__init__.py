"""Universal approximation, executable: networks built to a wanted error, and proofs of it."""

from subgrad.approx.approximate import Approximation, approximate
from subgrad.approx.barron import BarronConstant, barron, barron_bound
from subgrad.approx.expression import Expression

__all__ = ["Approximation", "BarronConstant", "Expression", "approximate", "barron", "barron_bound"]
