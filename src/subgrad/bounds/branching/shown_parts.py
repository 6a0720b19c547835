"""What a search in parts by signs of units leaves for a proof: how units and parts were bounded."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from subgrad.bounds.branching.arrays_of_parts import Columns

ROOM = 2**26  # numbers that are kept


@dataclass(frozen=True, eq=False)
class Decided(Columns):
    """Parts of a box in which a row is above its limit. W is the number of units.

    Attributes:
        row: the number of the row, shape (n,).
        signs: those of the units that are split, 1 or -1, else 0; shape (n, W).
        slopes: of the lines below units, shape (n, W).
        weights: multipliers of the units that are split, shape (n, W).
        smooth: slopes of the lines around smooth units, shape (n, S).
    """

    row: np.ndarray
    signs: np.ndarray
    slopes: np.ndarray
    weights: np.ndarray
    smooth: np.ndarray


@dataclass
class ShownParts:
    """All that a search has found; nothing if that is too much to keep.

    Attributes:
        units: the numbers of those that a proof speaks of: whose sign was open before their arguments were bounded.
    """

    units: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    _parts: list[Decided] = field(default_factory=list)
    _bounded: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    _numbers: int = 0

    def bounded(self, units: np.ndarray, slopes: np.ndarray) -> None:
        """The arguments of n more units were bounded, n times from above and then from below, with slopes (2 n, W)."""
        pairs = slopes[:, self.units].reshape(2, len(units), len(self.units)).swapaxes(0, 1)
        if self._has_room(pairs.size):
            self._bounded.append((units, pairs.reshape(2 * len(units), -1)))

    def decided(self, parts: Decided) -> None:
        """Keep some parts."""
        if self._has_room(len(parts) * len(self.units) + parts.smooth.size):
            signs, slopes, weights = (x[:, self.units] for x in (parts.signs, parts.slopes, parts.weights))
            self._parts.append(Decided(parts.row, signs.astype(np.int8), slopes, weights, parts.smooth))

    def _has_room(self, more: int) -> bool:
        self._numbers += more
        if self._numbers > ROOM:
            self._parts, self._bounded = [], []
        return self._numbers <= ROOM

    def arrays(self) -> dict[str, np.ndarray] | None:
        """What stands in a proof, by its names there; None if that is too much."""
        if not self._parts:
            return None
        place = {unit: k for k, unit in enumerate(self.units.tolist())}
        tight, slopes = [np.empty(0, np.int64)], [np.empty((0, len(self.units)))]
        for units, before in self._bounded:  # with slopes of the units before them
            tight.append(np.array([place[unit] for unit in units.tolist()]))
            slopes.append(np.pad(before, ((0, 0), (0, len(self.units) - before.shape[1]))))
        parts = Decided.joined(*self._parts)
        return {
            "tight": np.concatenate(tight), "tight slopes": np.concatenate(slopes),
            "row": parts.row.astype(np.int64), "signs": parts.signs, "slopes": parts.slopes,
            "weights": parts.weights, "smooth slopes": parts.smooth,
        }  # fmt: skip


__all__ = ["Decided", "ShownParts"]
