"""`barron`: Barron's constant of a function, from above by rules, from below by slopes, and an estimate in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.io.number_text import at_least, at_most

if TYPE_CHECKING:
    from subgrad.approx.fourier.spectrum import Spectrum
    from subgrad.approx.pointwise import Pointwise
    from subgrad.approx.target_function import TargetFunction

SAMPLE = 4096  # points for slopes
GRID = {1: 4096, 2: 256, 3: 64}  # points a side, by the number of variables
REACHES = (1.5, 2.0, 3.0, 4.0, 6.0, 8.0)  # how far, in boxes, the function is followed before it is faded out


@dataclass(frozen=True, eq=False)
class BarronConstant:
    """What is known of C = ∫ |w| |F(dw)|, where f(x) = f(0) + ∫ (exp(iw·x) - 1) F(dw).

    Attributes:
        upper: an upper bound by rules; None if no rule applies.
        upper_box: likewise of ∫ Σ h_i |w_i| |F|, which takes the place of r C on a box with half widths h.
        upper_curved: likewise of ∫ (Σ h_i |w_i|)² |F|, for networks of relu units.
        rules: the rules that gave them; if there is no bound, why.
        lower: the steepest slope on a sample: C is not less.
        lower_box: the same for the box.
        estimate: the constant of a function that is f on the box and fades out around it, by a discrete Fourier
            transform, or the bound that it would leave: no bound itself. None for samples and for more than three
            variables.
        spectrum: the transform, for drawing from it.
    """

    upper: float | None
    upper_box: float | None
    upper_curved: float | None
    rules: tuple[str, ...]
    lower: float
    lower_box: float
    estimate: float | None
    spectrum: Spectrum | None

    def bound(self, n: int) -> float | None:
        """What Barron's theorem says for n sigmoidal units: some network's mean squared error on the box, for
        whatever probability measure there, is at most this. None without an upper bound."""
        return None if self.upper_box is None else barron_bound(self.upper_box, 1, n)

    def __str__(self) -> str:
        if self.upper is None:
            above = f"no upper bound: {self.rules[0]}"
        else:
            above = f"C <= {at_most(self.upper, 5)} ({'; '.join(self.rules)})"
        guess = "" if self.estimate is None else f", about {self.estimate:.4g} (an estimate by FFT)"
        return f"{above}; C >= {at_least(self.lower, 4)} (a slope){guess}"


def barron(f: Any, box: Any = None) -> BarronConstant:
    """Barron's constant of ``f``, which bounds how many units a network with one hidden layer needs.

    The upper bound comes from the expression: each rule is a theorem, and says so in ``rules``. It is that of f on the
    whole space; f on the box alone may have a smaller one.

    Args:
        f: as for `subgrad.approximate`; an upper bound and an estimate are for traced functions.
        box: likewise.

    Raises:
        ArgumentError, DataError, ShapeError: as `subgrad.approximate`.

    Example:
        >>> import subgrad as sg
        >>> constant = sg.barron("exp(-x**2/2 - y**2/2)", [(-1, 1)] * 2)
        >>> round(constant.upper, 4), round(constant.upper_box, 4)   # √(π/2), and 2 √(2/π)
        (1.2533, 1.5958)
        >>> constant.lower < constant.upper
        True
        >>> sg.barron("abs(x)", (-1, 1)).rules
        ('abs has no rule',)
    """
    from subgrad.approx.fourier.harmonic import Unknown, harmonic
    from subgrad.approx.target_function import TargetFunction

    target = TargetFunction(f, box)
    half = (target.box[:, 1] - target.box[:, 0]) / 2
    with np.errstate(all="ignore"):
        lower, lower_box = _slopes(target, half)
    found = Unknown(f"f is {target.known}") if target.traced is None else harmonic(target.traced, target.box)
    guess = None if target.traced is None else _estimate(target.traced, target.box)
    guess = None if guess is None else max(guess, lower)
    if isinstance(found, Unknown):
        return BarronConstant(None, None, None, (found.reason,), lower, lower_box, guess, None)
    guess = None if guess is None else min(guess, found.first)
    return BarronConstant(
        found.first, found.box, found.curved, found.rules or ("a constant",), lower, lower_box, guess, found
    )


def barron_bound(C: float, r: float, n: int) -> float:
    """(2 r C)² / n: the mean squared error that n sigmoidal units reach on a ball of radius r, for every function with
    Barron's constant C and every probability measure (Barron 1993, theorem 1). On a box r C stands for `upper_box`.

    >>> barron_bound(1.5, 2, 100)
    0.36
    """
    if n < 1 or C < 0 or r < 0:
        raise ArgumentError(f"the bound is for C >= 0, r >= 0 and n >= 1, got C={C}, r={r}, n={n}")
    return (2 * r * C) ** 2 / n


def _slopes(target: TargetFunction, half: np.ndarray) -> tuple[float, float]:
    """The largest |gradient| and Σ h_i |∂_i f| on a sample; of samples, the steepest line between two neighbours."""
    X, y = target.sample(SAMPLE, seed=0)
    if target.traced is not None:
        slopes = np.abs(target.traced.gradients(X))
        steepest = np.array([math.hypot(*s) for s in slopes])  # without overflow
        return _largest(steepest), _largest(slopes @ half)
    order = np.random.default_rng(0).permutation(len(X))
    apart, rise = X[order] - X, np.abs(y[order] - y)
    length = np.linalg.norm(apart, axis=1)
    steep = np.where(length > 0, rise / np.where(length > 0, length, 1), 0)
    with np.errstate(all="ignore"):  # |f(x) - f(y)| <= ∫ |w·(x - y)| |F| <= a ratio times that of the box
        ratio = np.max(np.abs(apart) / np.where(half > 0, half, np.inf), axis=1)
    return float(steep.max()), float(np.where(ratio > 0, rise / np.where(ratio > 0, ratio, 1), 0).max())


def _largest(numbers: np.ndarray) -> float:
    """The largest one that is finite: a slope that floats do not hold says nothing."""
    return float(numbers[np.isfinite(numbers)].max(initial=0.0))


def _estimate(f: Pointwise, box: np.ndarray) -> float | None:
    """The least constant among some functions that are f on the box and fade out around it."""
    if len(box) not in GRID:
        return None
    found = [_faded(f, box, reach) for reach in REACHES]
    return min((c for c in found if np.isfinite(c)), default=None)


def _faded(f: Pointwise, box: np.ndarray, reach: float) -> float:
    n, d, half = GRID[len(box)], len(box), np.maximum((box[:, 1] - box[:, 0]) / 2, 1e-300)
    unit = (np.arange(n) + 0.5) / n * 2 - 1
    fade = np.sin(np.pi / 2 * np.clip((reach - np.abs(unit) * reach) / (reach - 1), 0, 1)) ** 2
    grid = np.stack(np.meshgrid(*[unit * reach] * d, indexing="ij"), axis=-1).reshape(-1, d)
    with np.errstate(all="ignore"):
        values = f.values(box.mean(axis=1) + grid * half).reshape((n,) * d)
        for axes in range(d):
            values = values * fade.reshape([-1 if i == axes else 1 for i in range(d)])
    if not np.isfinite(values).all():
        return np.inf
    step = [np.fft.fftfreq(n, 2 * reach * h / n) * 2 * np.pi for h in half]
    with np.errstate(all="ignore"):
        sizes = np.abs(np.fft.fftn(values)) / n**d
        length = np.sqrt(sum(np.square(w) for w in np.meshgrid(*step, indexing="ij")))
        return float((length * sizes).sum())
