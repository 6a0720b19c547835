"""Functions whose Fourier transforms are known: waves and sigmoids of a linear form, Gaussians and their mixtures.

Where the transform of a sigmoid's derivative is positive, its constant is the derivative at 0: 1 for tanh, 1/4 for the
logistic function, 2/√π for erf.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from subgrad.approx.fourier.polynomial import Polynomial
from subgrad.approx.fourier.spectrum import Draw, Spectrum

ZETA3 = 1.2020569031595942


class Ridge(NamedTuple):
    """A function of one variable whose transform F is known.

    Attributes:
        mass: ∫ |F|.
        first: ∫ |w| |F|.
        second: ∫ w² |F|.
        phase: of a wave, at frequency 1; None for a sigmoid.
    """

    mass: float
    first: float
    second: float
    phase: float | None = None


SINE = Ridge(1.0, 1.0, 1.0, -math.pi / 2)
COSINE = Ridge(1.0, 1.0, 1.0, 0.0)
TANH = Ridge(math.inf, 1.0, 28 * ZETA3 / math.pi**3)
LOGISTIC = Ridge(math.inf, 0.25, 3.5 * ZETA3 / math.pi**3)
ERROR_FUNCTION = Ridge(math.inf, 2 / math.sqrt(math.pi), 4 / math.pi)


def linear(form: Polynomial, half: np.ndarray) -> Spectrum:
    """a·x + c itself, as the limit of sin(λ a·x)/λ as λ goes to 0."""
    first = math.hypot(*form.a)
    return Spectrum(math.inf, first, 0.0, float(half @ np.abs(form.a)), 0.0, ("C of a·x is |a|",), None)


def ridge(name: str, f: Ridge, form: Polynomial, half: np.ndarray) -> Spectrum:
    """A function of the linear form a·x + c; ``name`` is what the rule calls it."""
    mass, first, second, phase = f
    size = float(half @ np.abs(form.a))
    rule = f"C of {name}(a·x + b) is {first:.4g} |a|" if first != 1 else f"C of {name}(a·x + b) is |a|"
    draw = None if phase is None else _wave(form, phase)
    length = math.hypot(*form.a)  # unlike the root of a sum of squares, right for numbers of any size
    return Spectrum(mass, first * length, second * length**2, first * size, second * size**2, (rule,), draw)


def _wave(form: Polynomial, phase: float) -> Draw:
    def draw(random: np.random.Generator, m: int) -> tuple[np.ndarray, np.ndarray]:
        sign = random.choice([-1.0, 1.0], m)
        return sign[:, None] * form.a, sign * (phase + form.c)

    return draw


def gaussian(form: Polynomial, half: np.ndarray) -> Spectrum | None:
    """exp(q) for a quadratic q that is bounded above; None for another one."""
    top = form.top()
    if top is None:
        return None
    centre, value = top
    return _bells(-2 * form.A, centre, math.exp(value), half, 1.0, 1.0, lambda random, m: np.ones(m), "a Gaussian")


def inverse_power(form: Polynomial, p: float, half: np.ndarray) -> Spectrum | None:
    """q^-p for p > 0 and a quadratic q with a minimum above 0: a mixture of Gaussians exp(-t q) with t from a Gamma
    distribution, hence with a positive transform."""
    top = form.times(-1).top()
    if top is None or top[1] >= 0 or not form.A.any():
        return None
    centre, least = top[0], -top[1]
    root = math.exp(math.lgamma(p + 0.5) - math.lgamma(p)) / math.sqrt(least)

    def widths(random: np.random.Generator, m: int) -> np.ndarray:
        return random.gamma(p, 1 / least, m)

    return _bells(2 * form.A, centre, least**-p, half, root, p / least, widths, f"(1 + q)^-{p:g} mixes Gaussians")


def _bells(
    S: np.ndarray, centre: np.ndarray, height: float, half: np.ndarray, root: float, mean: float, widths, what: str
) -> Spectrum:
    """height · E exp(-t (x - centre)ᵀ S (x - centre) / 2), with E √t and E t given: w is normal with covariance t S."""
    spread = np.sqrt(np.maximum(np.diag(S), 0))
    values, vectors = np.linalg.eigh(S)
    values = np.maximum(values, 0)
    size, how = _length(values)
    factor = vectors * np.sqrt(values)

    def draw(random: np.random.Generator, m: int) -> tuple[np.ndarray, np.ndarray]:
        w = random.normal(size=(m, len(S))) @ factor.T * np.sqrt(widths(random, m))[:, None]
        return w, -w @ centre

    first, box = height * root * size, height * root * math.sqrt(2 / math.pi) * float(half @ spread)
    curved = height * mean * float(half @ _products(S, spread) @ half)
    second = height * mean * float(np.trace(S))
    return Spectrum(height, first, second, box, curved, (f"{what}: {how}",), draw)


def _length(variances: np.ndarray) -> tuple[float, str]:
    """E |w| of a normal w, or a bound of it."""
    there = variances[variances > 1e-12 * variances.max(initial=0)]
    k = len(there)
    if k and np.ptp(there) <= 1e-9 * there.max():
        exact = math.sqrt(2 * there.max()) * math.exp(math.lgamma((k + 1) / 2) - math.lgamma(k / 2))
        return exact, "its transform is positive, and C is E|w| in closed form"
    return math.sqrt(there.sum()), "its transform is positive, and C is at most the root of E|w|²"


def _products(S: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """E |w_i| |w_j| of a normal w with covariance S."""
    with np.errstate(all="ignore"):
        rho = np.clip(np.nan_to_num(S / np.outer(spread, spread)), -1, 1)
    return 2 / math.pi * np.outer(spread, spread) * (np.sqrt(1 - rho**2) + rho * np.arcsin(rho))
