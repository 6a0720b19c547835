"""The loss and the metrics of a batch, and how those of many batches become one number for all samples.

A weighted mean over all samples is the sum of w l by the sum of w, wherever batches end: so a batch gives its mean and
its sum of weights. What a loss is made of is heard from the losses of `subgrad.nn` that it calls; what a function of
the user's computes itself counts as a mean over samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.diff.reverse import gradients
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.graph.tensor import Tensor
from subgrad.nn.noted import Reduced, listening


@dataclass(frozen=True)
class Term:
    """One of the summands of a measured number.

    Attributes:
        name: of the number.
        at: the place of its value among the outputs of a step.
        weight: the place of its weight; None if that is the number of samples.
        added: whether it is a sum over samples, and not a mean.
    """

    name: str
    at: int
    weight: int | None = None
    added: bool = False


@dataclass(frozen=True)
class Measured:
    """What a step measures: ``outputs``, first the loss and the metrics, and the ``terms`` that they consist of."""

    outputs: list[Tensor]
    terms: list[Term]


def measured(numbers: dict[str, Callable[[], Tensor]]) -> Measured:
    """The numbers of a batch, by name.

    Raises:
        ArgumentError, ShapeError: if one is no tensor, or no scalar.
    """
    made = {name: _summands(name, f) for name, f in numbers.items()}
    outputs = [value for value, _ in made.values()]
    terms: list[Term] = []
    for name, (_, summands) in made.items():
        for part in summands:
            at = _place(outputs, part.value)
            terms.append(Term(name, at, None if part.weight is None else _place(outputs, part.weight), part.added))
    return Measured(outputs, terms)


def _place(outputs: list[Tensor], node: Tensor) -> int:
    """Where the node stands in ``outputs``; it is added if it does not."""
    for i, out in enumerate(outputs):
        if out is node:
            return i
    outputs.append(node)
    return len(outputs) - 1


def _summands(name: str, f: Callable[[], Tensor]) -> tuple[Tensor, list[Reduced]]:
    """What f returns, and that as a sum of means and sums over samples."""
    with listening() as noted:
        value = f()
    if not isinstance(value, Tensor):
        raise ArgumentError(f"{name} must return a tensor, got {type(value).__name__}")
    if value.shape != ():
        raise ShapeError(f"{name} must return a scalar, got shape {value.shape}; for a scalar, sum or average it first")
    value, known = value.node, noted.reduced
    if all(r.weight is None and not r.added for r in known):
        return value, [Reduced(value, None, added=False)]
    if len(known) == 1 and known[0].value is value:
        return value, known
    slopes = gradients(value, [r.value for r in known])
    parts = [Reduced(slope * r.value, r.weight, r.added) for slope, r in zip(slopes, known, strict=True)]
    rest = value - sum((p.value for p in parts[1:]), parts[0].value)
    return value, [*parts, Reduced(rest, None, added=False)]


Label = tuple[str, bool]
"""Of a term, its name and whether it is added: what is left of it where the values lie in a table."""


def labels(terms: Sequence[Term]) -> list[Label]:
    """What the columns of `tabled` are."""
    return [(term.name, term.added) for term in terms]


def tabled(terms: Sequence[Term], values: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """What batches measured, wherever a step has it: of each batch and term the value and the weight, (n, terms, 2).

    Args:
        terms: what was measured.
        values: shape (batches, outputs).
        rows: the samples of each batch.
    """
    sizes = np.asarray(rows, float)
    weights = [sizes if term.weight is None else values[:, term.weight] for term in terms]
    return np.stack([values[:, [term.at for term in terms]], np.stack(weights, axis=1)], axis=2)


def relabelled(table: np.ndarray, was: Sequence[Label], now: Sequence[Label]) -> np.ndarray:
    """A table with other columns: NaN of a number that was not measured then, or that was made of other terms."""
    found = np.tile([np.nan, 1.0], (len(table), len(now), 1))
    for name in {name for name, _ in now}:
        before, after = ([i for i, label in enumerate(of) if label[0] == name] for of in (was, now))
        if [was[i] for i in before] == [now[i] for i in after]:
            found[:, after] = table[:, before]
    return found


def over_all(
    terms: Sequence[Term], values: np.ndarray, rows: Sequence[int], undefined: float | None = None
) -> dict[str, float]:
    """The numbers of all samples, from those of batches: `together` of what `tabled` takes."""
    return together(labels(terms), tabled(terms, values, rows), undefined)


def together(columns: Sequence[Label], table: np.ndarray, undefined: float | None = None) -> dict[str, float]:
    """The numbers of all samples, from those of batches.

    Args:
        columns: the labels of what was measured.
        table: values and weights, as of `tabled`.
        undefined: what stands for a mean of samples that all have the weight 0.

    Raises:
        DataError: if all weights are 0 and nothing stands for that.
    """
    found: dict[str, float] = {}
    for (name, added), (values, weights) in zip(columns, np.moveaxis(table, 0, 2), strict=True):
        found[name] = found.get(name, 0.0) + (values.sum() if added else _mean(name, values, weights, undefined))
    return {name: float(value) for name, value in found.items()}


def _mean(name: str, values: np.ndarray, weights: np.ndarray, undefined: float | None) -> float:
    counts = weights > 0
    if not counts.any() and undefined is not None:
        return undefined
    if not counts.any():
        raise DataError(f"the {name} is a weighted mean, and all samples have the weight 0 (or are ignored)")
    return float(np.average(values[counts], weights=weights[counts]))
