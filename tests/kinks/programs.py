"""Random piecewise linear programs, and what their gradients are near a point, found without the package.

A program is a list of steps on vectors of one width: affine maps, relu, abs, clip, maximum, minimum, the largest and
smallest element, sums. Every number is a small multiple of a power of 2, so floats compute it exactly, and offsets are
chosen so that most kinks are active at the program's point: ties are exact ties.

A `Batch` is n programs with the same steps, each with numbers and a point of its own: the package runs all of them in
one graph. `Batch.tensor` does that; `Batch.slopes` carries values and gradients in NumPy, for s points of each program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import linprog

import subgrad as sg

KINKED = ("relu", "abs", "clip", "leaky", "maximum", "minimum", "max", "min")
KINDS = (*KINKED, "mix", "add", "sub")
MOST_KINKS = 10


@dataclass(frozen=True)
class Step:
    """``kind`` applied to the vectors that the steps ``of`` made; 0 is the affine map of x."""

    kind: str
    of: tuple[int, int]
    matrix: np.ndarray  # (n, width, width)
    offset: np.ndarray  # (n, width)


@dataclass(frozen=True)
class Batch:
    """n piecewise linear functions of d variables, and the points ``x`` (n, d) at which their kinks are."""

    x: np.ndarray
    matrix: np.ndarray  # (n, width, d)
    offset: np.ndarray  # (n, width)
    steps: tuple[Step, ...]
    weights: np.ndarray  # (n, width)

    def tensor(self, x: sg.Tensor) -> sg.Tensor:
        """The values (n,) at points (n, d), as a graph."""
        made = [sg.einsum("nwd,nd->nw", self.matrix, x) + self.offset]
        for step in self.steps:
            made.append(_tensor(step, *(made[i] for i in step.of)))
        return (made[-1] * self.weights).sum(1) + made[len(made) // 2].max(1)

    def slopes(self, points: np.ndarray) -> Dual:
        """Values (n, s) and gradients (n, s, d) at points (n, s, d) that are on no kink."""
        u = np.einsum("nwd,nsd->nsw", self.matrix, points) + self.offset[:, None]
        made = [(u, np.broadcast_to(self.matrix[:, None], (*u.shape, points.shape[-1])))]
        for step in self.steps:
            made.append(_slopes(step, *(made[i] for i in step.of)))
        (u, du), (v, dv) = made[-1], _extreme(made[len(made) // 2], 1)
        value = np.einsum("nsw,nw->ns", u, self.weights) + v[..., 0]
        return value, np.einsum("nswd,nw->nsd", du, self.weights) + dv[:, :, 0]

    def limits(self, directions: np.ndarray, reach: Any = 2.0**-24) -> np.ndarray:
        """The gradients (n, s, d) at ``x + reach * directions``, directions (n, s, d): near x, but on no kink."""
        return self.slopes(self.x[:, None] + reach * directions)[1]

    def in_fractions(self) -> Batch:
        """The same programs with rational numbers, for points so near that floats do not tell them apart."""
        steps = tuple(Step(s.kind, s.of, fractions(s.matrix), fractions(s.offset)) for s in self.steps)
        return Batch(*map(fractions, (self.x, self.matrix, self.offset)), steps, fractions(self.weights))


def fractions(x: np.ndarray) -> np.ndarray:
    """The numbers of x as an array of `Fraction`s."""
    return np.array([Fraction(v) for v in x.ravel().tolist()], object).reshape(x.shape)


def _tensor(step: Step, u: sg.Tensor, w: sg.Tensor) -> sg.Tensor:
    rules: dict[str, Any] = {
        "relu": lambda: sg.relu(u + step.offset),
        "abs": lambda: abs(u + step.offset),
        "clip": lambda: sg.clip(u + step.offset, 0, 2),
        "leaky": lambda: sg.leaky_relu(u + step.offset, 0.25),
        "maximum": lambda: sg.maximum(u, w + step.offset),
        "minimum": lambda: sg.minimum(u, w + step.offset),
        "max": lambda: u + (u + step.offset).max(1, keepdims=True),
        "min": lambda: u - (u + step.offset).min(1, keepdims=True),
        "mix": lambda: sg.einsum("nvw,nw->nv", step.matrix, u),
        "add": lambda: u + w,
        "sub": lambda: u - w,
    }
    return rules[step.kind]()


Dual = tuple[np.ndarray, np.ndarray]
"""Values (n, s, width) and gradients (n, s, width, d)."""


def _slopes(step: Step, first: Dual, second: Dual) -> Dual:
    (u, du), (w, dw) = first, second
    offset = step.offset[:, None]
    if step.kind in _PIECES:
        value, slope = _PIECES[step.kind](u + offset)
        return value, du * slope[..., None]
    if step.kind in ("maximum", "minimum"):
        wins = u > w + offset if step.kind == "maximum" else u < w + offset
        return np.where(wins, u, w + offset), np.where(wins[..., None], du, dw)
    if step.kind in ("max", "min"):
        sign = 1 if step.kind == "max" else -1
        v, dv = _extreme((u + offset, du), sign)
        return u + sign * v, du + sign * dv
    if step.kind == "mix":
        return np.einsum("nvw,nsw->nsv", step.matrix, u), np.einsum("nvw,nswd->nsvd", step.matrix, du)
    sign = 1 if step.kind == "add" else -1
    return u + sign * w, du + sign * dw


_PIECES: dict[str, Any] = {
    "relu": lambda u: (u * (u > 0), u > 0),
    "abs": lambda u: (np.abs(u), np.sign(u)),
    "clip": lambda u: (np.clip(u, 0, 2), (u > 0) & (u < 2)),
    "leaky": lambda u: (np.where(u > 0, u, u / 4), np.where(u > 0, 1, 0.25)),
}
"""Value and slope of the functions of one variable."""


def _extreme(dual: Dual, sign: int) -> Dual:
    """The largest element, or the smallest, as a vector of one."""
    u, du = dual
    at = np.argmax(sign * u, axis=2)[..., None]
    return np.take_along_axis(u, at, 2), np.take_along_axis(du, at[..., None], 2)


# Making programs


def random_batch(rng: np.random.Generator, n: int) -> Batch:
    """n programs of 1 to 5 variables with at most 10 kinks, at points with small dyadic numbers."""
    d, width = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    x = rng.integers(-4, 5, (n, d)) / 4
    matrix = rng.integers(-2, 3, (n, width, d)).astype(float)
    matrix[rng.random(n) < 0.2] = matrix[:1, :1]  # neurons that are all alike
    offset = _centred(rng, np.einsum("nwd,nd->nw", matrix, x))
    made = [np.einsum("nwd,nd->nw", matrix, x) + offset]
    steps: list[Step] = []
    for kind in rng.choice(KINDS, rng.integers(2, 8)):
        if sum(width for s in steps if s.kind in KINKED) + width < MOST_KINKS:
            steps.append(_random_step(rng, str(kind), made))
            made.append(_value(steps[-1], made))
    return Batch(x, matrix, offset, tuple(steps), rng.integers(-3, 4, (n, width)).astype(float))


def _random_step(rng: np.random.Generator, kind: str, made: Sequence[np.ndarray]) -> Step:
    of = (_recent(rng, made), _recent(rng, made))
    u, w = made[of[0]], made[of[1]]
    n, width = u.shape
    ties = {"maximum": w - u, "minimum": w - u, "max": u - u.max(1, keepdims=True), "min": u - u.min(1, keepdims=True)}
    offset = _centred(rng, ties.get(kind, u)) if kind in KINKED else 0 * u
    return Step(kind, of, rng.integers(-2, 3, (n, width, width)).astype(float), offset)


def _value(step: Step, made: Sequence[np.ndarray]) -> np.ndarray:
    first, second = ((made[i][:, None], np.zeros((*made[i][:, None].shape, 1))) for i in step.of)
    return _slopes(step, first, second)[0][:, 0]


def _recent(rng: np.random.Generator, made: Sequence[np.ndarray]) -> int:
    """The last vector more often than not; any other is shared by several steps."""
    return len(made) - 1 if rng.random() < 0.6 else int(rng.integers(len(made)))


def _centred(rng: np.random.Generator, u: np.ndarray) -> np.ndarray:
    """An offset that makes most elements of u exactly 0."""
    return np.where(rng.random(u.shape) < 0.75, -u, rng.integers(-2, 3, u.shape) / 2)


# Hulls


def in_hull(g: np.ndarray, points: np.ndarray, tolerance: float = 1e-9) -> bool:
    """Whether g is a convex combination of ``points`` (n, d), by linear programming."""
    if np.abs(points - g).max(1).min() <= tolerance:
        return True
    points = np.unique(points, axis=0)
    n = len(points)
    slack = np.r_[np.zeros(n), 1.0]
    system = points.T - g[:, None]
    found = linprog(
        slack,
        A_ub=np.block([[system, -np.ones((len(g), 1))], [-system, -np.ones((len(g), 1))]]),
        b_ub=np.zeros(2 * len(g)),
        A_eq=np.r_[np.ones(n), 0.0][None],
        b_eq=[1.0],
    )
    return bool(found.status == 0 and found.fun <= tolerance)
