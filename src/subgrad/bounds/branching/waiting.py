"""Boxes that wait to be halved, in chunks that are never copied or changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subgrad.bounds.branching.open_boxes import Open


@dataclass(frozen=True, eq=False)
class Waiting:
    """Chunks of boxes, and those that are too small to be halved.

    Attributes:
        chunks: of boxes that can be halved, none of them empty.
        smallest: the others.
    """

    chunks: tuple[Open, ...] = ()
    smallest: tuple[Open, ...] = ()

    @property
    def excess(self) -> np.ndarray:
        return np.concatenate([np.empty(0), *(c.excess for c in self._all)])

    @property
    def corner(self) -> np.ndarray:
        return np.concatenate([c.corner for c in self._all])

    @property
    def worst(self) -> np.ndarray:
        """The corners of the box with the largest excess, shape (d, 2)."""
        chunk = max(self._all, key=_most)
        k = int(np.argmax(chunk.excess))
        return np.stack([chunk.low[k], chunk.high[k]], axis=1)

    @property
    def numbers(self) -> int:
        """How many are kept in all."""
        return sum(c.low.size + c.inner_low.size for c in self._all)

    def __len__(self) -> int:
        return sum(len(c) for c in self._all)

    @property
    def _all(self) -> tuple[Open, ...]:
        return self.chunks + self.smallest

    def joined(self, *boxes: Open) -> Waiting:
        """These boxes as well."""
        ends = tuple(c[c.axis < 0] for c in boxes)
        parts = tuple(c[c.axis >= 0] if len(e) else c for c, e in zip(boxes, ends, strict=True))
        return Waiting((*self.chunks, *(c for c in parts if len(c))), (*self.smallest, *(e for e in ends if len(e))))

    def taken(self, count: int, nearly_done: bool) -> tuple[Open, Waiting]:
        """So many boxes if there are, from the worst chunks or from those that are ``nearly_done``; and all others."""
        order = sorted(range(len(self.chunks)), key=lambda k: _most(self.chunks[k]), reverse=not nearly_done)
        chosen: list[Open] = []
        for k in order:
            if sum(map(len, chosen)) >= count:
                break
            chosen.append(self.chunks[k])
        rest = tuple(self.chunks[k] for k in sorted(order[len(chosen) :]))
        boxes = Open.joined(*chosen) if len(chosen) > 1 else chosen[0]
        left = Waiting(rest, self.smallest)
        if len(boxes) <= count:
            return boxes, left
        by = np.argsort(boxes.excess if nearly_done else -boxes.excess, kind="stable")
        return boxes[by[:count]], left.joined(boxes[by[count:]])


def _most(boxes: Open) -> float:
    return float(boxes.excess.max())


__all__ = ["Waiting"]
