"""Training on all samples at once."""

from subgrad.fit.full_batch.gauss_newton import DampedGaussNewton, NormalMatrix, require_squared
from subgrad.fit.full_batch.loss_of_all import LossOfAll
from subgrad.fit.full_batch.quasi_newton import QuasiNewton, part_size, require_plain

__all__ = [
    "DampedGaussNewton", "LossOfAll", "NormalMatrix", "QuasiNewton", "part_size", "require_plain", "require_squared",
]  # fmt: skip
