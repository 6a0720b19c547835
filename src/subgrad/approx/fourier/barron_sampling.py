"""Networks drawn from a function's Fourier transform, as Barron's proof does it, and with a better outer layer.

With a = Σ h_i |w_i|, z = w·x / a in [-1, 1] and phase θ, a wave is an average of steps, or of relus beside its tangent:

    cos(a z + θ) - cos θ            = -a  ∫₀¹ Σ_s s 1{s z > t} sin(s a t + θ) dt
    cos(a z + θ) - cos θ + a z sin θ = -a² ∫₀¹ Σ_s relu(s z - t) cos(s a t + θ) dt        s = 1, -1

so that n draws of (w, s, t), with a or a² times |F| as the density of w, have a mean squared error of 2 C²/n for
steps, and 2/3 C²/n for relus, at most, on average over the draws, whatever measure the error is taken in.
"""

from __future__ import annotations

import numpy as np

from subgrad.approx.builders import refit
from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.fourier.harmonic import Unknown, harmonic
from subgrad.approx.fourier.spectrum import Spectrum
from subgrad.approx.target_function import TargetFunction
from subgrad.entropy import pcg64
from subgrad.errors import ArgumentError

POOL = 1 << 16  # frequencies; those of the units are taken from them, with weights
FACTOR = {"step": 2.0, "relu": 2 / 3}


def drawn(target: TargetFunction, n: int, activation: str, seed: int) -> HiddenUnits:
    """n units drawn at random: their plain average, as in the proof.

    With relu one of them is the tangent at the middle of the box, a unit that is never cut off there.

    Raises:
        ArgumentError: for another activation than step and relu, or a function without a rule for its transform.
    """
    if activation not in FACTOR:
        raise ArgumentError(f"the method 'barron' draws units of step or relu, not {activation}")
    spectrum, random = _spectrum(target), pcg64(seed)
    half, middle = (target.box[:, 1] - target.box[:, 0]) / 2, target.box.mean(axis=1)
    units = _average(spectrum, half, n if activation == "step" else n - 1, activation, random)
    units = units._replace(b=units.b - units.w @ middle, c=target.values(middle[None])[0])
    return units if activation == "step" else _with_tangent(units, target, half, middle)


def fitted(
    target: TargetFunction, points: np.ndarray, values: np.ndarray, n: int, activation: str, seed: int
) -> HiddenUnits:
    """As `drawn`, with the outer weights by least squares on a sample: there the error is not larger."""
    units = drawn(target, n, activation, seed)
    return refit.outer(points, values, units.w, units.b, activation)


def expected(target: TargetFunction, n: int, activation: str) -> float:
    """The bound of the mean squared error of `drawn`, on average over the draws."""
    spectrum = _spectrum(target)
    constant, drawn = (spectrum.box, n) if activation == "step" else (spectrum.curved, max(n - 1, 1))
    return FACTOR[activation] * constant**2 / drawn


def _spectrum(target: TargetFunction) -> Spectrum:
    if target.traced is None:
        raise ArgumentError(f"the method 'barron' needs a formula, f is {target.known}")
    found = harmonic(target.traced, target.box)
    if isinstance(found, Unknown):
        raise ArgumentError(f"the method 'barron' has no rule for this function: {found.reason}")
    if found.draw is None:
        raise ArgumentError(
            f"the method 'barron' cannot draw from this function's transform ({'; '.join(found.rules)})"
        )
    return found


def _average(spectrum: Spectrum, half: np.ndarray, n: int, activation: str, random: np.random.Generator) -> HiddenUnits:
    """The average of n draws, for the box around 0, without the value and the tangent there."""
    assert spectrum.draw is not None
    w, phase = spectrum.draw(random, POOL)
    a = np.abs(w) @ half
    density = a if activation == "step" else a**2
    if not density.any():  # a constant
        return HiddenUnits(np.zeros((n, len(half))), -np.ones(n), np.zeros(n), 0.0)
    chosen = random.choice(POOL, n, p=density / density.sum())
    w, phase, a = w[chosen], phase[chosen], a[chosen]
    sign, t = random.choice([-1.0, 1.0], n), random.random(n)
    at = sign * a * t + phase
    size = -2 * spectrum.mass * density.mean() / max(n, 1)
    v = size * (sign * np.sin(at) if activation == "step" else np.cos(at))
    return HiddenUnits((sign / a)[:, None] * w, -t, v, 0.0)


def _with_tangent(units: HiddenUnits, target: TargetFunction, half: np.ndarray, middle: np.ndarray) -> HiddenUnits:
    """One more relu unit, g·(x - middle) + reach, which is at least 0 on the box."""
    assert target.traced is not None
    slope = target.traced.gradients(middle[None])[0]
    reach = float(np.abs(slope) @ half)
    w, b = np.vstack([units.w, slope]), np.append(units.b, reach - slope @ middle)
    return HiddenUnits(w, b, np.append(units.v, 1.0), units.c - reach)
