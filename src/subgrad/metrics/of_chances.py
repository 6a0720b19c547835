"""Metrics of answers that are probabilities of classes, or scores: of their order, and of their values."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.errors import DataError
from subgrad.metrics import given
from subgrad.metrics.given import divided
from subgrad.metrics.table import register


@register("ROC AUC", "chances", larger_is_better=True, over_classes=True)
def roc_auc(truth: Any, answers: Any, weights: Any = None) -> Any:
    """The chance that a row of a class has a higher score for it than a row of another class; a tie counts half. It is
    the area under the receiver operating characteristic, by trapezoids (Fawcett 2006).

    Of more than two classes: the mean over the classes that occur, each against all others.

    Args:
        truth: the place of the right class of each row, (n,) of whole numbers from 0 on.
        answers: probabilities or any scores, (n, classes), or (n,) of the second of two classes.
        weights: of the rows, (n,); or (m, n), for m numbers at once.

    Returns:
        A number, or (m,) of them; NaN if there are rows of one class only.

    Raises:
        ShapeError: if the arrays do not fit together.
        DataError: if they hold anything else.

    Example:
        >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    return _each_class(truth, answers, weights, _area)


@register("average precision", "chances", larger_is_better=True, of_one_class=True, over_classes=True)
def average_precision(truth: Any, answers: Any, weights: Any = None) -> Any:
    """The mean of the precision over the rows of a class, each with the threshold that just finds it: Σ (Rₖ - Rₖ₋₁) Pₖ.

    A rare class shows here: scores that know nothing get its share of the rows. Of more than two classes: the mean over
    those that occur. Args, result and errors are those of `roc_auc`.

    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    return _each_class(truth, answers, weights, _mean_precision)


@register("log loss", "chances", larger_is_better=False)
def log_loss(truth: Any, answers: Any, weights: Any = None) -> Any:
    """The mean of -log of the probability of the right class, in nats. A probability of 0 counts as 2⁻⁵².

    Args:
        truth: the place of the right class of each row, (n,) of whole numbers from 0 on.
        answers: probabilities, (n, classes), or (n,) of the second of two classes.
        weights: of the rows, (n,); or (m, n), for m numbers at once.

    Raises:
        ShapeError: if the arrays do not fit together.
        DataError: if they hold anything else; probabilities of a row that do not add up to 1, for example.

    Example:
        >>> log_loss([0, 1], [0.5, 0.5])
        0.6931471805599453
    """
    y, p = _checked(truth, answers, given.chances)
    return _mean(-np.log(p[np.arange(len(y)), y].clip(np.finfo(np.float64).eps)), weights)


@register("Brier score", "chances", larger_is_better=False)
def brier(truth: Any, answers: Any, weights: Any = None) -> Any:
    """The mean squared difference of probabilities and what came true (Brier 1950): of two classes that of the second
    one, as it is common; of more the sum over the classes. Args and errors are those of `log_loss`.

    >>> brier([0, 1], [0.5, 1.0])
    0.125
    """
    y, p = _checked(truth, answers, given.chances)
    squares = ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1)
    return _mean(squares / 2 if p.shape[1] == 2 else squares, weights)


def _checked(truth: Any, answers: Any, check: Any) -> tuple[np.ndarray, np.ndarray]:
    y = given.places("truth", truth)
    p = check(answers, len(y))
    if y.max() >= p.shape[1]:
        raise DataError(f"there are scores of {p.shape[1]} classes, 0 to {p.shape[1] - 1}; the truth has {y.max()}")
    return y, p


def _mean(values: np.ndarray, weights: Any) -> np.ndarray:
    w = given.weights(weights, len(values))
    return divided(w @ values, w.sum(axis=-1))


def _each_class(truth: Any, answers: Any, weights: Any, judge: Any) -> np.ndarray:
    """That of the second of two classes; of more, the mean over those that occur."""
    y, p = _checked(truth, answers, given.scores)
    w = given.weights(weights, len(y))
    if p.shape[1] == 2:
        return judge(*_found(y == 1, p[:, 1], w))
    values = [judge(*_found(y == k, p[:, k], w)) for k in range(p.shape[1]) if np.any(y == k)]
    known = ~np.isnan(values)
    return divided(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0))


def _found(of_class: np.ndarray, scores: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of weights (..., thresholds) of the rows of a class, and of others, whose score is the threshold or more.

    Equal scores are one threshold, so that ties do not depend on the order of the rows.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    ordered, mine = w[..., order], of_class[order]
    right, wrong = (np.cumsum(np.where(where, ordered, 0.0), axis=-1)[..., last] for where in (mine, ~mine))
    return right, wrong


def _area(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    before = np.concatenate([np.zeros_like(right[..., :1]), right[..., :-1]], axis=-1)
    steps = np.diff(wrong, axis=-1, prepend=0.0)
    return divided((steps * (right + before)).sum(axis=-1) / 2, right[..., -1] * wrong[..., -1])


def _mean_precision(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    steps = np.diff(right, axis=-1, prepend=0.0)
    precision = np.nan_to_num(divided(right, right + wrong))
    return divided((steps * precision).sum(axis=-1), right[..., -1])


__all__ = ["average_precision", "brier", "log_loss", "roc_auc"]
