"""Metrics of answers that are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.metrics import given
from subgrad.metrics.given import divided
from subgrad.metrics.table import register


@register("R²", "numbers", larger_is_better=True)
def r2(truth: Any, answers: Any, weights: Any = None) -> Any:
    """The share of the variance of the truth that the answers explain: 1 is perfect, 0 is what its mean gives.

    Args:
        truth: (n,) finite numbers.
        answers: the same.
        weights: of the rows, (n,); or (m, n), for m numbers at once.

    Returns:
        A number, or (m,) of them; NaN if the truth is one value only.

    Raises:
        ShapeError: if the arrays do not fit together.
        DataError: if they hold anything but finite numbers.

    Example:
        >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
        0.5
    """
    y, a, _ = _checked(truth, answers)
    w = given.weights(weights, len(y))
    centre = y - y.mean()  # the mean of large numbers that hardly differ loses what they differ by
    mean = divided(w @ centre, w.sum(axis=-1))
    spread = (w * (centre - np.nan_to_num(mean)[..., None]) ** 2).sum(axis=-1)
    varies = ((w > 0) & (y != _first_counted(y, w)[..., None])).any(axis=-1)
    return 1 - divided(w @ (y - a) ** 2, np.where(varies, spread, 0.0))


@register("root mean squared error", "numbers", larger_is_better=False, in_unit=True, alias="rmse")
def root_mean_squared_error(truth: Any, answers: Any, weights: Any = None) -> Any:
    """The square root of the mean squared error, in the unit of the target. Args and errors are those of `r2`.

    >>> root_mean_squared_error([1.0, 2.0], [1.0, 4.0])
    1.4142135623730951
    """
    y, a, unit = _checked(truth, answers)
    w = given.weights(weights, len(y))
    return unit * np.sqrt(divided(w @ (y - a) ** 2, w.sum(axis=-1)))


@register("mean |error|", "numbers", larger_is_better=False, in_unit=True, alias="mae")
def mean_absolute_error(truth: Any, answers: Any, weights: Any = None) -> Any:
    """The mean of |truth - answer|. Args and errors are those of `r2`.

    >>> mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    y, a, unit = _checked(truth, answers)
    w = given.weights(weights, len(y))
    return unit * divided(w @ abs(y - a), w.sum(axis=-1))


@register("median |error|", "numbers", larger_is_better=False, in_unit=True)
def median_absolute_error(truth: Any, answers: Any, weights: Any = None) -> Any:
    """The median of |truth - answer|: half of the rows are closer. Args and errors are those of `r2`.

    >>> median_absolute_error([1.0, 2.0, 3.0], [1.0, 4.0, 100.0])
    2.0
    """
    y, a, unit = _checked(truth, answers)
    errors = abs(y - a)
    order = np.argsort(errors, kind="stable")
    w, errors = given.weights(weights, len(y))[..., order], errors[order]
    sums = np.cumsum(w, axis=-1)
    half = sums[..., -1:] / 2
    lower, upper = (sums < half).sum(axis=-1), (sums <= half).sum(axis=-1)  # the middle one, or the two middle ones
    middle = (errors[lower.clip(None, len(y) - 1)] + errors[upper.clip(None, len(y) - 1)]) / 2
    return unit * np.where(half[..., 0] > 0, middle, np.nan)


def _checked(truth: Any, answers: Any) -> tuple[np.ndarray, np.ndarray, float]:
    """Truth and answers in units of a power of two, and that: 1 unless squares of them would not be representable."""
    y, a = given.numbers("truth", truth), given.numbers("answers", answers)
    given.same_length(y, a)
    largest = max(np.abs(y).max(), np.abs(a).max())
    if largest == 0 or 1e-100 < largest < 1e100:
        return y, a, 1.0
    power = int(np.frexp(largest)[1])
    return np.ldexp(y, -power), np.ldexp(a, -power), float(np.ldexp(1.0, power))


def _first_counted(y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The first of the values that have a weight, (...)."""
    return y[(w > 0).argmax(axis=-1)]


__all__ = ["mean_absolute_error", "median_absolute_error", "r2", "root_mean_squared_error"]
