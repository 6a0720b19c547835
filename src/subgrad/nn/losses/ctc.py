"""Connectionist temporal classification: labels of a sequence without their places in it."""

from __future__ import annotations

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import loss_reduction
from subgrad.ops import rules
from subgrad.ops.indexing import checked


def ctc_loss(
    f: TensorLike, y: TensorLike, input_lengths: TensorLike, target_lengths: TensorLike, *, blank: int = 0,
    zero_infinity: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """-ln of the probability that the classes of T steps, repetitions taken once and blanks left out, are the labels y
    (Graves, Fernández, Gomez, Schmidhuber, ICML 2006).

    Args:
        f: log-probabilities of shape (T, N, C), such as those of `log_softmax`.
        y: integer classes of shape (N, S); what stands behind a length does not count.
        input_lengths: how many of the T steps count, of shape (N,).
        target_lengths: how many of the S labels count, of shape (N,).
        blank: the class that stands for no label.
        zero_infinity: make losses and gradients 0 of examples whose labels do not fit into their steps: these are inf.
        reduction: ``"mean"`` (of the losses divided by their numbers of labels, as in PyTorch), ``"sum"`` or
            ``"none"``.

    Raises:
        ShapeError: for shapes other than these, and lengths that are negative or beyond T and S.
        DTypeError: if classes or lengths are not integers.
        DataError: for labels that count and are no classes.
        ArgumentError: for a blank outside of 0..C-1.

    Example:
        >>> import subgrad as sg
        >>> even = sg.log(sg.full((2, 1, 2), 0.5))
        >>> round(float(ctc_loss(even, [[1]], [2], [1])), 6)  # "1 1", "1 -" and "- 1" of four: -ln(3/4)
        0.287682
    """
    from subgrad.recur import scan

    f, y = rules.as_float(as_tensor(f)), as_tensor(y)
    steps, labels = as_tensor(input_lengths), as_tensor(target_lengths)
    if f.ndim != 3 or y.ndim != 2 or y.shape[0] != f.shape[1] or not f.shape[0]:
        raise ShapeError(f"ctc_loss takes shapes (T, N, C) and (N, S), got {f.shape} and {y.shape}")
    if steps.shape != (f.shape[1],) or labels.shape != steps.shape:
        raise ShapeError(f"ctc_loss takes {f.shape[1]} lengths of each, got {steps.shape} and {labels.shape}")
    for what in (y, steps, labels):
        if what.dtype.kind not in "iu":
            raise DTypeError(f"ctc_loss takes classes and lengths as integers, got {what.dtype}")
    if not 0 <= blank < f.shape[2]:
        raise ArgumentError(f"ctc_loss needs a blank in 0..{f.shape[2] - 1}, got {blank}")

    steps, labels = _lengths("input", steps, f.shape[0]), _lengths("target", labels, y.shape[1])
    counts = ops.arange(y.shape[1]) < labels.reshape(-1, 1)
    y = checked(ops.where(counts, y, blank), 0, f.shape[2], loss_reduction.takes_classes("ctc_loss", f.shape[2]))

    path, skips, along = _path(f, y, blank)
    first = ops.where(ops.arange(path.shape[1]) < 2, along[0], -np.inf)

    def step(before: Tensor, row: tuple[Tensor, Tensor]) -> tuple[Tensor, None]:
        score, t = row
        ways = [before, _shifted(before, 1), ops.where(skips, _shifted(before, 2), -np.inf)]
        after = ops.logsumexp(ops.stack(ways), 0) + score
        return ops.where((t < steps).reshape(-1, 1), after, before), None

    last, _ = scan(step, first, (along[1:], ops.arange(1, f.shape[0])))
    ends = (ops.arange(path.shape[1]) >= (2 * labels - 1).reshape(-1, 1)) & (
        ops.arange(path.shape[1]) <= (2 * labels).reshape(-1, 1)
    )
    losses = -ops.logsumexp(ops.where(ends, last, -np.inf), 1)
    losses = ops.where(steps > 0, losses, ops.where(labels > 0, ops.full(losses.shape, np.inf, f.dtype), 0))
    losses = ops.where(losses == np.inf, 0, losses) if zero_infinity else losses
    if reduction == "mean":
        losses = losses / ops.maximum(labels, 1).astype(f.dtype)
    return loss_reduction.reduced(losses, None, None, reduction)


def _lengths(what: str, given: Tensor, most: int) -> Tensor:
    """Lengths from 0 to ``most``; those without a value yet are looked at once they have one."""
    values = loss_reduction.known(given)
    if values is not None and values.size and not (values.min() >= 0 and values.max() <= most):
        raise ShapeError(f"ctc_loss takes {what}_lengths in 0..{most}, got {values.min()}..{values.max()}")
    return checked(given, 0, most + 1)


def _path(f: Tensor, y: Tensor, blank: int) -> tuple[Tensor, Tensor, Tensor]:
    """The labels with blanks around them, (N, 2S + 1); where the blank before may be skipped; the scores by step."""
    blanks = ops.full(y.shape, blank, y.dtype)
    path = ops.stack([blanks, y], 2).reshape(y.shape[0], -1)
    path = ops.concatenate([path, ops.full((y.shape[0], 1), blank, y.dtype)], 1)
    before = ops.concatenate([ops.full((y.shape[0], 2), blank, y.dtype), path], 1)[:, : path.shape[1]]
    chosen = ops.one_hot(path, f.shape[2], "bool")  # a product of matrices would make NaN of -inf
    along = ops.where(chosen, f.reshape(f.shape[0], f.shape[1], 1, f.shape[2]), -np.inf).max(-1)
    return path, (path != blank) & (path != before), along


def _shifted(x: Tensor, by: int) -> Tensor:
    """The columns moved to the right, with -inf before them."""
    return ops.pad(x, ((0, 0), (by, 0)), -np.inf)[:, : x.shape[1]]


__all__ = ["ctc_loss"]
