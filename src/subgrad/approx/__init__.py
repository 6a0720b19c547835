"""Universal approximation, executable: networks built to a wanted error, and proofs of it."""

from subgrad.approx.approximate import Approximation, approximate
from subgrad.approx.expression import Expression

__all__ = ["Approximation", "Expression", "approximate"]
