"""Tighter bounds of rows: what is free for them is chosen by descent, each row for itself.

Free are the slopes of the lower lines of relu ("alpha": Xu et al., "Fast and complete", 2021, arXiv 2011.13824), and a
number of 0 or more for each element of a step whose sign is known to be one in a part of the box ("beta": Wang et al.,
2021, arXiv 2103.06624): as ``sign * element`` is not negative there, any multiple of it may be added to an upper bound.
The upper bound is the value at the corner where the row's linear function is largest; from there the values of all
steps by the lines that the row took are the derivatives by what is free. Whatever is chosen, each bound is one that
`Boxes.above` computed, with all rounding; the best one counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from subgrad.bounds.backward.affine import Affine
from subgrad.bounds.backward.curves import Curve
from subgrad.bounds.backward.linear_bounds import Boxes
from subgrad.bounds.backward.rows_back import Choice, taken

FIRST, LAST = 0.25, 0.03  # the size of the first step of a slope, and what is left of that at the end
SCALE = 0.2  # of the first step of a multiplier, in largest coefficients of the row there
FADE, FADE_SQUARES = 0.9, 0.999  # as Adam has them: Kingma and Ba 2015


@dataclass
class Tightened:
    """Upper bounds of rows, and what they come from.

    Attributes:
        above: shape (P,).
        slopes: at the point, shape (P, d).
        choice: what was chosen, and the trail.
    """

    above: np.ndarray
    slopes: np.ndarray
    choice: Choice


def tightened(
    boxes: Boxes, last: int, a: np.ndarray, owner: np.ndarray, rounds: int, wanted: float | np.ndarray,
    signs: dict[int, np.ndarray] | None = None, start: Choice | None = None, late: Callable[[], bool] | None = None,
) -> Tightened:  # fmt: skip
    """Upper bounds of rows of a step, shape (P, \\*S), in the boxes ``owner``, after so many steps of descent.

    Args:
        wanted: a bound below that is good enough; one for all rows, or shape (P,).
        signs: of elements of steps, 1 or -1 where they have that sign in the part of the box that counts, else 0.
        start: a choice for a larger part.
        late: whether the time is over: then the bounds so far have to do.
    """
    free = _Free(boxes, owner, signs or {}, start)
    best = free.bound(last, a)
    wanted = np.broadcast_to(wanted, best.above.shape)
    active, current = np.arange(len(a)), best
    if rounds:
        best.choice.trail = {k: np.array(t) for k, t in best.choice.trail.items()}  # coefficients of sums are views
    for number in range(rounds):
        still = np.flatnonzero(best.above[active] >= wanted[active])
        if not len(still) or not free.any or (late is not None and late()):
            break
        if len(still) < len(active):
            active, a, free = active[still], a[still], free.some(still)
            current = Tightened(current.above[still], current.slopes[still], current.choice[still])
        free.step(current, number, LAST ** (number / rounds))
        current = free.bound(last, a)
        better = np.flatnonzero(current.above < best.above[active])
        _put(best, active[better], current, better)
    return best


def _put(best: Tightened, places: np.ndarray, found: Tightened, rows: np.ndarray) -> None:
    best.above[places], best.slopes[places] = found.above[rows], found.slopes[rows]
    for mine, other in ((best.choice.slopes, found.choice.slopes), (best.choice.added, found.choice.added),
                        (best.choice.trail, found.choice.trail)):  # fmt: skip
        for k, value in other.items():
            mine[k][places] = value[rows]


@dataclass
class _Free:
    """What is free for rows, and how it has moved."""

    boxes: Boxes
    owner: np.ndarray
    signs: dict[int, np.ndarray]
    start: Choice | None
    slopes: dict[int, np.ndarray] = field(default_factory=dict)
    weights: dict[int, np.ndarray] = field(default_factory=dict)
    kinked: dict[int, np.ndarray] = field(default_factory=dict)
    moments: dict[tuple[str, int], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.slopes or self.weights:
            return
        boxes, start = self.boxes, self.start or Choice()
        for k, step in enumerate(boxes.steps):
            made = step.made
            if isinstance(made, Curve) and made.least is not None:
                kinked = made.open([boxes.intervals[i] for i in step.inputs])
                if not kinked.any():
                    continue
                slopes = boxes.relaxations[k].slopes[0][0][self.owner]
                self.kinked[k] = kinked[self.owner]
                self.slopes[k] = np.where(self.kinked[k], start.slopes[k], slopes) if k in start.slopes else slopes
        for k, sign in self.signs.items():
            self.weights[k] = np.abs(start.added[k]) if k in start.added else np.zeros(sign.shape)

    @property
    def any(self) -> bool:
        """Whether anything is free."""
        return bool(self.slopes or self.weights)

    def some(self, rows: np.ndarray) -> _Free:
        """What is free for some of the rows."""
        parts = (self.slopes, self.weights, self.kinked, self.signs)
        slopes, weights, kinked, signs = ({k: v[rows] for k, v in part.items()} for part in parts)
        moments = {k: (m[rows], v[rows]) for k, (m, v) in self.moments.items()}
        return _Free(self.boxes, self.owner[rows], signs, self.start, slopes, weights, kinked, moments)

    def bound(self, last: int, a: np.ndarray) -> Tightened:
        """Bounds by what is chosen now."""
        choice = Choice(dict(self.slopes), {k: self.signs[k] * w for k, w in self.weights.items()})
        return Tightened(*self.boxes.above(last, a, self.owner, choice), choice)

    def step(self, at: Tightened, number: int, size: float) -> None:
        """Move all towards lower bounds."""
        values = self._values(at)
        for k, slopes in self.slopes.items():
            made, trail = self.boxes.steps[k].made, at.choice.trail.get(k)
            assert isinstance(made, Curve)
            if trail is not None and made.least is not None:
                by = np.where(self.kinked[k], np.minimum(trail, 0.0) * values[self.boxes.steps[k].inputs[0]], 0.0)
                moved = np.clip(slopes - self._direction(("slopes", k), by, FIRST * size, number), made.least, 1.0)
                self.slopes[k] = np.where(self.kinked[k], moved, slopes)
        for k, weights in self.weights.items():
            direction = self._direction(("weights", k), self.signs[k] * values[k], SCALE * size, number)
            direction *= self._scale(k, at.choice)
            self.weights[k] = np.where(self.signs[k] != 0, np.maximum(weights - direction, 0.0), 0.0)

    def _scale(self, k: int, choice: Choice) -> np.ndarray | float:
        """The largest coefficient with which a row came to the curves of a step."""
        trails = [t for c, t in choice.trail.items() if k in self.boxes.steps[c].inputs]
        if not trails:
            return 1.0
        found = np.maximum.reduce([np.abs(t).reshape(len(t), -1).max(axis=1) for t in trails])
        return found.reshape(-1, *[1] * len(self.boxes.steps[k].shape))

    def _direction(self, name: tuple[str, int], by: np.ndarray, size: float, number: int) -> np.ndarray:
        by = np.nan_to_num(by, posinf=0.0, neginf=0.0)
        mean, square = self.moments.get(name, (0.0, 0.0))
        mean, square = FADE * mean + (1 - FADE) * by, FADE_SQUARES * square + (1 - FADE_SQUARES) * by * by
        self.moments[name] = np.asarray(mean), np.asarray(square)
        root = np.sqrt(square / (1 - FADE_SQUARES ** (number + 1)))
        return size * (mean / (1 - FADE ** (number + 1))) / (root + 1e-12)

    def _values(self, at: Tightened) -> dict[int, np.ndarray]:
        """What steps are where the row's function is largest, by the lines that it took."""
        boxes, owner = self.boxes, self.owner
        low, high = (e[owner] for e in boxes.intervals[0])
        found = {0: np.where(at.slopes.reshape(low.shape) > 0, high, low)}
        wanted = max((*self.weights, *(boxes.steps[k].inputs[0] for k in self.slopes)), default=0)
        with np.errstate(all="ignore"):
            for k in range(1, wanted + 1):
                step = boxes.steps[k]
                inputs = [found[i] for i in step.inputs]
                if isinstance(step.made, Affine):
                    centre = 0.0 if step.made.centre is None else step.made.centre
                    found[k] = np.zeros((len(owner), *step.shape)) + centre
                    for (_, part), v in zip(step.made.parts, inputs, strict=True):
                        found[k] += part.forward(v)
                else:
                    found[k] = self._on_lines(k, inputs, at.choice)
        return found

    def _on_lines(self, k: int, inputs: list[np.ndarray], choice: Choice) -> np.ndarray:
        relaxed, shape = self.boxes.relaxations[k], (len(self.owner), *self.boxes.steps[k].shape)
        positive = choice.trail[k] > 0 if k in choice.trail else np.zeros(shape, bool)
        value = np.zeros(shape)
        for offset, side in ((relaxed.high, positive), (relaxed.low, ~positive)):
            if offset is not None:
                value += np.where(side, taken(offset, self.owner), 0.0)
        for (low, high), v in zip(relaxed.slopes, inputs, strict=True):
            if low.ndim > 1:
                below = choice.slopes[k] if k in choice.slopes else taken(low, self.owner)
                value += np.where(positive, taken(high, self.owner), below) * v
        return value


__all__ = ["Tightened", "tightened"]
