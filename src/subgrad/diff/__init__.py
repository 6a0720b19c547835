"""Differentiation: backpropagation, forward mode, and the checker of both."""

from subgrad.diff.api import grad, hessian, jacobian, jvp, value_and_grad, vjp
from subgrad.diff.reverse import backward

__all__ = ["backward", "grad", "hessian", "jacobian", "jvp", "value_and_grad", "vjp"]
