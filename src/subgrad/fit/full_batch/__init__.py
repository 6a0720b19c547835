"""Training on all samples at once."""

from subgrad.fit.full_batch.loss_of_all import LossOfAll
from subgrad.fit.full_batch.quasi_newton import QuasiNewton, part_size, require_plain

__all__ = ["LossOfAll", "QuasiNewton", "part_size", "require_plain"]
