"""Metrics of answers that are classes: they count how often which class was answered.

Classes are places: whole numbers from 0 on. Of two classes, precision, recall and F1 are those of the second one, as in
scikit-learn; of more, they are the mean over the classes that occur (its "macro" average). What is not defined is NaN:
the precision of a class that was never answered, the recall of one that never occurs. In a mean such a class counts 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.errors import DataError
from subgrad.metrics import given
from subgrad.metrics.given import divided
from subgrad.metrics.table import register

SPARSE = 10_000  # classes, all of which are counted, however few occur


@dataclass(frozen=True)
class Counts:
    """Sums of weights (..., classes): of the rows of each class, of those answered by it, of those that are right."""

    real: np.ndarray
    said: np.ndarray
    hits: np.ndarray

    @property
    def all(self) -> np.ndarray:
        return self.real.sum(axis=-1)

    def together(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """a / b of the second of two classes; of more, its mean over the classes that occur."""
        if a.shape[-1] == 2:
            return divided(a[..., 1], b[..., 1])
        occurs = self.real + self.said > 0
        return np.nan_to_num(divided(a, b)).sum(axis=-1) / occurs.sum(axis=-1)


def counted(truth: Any, answers: Any, weights: Any = None, classes: int | None = None) -> Counts:
    """How often each class occurs, is answered, and is right."""
    y, a = given.places("truth", truth), given.places("answers", answers)
    given.same_length(y, a)
    most = max(y.max(), a.max()) + 1
    if classes is not None and most > classes:
        raise DataError(f"there are {classes} classes, 0 to {classes - 1}; got {most - 1}")
    w = given.weights(weights, len(y))
    width = classes or max(most, 2)
    if width > SPARSE + 2 * len(y):  # numbers such as those of accounts: only those that occur are counted
        found, both = np.unique([y, a], return_inverse=True)
        (y, a), width = both.reshape(2, -1), max(len(found), 3)
    return Counts(sums_of(y, w, width), sums_of(a, w, width), sums_of(y, np.where(y == a, w, 0.0), width))


def sums_of(places: np.ndarray, weights: np.ndarray, width: int) -> np.ndarray:
    """The weights of each class, (..., classes)."""
    rows = weights.reshape(-1, len(places))
    cells = places + width * np.arange(len(rows))[:, None]
    found = np.bincount(cells.ravel(), rows.ravel(), minlength=len(rows) * width)
    return found.reshape(*weights.shape[:-1], width)


@register("accuracy", "classes", larger_is_better=True)
def accuracy(truth: Any, answers: Any, weights: Any = None, *, classes: int | None = None) -> Any:
    """The share of rows whose class is right.

    Args:
        truth: the place of the right class of each row, (n,) of whole numbers from 0 on.
        answers: the place of the class that was answered, the same.
        weights: of the rows, (n,); or (m, n), for m numbers at once.
        classes: how many there are; those that occur, but two at least, if it is not said.

    Returns:
        A number, or (m,) of them.

    Raises:
        ShapeError: if the arrays do not fit together.
        DataError: if they hold anything else.

    Example:
        >>> accuracy([0, 1, 1, 2], [0, 1, 2, 2])
        0.75
    """
    counts = counted(truth, answers, weights, classes)
    return divided(counts.hits.sum(axis=-1), counts.all)


@register("balanced accuracy", "classes", larger_is_better=True, over_classes=True)
def balanced_accuracy(truth: Any, answers: Any, weights: Any = None, *, classes: int | None = None) -> Any:
    """The mean over the classes of the share of their rows that is right: always answering one class gives 1 / classes.

    Args and errors are those of `accuracy`.

    >>> balanced_accuracy([0, 0, 0, 1], [0, 0, 0, 0])
    0.5
    """
    counts = counted(truth, answers, weights, classes)
    shares = np.nan_to_num(divided(counts.hits, counts.real))
    return divided(shares.sum(axis=-1), (counts.real > 0).sum(axis=-1))


@register("precision", "classes", larger_is_better=True, of_one_class=True, over_classes=True)
def precision(truth: Any, answers: Any, weights: Any = None, *, classes: int | None = None) -> Any:
    """The share that is right of the rows answered by a class. Args and errors are those of `accuracy`.

    >>> precision([0, 1, 1, 0], [0, 1, 1, 1])
    0.6666666666666666
    """
    counts = counted(truth, answers, weights, classes)
    return counts.together(counts.hits, counts.said)


@register("recall", "classes", larger_is_better=True, of_one_class=True, over_classes=True)
def recall(truth: Any, answers: Any, weights: Any = None, *, classes: int | None = None) -> Any:
    """The share that is right of the rows of a class. Args and errors are those of `accuracy`.

    >>> recall([0, 1, 1, 0], [0, 1, 0, 1])
    0.5
    """
    counts = counted(truth, answers, weights, classes)
    return counts.together(counts.hits, counts.real)


@register("F1", "classes", larger_is_better=True, of_one_class=True, over_classes=True)
def f1(truth: Any, answers: Any, weights: Any = None, *, classes: int | None = None) -> Any:
    """The harmonic mean of precision and recall, for each class. Args and errors are those of `accuracy`.

    >>> f1([0, 1, 1, 0], [0, 1, 1, 1])
    0.8
    """
    counts = counted(truth, answers, weights, classes)
    return counts.together(2 * counts.hits, counts.real + counts.said)


@register("Matthews correlation", "classes", larger_is_better=True)
def matthews_correlation(truth: Any, answers: Any, weights: Any = None, *, classes: int | None = None) -> Any:
    """The correlation of truth and answers (Matthews 1975; of several classes, Gorodkin 2004): from -1 to 1, and 0 for
    answers that know nothing, or that are all one class; NaN if the truth is one class.

    Args and errors are those of `accuracy`.

    >>> matthews_correlation([0, 1, 1, 0], [0, 1, 1, 0]), matthews_correlation([0, 1, 1, 0], [0, 0, 0, 0])
    (1.0, 0.0)
    """
    counts = counted(truth, answers, weights, classes)
    n = counts.all
    both = counts.hits.sum(axis=-1) * n - (counts.real * counts.said).sum(axis=-1)
    spread = (n**2 - (counts.real**2).sum(axis=-1)) * (n**2 - (counts.said**2).sum(axis=-1))
    several = (counts.real > 0).sum(axis=-1) > 1
    return np.where(several, np.nan_to_num(divided(both, np.sqrt(spread))), np.nan)


__all__ = ["accuracy", "balanced_accuracy", "f1", "matthews_correlation", "precision", "recall"]
