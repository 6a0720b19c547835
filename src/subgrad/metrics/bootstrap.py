"""How sure a metric of some rows is: its interval over samples drawn from them again (Efron 1979).

A sample of n rows drawn with replacement gives each row a weight, how often it was drawn. The metrics take the weights
of many samples at once, so nothing is sorted or looked up anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from subgrad import validators
from subgrad.entropy import philox
from subgrad.errors import ArgumentError, DataError
from subgrad.metrics.of_classes import sums_of
from subgrad.metrics.table import Metric, get

SAMPLES = 1000
FEWEST = 100
WORK = 4e7  # rows of all samples: of more than 40,000 rows there are fewer samples, whose metrics hardly differ
ROOM = 2**21  # weights at a time
LEVEL = 0.95


class Estimate(NamedTuple):
    """A number, and the interval that it would be in for most other samples of the same size.

    >>> Estimate(0.9124, 0.8891, 0.934).text()
    '0.912 [0.889, 0.934]'
    """

    value: float
    low: float
    high: float

    def text(self, decimals: int | None = 3) -> str:
        """For print, as `shown`; without the interval if it is unknown."""
        value, low, high = (shown(v, decimals) for v in self)
        return value if np.isnan(self.value) or np.isnan(self.low) else f"{value} [{low}, {high}]"


def shown(value: float, decimals: int | None = 3) -> str:
    """A metric in print, with a power of ten where decimals are None; "-" has no meaning, and 0 has no minus.

    >>> shown(0.5), shown(-0.0004), shown(float("nan")), shown(1.6e-19, None)
    ('0.500', '0.000', '-', '1.600e-19')
    """
    return "-" if np.isnan(value) else f"{value:.3e}" if decimals is None else f"{value:z.{decimals}f}"


def decimals_for(*values: float) -> int | None:
    """How many decimals numbers of one unit need, so that four digits of the largest are seen; None for a power of ten.

    >>> decimals_for(48.4312, 120.0), decimals_for(0.00123), decimals_for(1e9), decimals_for(1.6e-19, 0)
    (1, 6, 0, None)
    """
    largest = max((abs(v) for v in values if np.isfinite(v)), default=0.0)
    if not largest:
        return 3
    return max(0, int(3 - np.floor(np.log10(largest)))) if 1e-9 <= largest < 1e15 else None


def bootstrap(
    metric: str | Metric | Callable[..., Any], truth: Any, answers: Any, *, level: float = LEVEL, seed: int = 0,
    samples: int | None = None, **more: Any,
) -> Estimate:  # fmt: skip
    """A metric with its percentile interval.

    Args:
        metric: a name of `TABLE`, or a function (truth, answers, weights) that takes weights (m, n) and gives (m,).
        truth: (n, ...).
        answers: as the metric takes them.
        level: the share of the samples whose metric is inside.
        seed: of the samples.
        samples: how many; 1000, and fewer of many rows.
        more: further arguments of the metric.

    Returns:
        The metric of all rows and its interval. The interval is NaN where the samples cannot tell: all agree, as they
        do if every answer is right, or the metric is undefined in more than 1 of 20, as ROC AUC is where only one class
        was drawn.

    Raises:
        ArgumentError: for an unknown name, a level outside (0, 1), or fewer than 2 samples.

    Example:
        >>> from subgrad.metrics import bootstrap
        >>> found = bootstrap("accuracy", [0, 1] * 50, [0, 1] * 45 + [1, 0] * 5)
        >>> found.low < found.value == 0.9 < found.high
        True
    """
    function = get(metric) if isinstance(metric, str) else metric

    def number(weights: np.ndarray | None) -> Any:
        return function(truth, answers, weights, **more)

    judged = of_every_class(number, truth) if isinstance(function, Metric) and function.over_classes else number
    return estimates({"": judged}, len(truth), level=level, seed=seed, samples=samples)[""]


def of_every_class(number: Callable[[np.ndarray | None], Any], truth: Any) -> Callable[[np.ndarray | None], Any]:
    """The function of weights, NaN for those that leave a class out: a mean over the others would be another metric."""
    classes, places = np.unique(np.asarray(truth), return_inverse=True)

    def judged(weights: np.ndarray | None) -> Any:
        found = number(weights)
        if weights is None:
            return found
        return np.where((sums_of(places, weights, len(classes)) > 0).all(axis=-1), found, np.nan)

    return judged


def estimates(
    numbers: Mapping[str, Callable[[np.ndarray | None], Any]], n: int, *, level: float = LEVEL, seed: int = 0,
    samples: int | None = None,
) -> dict[str, Estimate]:  # fmt: skip
    """As `bootstrap`, of several functions of the weights of n rows, over the same samples."""
    validators.level("level", level)
    if not n:
        raise DataError("there are no rows to draw from")
    count = int(np.clip(WORK / n, FEWEST, SAMPLES)) if samples is None else samples
    if count < 2:
        raise ArgumentError(f"an interval takes 2 samples at least, got {samples}")
    found: dict[str, list[np.ndarray]] = {name: [] for name in numbers}
    for weights in _draws(n, count, seed):
        for name, function in numbers.items():
            found[name].append(function(weights))
    return {name: _estimate(f(None), np.concatenate(found[name]), level) for name, f in numbers.items()}


def _draws(n: int, count: int, seed: int) -> Iterator[np.ndarray]:
    """How often each row is in each of the samples: (some, n), as often as it takes for ``count`` of them."""
    rng = philox(seed)
    at_once = max(1, ROOM // n)
    for start in range(0, count, at_once):
        m = min(at_once, count - start)
        drawn = rng.integers(0, n, (m, n)) + n * np.arange(m)[:, None]
        yield np.bincount(drawn.ravel(), minlength=m * n).reshape(m, n).astype(np.float64)


def _estimate(value: float, sampled: np.ndarray, level: float) -> Estimate:
    known = sampled[~np.isnan(sampled)]
    if len(known) < 0.95 * len(sampled) or np.ptp(known) <= 1e-12 * abs(value):
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))


__all__ = ["Estimate", "bootstrap", "decimals_for", "estimates", "shown"]
