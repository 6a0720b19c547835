"""Losses of numbers: between squares and absolute values, and likelihoods of normal and counted targets."""

from __future__ import annotations

import math

from subgrad import ops
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import loss_reduction
from subgrad.nn.loss import register
from subgrad.nn.loss_reduction import Weights


@register("log_cosh", targets="numbers")
def log_cosh_loss(f: TensorLike, y: TensorLike, *, sample_weight: Weights = None, reduction: str = "mean") -> Tensor:
    """ln cosh(f - y): (f - y)²/2 near 0, \\|f - y\\| - ln 2 far out, and smooth. Without overflow, and accurate near 0.

    >>> log_cosh_loss([0.0, 1e4], [0.0, 0.0], reduction="none").tolist()
    [0.0, 9999.306640625]
    """
    f, y = loss_reduction.numbers("log_cosh_loss", f, y)
    d = f - y
    near, far = ops.log1p(2 * ops.square(ops.sinh(0.5 * d))), d + ops.softplus(-2 * d) - math.log(2)
    return loss_reduction.reduced(ops.where(ops.square(d) < 1, near, far), sample_weight, None, reduction)


@register("poisson", targets="numbers")
def poisson_nll(
    f: TensorLike, y: TensorLike, *, log_input: bool = True, full: bool = False, sample_weight: Weights = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the log-likelihood of counts y of a Poisson distribution: exp(f) - y f, f the logarithm of its mean.

    Args:
        f: scores, the logarithms of means; the means themselves with ``log_input=False``.
        y: counts, or other numbers of 0 or more, of the shape of f.
        log_input: what f holds.
        full: add ln y!, which does not depend on f.
        sample_weight: see the module `loss`.
        reduction: see the module `loss`.

    Example:
        >>> float(poisson_nll([0.0], [3.0])), float(poisson_nll([1.0], [3.0], log_input=False))
        (1.0, 1.0)
    """
    f, y = loss_reduction.numbers("poisson_nll", f, y)
    losses = ops.exp(f) - y * f if log_input else f - ops.scale(y, ops.log(f))
    return loss_reduction.reduced(losses + ops.lgamma(y + 1) if full else losses, sample_weight, None, reduction)


def gaussian_nll(
    f: TensorLike, y: TensorLike, var: TensorLike, *, full: bool = False, eps: float = 1e-6,
    sample_weight: Weights = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the log-likelihood of y for normal distributions with the means f and the variances var:
    (ln var + (f - y)²/var)/2 (Nix, Weigend 1994).

    Args:
        f: means.
        y: real numbers of the shape of f.
        var: variances of the shape of f, or that broadcast to it; what is below ``eps`` counts as that.
        full: add ln(2π)/2.
        eps: the least variance; above 0.
        sample_weight: see the module `loss`.
        reduction: see the module `loss`.

    Example:
        >>> float(gaussian_nll([1.0], [3.0], [4.0]))  # (ln 4 + 1)/2
        1.1931471824645996
    """
    if not eps > 0:
        raise ArgumentError(f"gaussian_nll needs an eps above 0, got {eps}")
    f, y = loss_reduction.numbers("gaussian_nll", f, y)
    var = as_tensor(var, f.dtype).astype(f.dtype)
    var = ops.maximum(ops.broadcast_to(var, f.shape), eps)
    losses = 0.5 * (ops.log(var) + ops.square(f - y) / var)
    return loss_reduction.reduced(
        losses + 0.5 * math.log(2 * math.pi) if full else losses, sample_weight, None, reduction
    )


__all__ = ["gaussian_nll", "log_cosh_loss", "poisson_nll"]
