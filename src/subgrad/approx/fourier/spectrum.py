"""Functions given by their Fourier transforms, f(x) = ∫ exp(iw·x) F(dw), and what sums and products do to them.

What is kept of F are upper bounds of its mass and moments, the sentences of the rules that gave them, and, where
there is one, a way to draw frequencies. With h the half widths of a box, a(w) = Σ h_i |w_i| is the largest |w·x| in the
box around 0: C is ∫ |w| |F|, the constants of the box are ∫ a(w) |F| and ∫ a(w)² |F|. All are those of Barron 1993,
"Universal approximation bounds for superpositions of a sigmoidal function", and invariant under translations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
"""m frequencies (m, d) out of |F| over its mass, with their phases (m,)."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A complex measure with F(-w) the conjugate of F(w).

    Attributes:
        mass: ∫ |F|, infinite for functions such as tanh that have a limit at infinity.
        first, second: ∫ |w| |F| and ∫ |w|² |F|.
        box: ∫ a(w) |F|.
        curved: ∫ a(w)² |F|.
        rules: what gave them.
        draw: or None if there is no way to draw.
    """

    mass: float
    first: float
    second: float
    box: float
    curved: float
    rules: tuple[str, ...]
    draw: Draw | None

    def __add__(self, other: Spectrum) -> Spectrum:
        rules = _joined(self, other, "a sum has at most the sum of the constants")
        draw = _mixture(self, other) if self.draw and other.draw else None
        return Spectrum(**{k: getattr(self, k) + getattr(other, k) for k in _MOMENTS}, rules=rules, draw=draw)

    def __mul__(self, other: Spectrum) -> Spectrum:
        """The product of the functions: the convolution of the measures."""
        if not self.mass or not other.mass:
            return constant(0.0)
        rules = _joined(self, other, "C of a product is at most |F| C_g + |G| C_f, and √(|FG| ∫ |w|² |F * G|)")
        draw = _sums(self, other) if self.draw and other.draw else None
        mass = self.mass * other.mass
        first, second, box, curved = (
            self.mass * getattr(other, k) + other.mass * getattr(self, k) for k in _MOMENTS[1:]
        )
        curved += 2 * self.box * other.box
        # Both |F| and |G| are even, so that w and w' have no correlation, and |w + w'|² has the sum of the means.
        first, box = min(first, math.sqrt(mass * second)), min(box, math.sqrt(mass * curved))
        return Spectrum(mass, first, second, box, curved, rules, draw)

    def times(self, factor: float) -> Spectrum:
        """The function times a number."""
        if factor == 0:
            return constant(0.0)
        size, turn = abs(factor), 0.0 if factor > 0 else math.pi
        draw = _turned(self.draw, turn) if turn else self.draw
        return Spectrum(**{k: size * getattr(self, k) for k in _MOMENTS}, rules=self.rules, draw=draw)

    def through(self, h0: float, h1: float, h2: float, rule: str) -> Spectrum:
        """An entire function of it, given by Σ |h_k| m^k and its first two derivatives at m, the mass."""
        second, curved = h1 * self.second + h2 * self.first**2, h1 * self.curved + h2 * self.box**2
        return Spectrum(h0, h1 * self.first, second, h1 * self.box, curved, (*self.rules, rule), None)


_MOMENTS = ("mass", "first", "second", "box", "curved")


def constant(value: float, dimensions: int = 1) -> Spectrum:
    """A number: all mass at frequency 0."""

    def draw(random: np.random.Generator, m: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((m, dimensions)), np.full(m, 0.0 if value >= 0 else math.pi)

    return Spectrum(abs(value), 0.0, 0.0, 0.0, 0.0, (), draw)


def _joined(f: Spectrum, g: Spectrum, rule: str) -> tuple[str, ...]:
    trivial = f.first == 0 or g.first == 0
    return tuple(dict.fromkeys([*f.rules, *g.rules, *([] if trivial else [rule])]))


def _mixture(f: Spectrum, g: Spectrum) -> Draw:
    assert f.draw is not None
    assert g.draw is not None
    first, second, share = f.draw, g.draw, f.mass / max(f.mass + g.mass, 1e-300)

    def draw(random: np.random.Generator, m: int) -> tuple[np.ndarray, np.ndarray]:
        mine = random.random(m) < share
        (w, phase), (other_w, other_phase) = first(random, m), second(random, m)
        return np.where(mine[:, None], w, other_w), np.where(mine, phase, other_phase)

    return draw


def _sums(f: Spectrum, g: Spectrum) -> Draw:
    assert f.draw is not None
    assert g.draw is not None
    first, second = f.draw, g.draw

    def draw(random: np.random.Generator, m: int) -> tuple[np.ndarray, np.ndarray]:
        (w, phase), (other_w, other_phase) = first(random, m), second(random, m)
        return w + other_w, phase + other_phase

    return draw


def _turned(draw: Draw | None, by: float) -> Draw | None:
    if draw is None:
        return None

    def turned(random: np.random.Generator, m: int) -> tuple[np.ndarray, np.ndarray]:
        w, phase = draw(random, m)
        return w, phase + by

    return turned
