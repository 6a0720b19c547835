"""Differentiation: backpropagation, forward mode, and the checker of both."""

from subgrad.diff.check import check
from subgrad.diff.custom import custom_vjp
from subgrad.diff.functional import grad, hessian, jacobian, jvp, value_and_grad, vjp
from subgrad.diff.reverse import backward
from subgrad.diff.vmap import vmap

__all__ = ["backward", "check", "custom_vjp", "grad", "hessian", "jacobian", "jvp", "value_and_grad", "vjp", "vmap"]
