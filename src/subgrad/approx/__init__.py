"""Universal approximation, executable: networks built to a wanted error, and proofs of it."""

from subgrad.approx.expression import Expression

__all__ = ["Expression"]
