"""What targets say about classes: integers, one of several columns, signs, or 0 and 1."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from subgrad.errors import DataError, NotTraceableError, ShapeError
from subgrad.graph.dtype import int64
from subgrad.graph.tensor import Tensor

Kind = Literal["classes", "signs", "bits"]


@dataclass(frozen=True)
class Labels:
    """How a class is written.

    Attributes:
        kind: "classes", a number from 0 on, or the column of the largest target, for each row of scores; "signs", -1
            or +1 for each score; "bits", 0 or 1 for each score.
        ignored: numbers that stand for no class.
        between: the number between the scores of the two classes, where there is one score for each row.
    """

    kind: Kind
    ignored: frozenset[int] = frozenset()
    between: float | None = None

    @property
    def limit(self) -> float:
        """Above which single scores are those of the second class."""
        return (0.5 if self.kind == "bits" else 0.0) if self.between is None else self.between


def labels_of(
    f: tuple[int, ...], targets: Sequence[np.ndarray], signs: bool, ignored: Collection[int],
    between: float | None = None, metric: str = "accuracy",
) -> Labels:  # fmt: skip
    """How the targets of scores of shape ``f`` (of any number of rows) write a class.

    Args:
        f: the shape of scores.
        targets: all that are known, in one or more parts.
        signs: whether they are known to be -1 and +1.
        ignored: numbers that stand for no class.
        between: see `Labels`.
        metric: its name, for errors.

    Raises:
        ShapeError: if the targets have another shape.
        DataError: if they write no class, or cannot be told apart: 1 alone may be one of 0 and 1, or of -1 and +1.
    """
    for y in targets:
        _check_shape(y.shape, f, metric)
    if len(f) > 1 and f[-1] > 1 and all(_names_columns(y, f, ignored, metric) for y in targets):
        return Labels("classes", frozenset(ignored))
    found = {value for y in targets for value in _values(y)} - {*ignored}
    bits = all(y.dtype.kind in "bu" for y in targets)
    return Labels("signs" if signs else _of_single_scores(found, bits, metric), frozenset(ignored), between)


def _check_shape(y: tuple[int, ...], f: tuple[int, ...], metric: str = "accuracy") -> None:
    if y[1:] not in (f[1:], f[1:-1], (*f[1:-1], 1) if len(f) > 1 else f[1:]):
        raise ShapeError(f"{metric} compares classes with scores of shape {f}, got targets of shape {y}")


def _names_columns(y: np.ndarray, f: tuple[int, ...], ignored: Collection[int], metric: str) -> bool:
    """Whether each row of scores has one class: raises `DataError` for a number that is none."""
    if y.shape[1:] == f[1:]:
        if y.min(initial=0) >= 0:
            return bool(np.allclose(y.sum(-1), 1, atol=1e-3))
        return bool((np.abs(y) == 1).all() and ((y > 0).sum(-1) == 1).all())
    wrong = ~np.isin(y, [*range(f[-1]), *ignored])
    if wrong.any():
        raise DataError(f"{metric} knows the classes 0..{f[-1] - 1} of {f[-1]} scores, got {y[wrong][0]}")
    return True


def _values(y: np.ndarray) -> list[float]:
    """The different values, but of those that are neither -1, 0 nor 1 only the first few."""
    other = y[~np.isin(y, (-1, 0, 1))].ravel()
    return [*(v for v in (-1, 0, 1) if (y == v).any()), *np.unique(other[:1000])[:5].tolist()]


def _of_single_scores(found: set[float], bits: bool, metric: str) -> Kind:
    if found <= {-1, 1} and -1 in found:
        return "signs"
    if found <= {0, 1} and (0 in found or bits):
        return "bits"
    if found == {1}:
        raise DataError(f"{metric} cannot tell whether these labels, all 1, are of 0 and 1 or of -1 and +1")
    raise DataError(
        f"{metric} takes labels -1 and +1, or 0 and 1, where there is one score for each; "
        f"got {', '.join(f'{v:g}' for v in sorted(found)[:5])}"
    )


def unknown(f: Tensor, y: Tensor) -> Labels:
    """How labels without values yet write a class, if their shape and dtype tell."""
    _check_shape(y.shape, f.shape)
    if f.ndim > 1 and f.shape[-1] > 1:
        return Labels("classes")
    if y.dtype.kind != "b":
        raise NotTraceableError("accuracy of single scores looks at the values of labels, which are not known yet")
    return Labels("bits")


def compared(f: Tensor, y: Tensor, labels: Labels) -> tuple[Tensor, Tensor | None]:
    """Which scores are right, as truth values, and which labels count: None if all do."""
    if labels.kind == "classes":
        columns = y.shape == f.shape
        y = y.argmax(-1) if columns else y.reshape(f.shape[:-1])
        right = f.argmax(-1) == y
    else:
        y, columns = y.reshape(f.shape), False
        right = (f > labels.limit) == (y > (0.5 if labels.kind == "bits" else 0))
    if columns or not labels.ignored:
        return right, None
    counts = None
    for label in sorted(labels.ignored):
        here = (y if y.dtype.kind == "f" else y.astype(int64)) != label
        counts = here if counts is None else counts & here
    return right, counts
