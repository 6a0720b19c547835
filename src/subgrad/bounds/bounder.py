"""Bounds on many boxes at once: the graph that bounds a function, interpreted at first, compiled if that pays."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.bounds.taylor.rules import taylor_models
from subgrad.bounds.taylor.taylor_model import TaylorModel
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.threads import get_threads
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, Tensor, constant, placeholder

ROOM = 2**18  # numbers that the slopes of a batch of boxes take: with all else they fit the second-level cache
MOST, LEAST = 256, 8  # boxes in a batch
PATIENCE = 24  # batches that are interpreted before a program is compiled, which takes as long as some hundred of them


@dataclass(frozen=True, eq=False)
class Bounds:
    """For each of N boxes and k values: what they are near, how far off they may be, and the slopes.

    Attributes:
        centre, reach: shape (N, k); infinite reaches where nothing is known.
        slopes: shape (N, d, k); at boxes that are points these are gradients.
    """

    centre: np.ndarray
    reach: np.ndarray
    slopes: np.ndarray

    @property
    def low(self) -> np.ndarray:
        """Lower bounds, rounded down."""
        return np.nextafter(self.centre - self.reach, -np.inf)

    @property
    def high(self) -> np.ndarray:
        """Upper bounds, rounded up."""
        return np.nextafter(self.centre + self.reach, np.inf)


class Bounder:
    """Bounds the values of a traced function over boxes.

    Args:
        point: the placeholder of the point, shape (1, d).
        outputs: the node of the values, shape (k,).
        weights: the other placeholders of the graph.
        values: what they hold.
        positive: no coordinate of a box is negative, so that a root of one is known down to 0.
    """

    def __init__(
        self, point: Tensor, outputs: Tensor, weights: Sequence[Tensor], values: Sequence[np.ndarray],
        positive: bool = False,
    ) -> None:  # fmt: skip
        self.dimensions, self.width = point.shape[1], outputs.size
        largest = max((n.size for n in toposort([outputs]) if n.op is not CONST), default=1)
        self.batch = max(LEAST, min(MOST, ROOM // (self.dimensions * largest)))
        self.point, self.outputs, self.weights, self.values = point, outputs, list(weights), list(values)
        self.work = sum(n.size for n in toposort([outputs]) if n.op is not CONST)
        self.boxes, self.least = 0, 0.0 if positive else -np.inf

    def __call__(self, low: np.ndarray, high: np.ndarray) -> Bounds:
        """Bounds over boxes with the corners ``low`` and ``high``, shape (N, d)."""
        middle, half = middle_and_half(low, high)
        n, step = len(low), self.batch
        if not n:
            none = np.empty((0, self.width))
            return Bounds(none, none, np.empty((0, self.dimensions, self.width)))
        self.boxes += n
        count = -(-n // step)
        middle, half = (np.concatenate([x, np.repeat(x[:1], count * step - n, 0)]) for x in (middle, half))
        batches = [slice(i * step, (i + 1) * step) for i in range(count)]
        parts = self._runner(count)([(middle[b], half[b]) for b in batches])
        centre, reach, slopes = (np.concatenate(p)[:n] for p in zip(*parts, strict=True))
        known = np.isfinite(centre) & np.isfinite(reach)
        return Bounds(np.where(known, centre, 0.0), np.where(known, reach, np.inf), slopes)

    def _runner(self, batches: int) -> Any:
        key = self.least, structure(self.point, self.outputs, self.weights)
        if key not in _kept:
            while len(_kept) >= 16:
                _kept.popitem(last=False)
            _kept[key] = _Runner(*self._graph())
        _kept.move_to_end(key)
        return lambda work: _kept[key](work, self.values)

    def _graph(self) -> tuple[list[Tensor], list[Tensor]]:
        b, d = self.batch, self.dimensions
        middle, half = placeholder((b, d), float64, "middles"), placeholder((b, d), float64, "halves")
        with using_dtype(float64):
            unit = constant(np.eye(d).reshape(1, d, 1, d))
            point = TaylorModel(half, middle.reshape(b, 1, d), unit, low=self.least)
            (found,) = taylor_models([self.outputs], {self.point: point}, half)
            reach = ops.zeros((b, self.width)) if found.reach is None else found.reach
            slopes = ops.zeros((b, d, self.width)) if found.slopes is None else found.slopes
            shapes = (b, self.width), (b, self.width), (b, d, self.width)
            parts = zip((found.centre, reach, slopes), shapes, strict=True)
            return [middle, half, *self.weights], [ops.broadcast_to(x, s) for x, s in parts]


def middle_and_half(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points in boxes, and how far the sides are from them, rounded up."""
    middle = low / 2 + high / 2
    middle = np.where(low == high, low, np.clip(middle, low, high))
    half = np.maximum(middle - low, high - middle)
    return middle, np.where(half > 0, np.nextafter(half, np.inf), 0.0)


class _Runner:
    """One graph: the interpreter, and after some batches a program for each thread."""

    def __init__(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.batches = 0
        self.interpreter = Interpreter(inputs, outputs)
        self.programs: list[Any] | None = None

    def __call__(self, work: Sequence[tuple[np.ndarray, np.ndarray]], values: list[np.ndarray]) -> list[Any]:
        self.batches += len(work)
        if self.programs is None and self.batches > PATIENCE:
            self.programs = _compiled(self.inputs, self.outputs)
        if not self.programs:
            return [self.interpreter([*boxes, *values]) for boxes in work]
        shares = [(p, work[k :: len(self.programs)]) for k, p in enumerate(self.programs[: len(work)])]

        def run(share: tuple[Any, Sequence[Any]]) -> list[Any]:
            return [share[0]([*boxes, *values]) for boxes in share[1]]

        if len(shares) == 1:
            return run(shares[0])
        with ThreadPoolExecutor(len(shares)) as pool:  # native code runs without the interpreter lock
            found = list(pool.map(run, shares))
        return [found[i % len(found)][i // len(found)] for i in range(len(work))]


def _compiled(inputs: list[Tensor], outputs: list[Tensor]) -> list[Any]:
    """A program for each thread, none without llvmlite."""
    from subgrad.compile.native import has_llvmlite

    if not has_llvmlite():
        return []
    from subgrad.compile.runtime.program import Program

    first = Program(inputs, outputs, n_threads=1)
    return [first, *(first.twin() for _ in range(get_threads() - 1))]


_kept: OrderedDict[Any, _Runner] = OrderedDict()


def structure(point: Tensor, outputs: Tensor, weights: Sequence[Tensor]) -> Any:
    """A key that is equal for graphs that compute the same function of point and weights."""
    order = toposort([outputs])
    place = {point: -1, **{w: -2 - i for i, w in enumerate(weights)}}
    found: list[Any] = [point.shape, tuple(w.shape for w in weights)]
    for node in order:
        if node in place:
            continue
        place[node] = len(place)
        value = node.numpy().tobytes() if node.op is CONST else repr(sorted(node.attrs.items()))
        found.append((node.op.name, tuple(place[i] for i in node.inputs), value, node.shape, node.dtype))
    return tuple(found)


__all__ = ["Bounder", "Bounds", "middle_and_half", "structure"]
