"""One random claim about a random network, next to the least value that descent finds; and whether all of it is right.

See `soundness.py`.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from flint import arb, ctx

import subgrad as sg
from bench.nonsmooth.random_networks import BITS, Maker
from subgrad.bounds import Case, Robust, Unreachable, Verdict, Within, checker
from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.branching import splitting
from subgrad.bounds.branching.open_boxes import bounded
from subgrad.bounds.branching.polytopes import gathered
from subgrad.bounds.chains.chain_bounds import ChainBounds, chain_bounds
from subgrad.bounds.traced import traced
from subgrad.graph.tensor import placeholder
from subgrad.intervals.arithmetic import Interval

STARTS, SIZES = 24, np.geomspace(0.3, 1e-4, 16)
"""Of descent: points that are moved, and the steps, in widths of the box."""

GAPS = [0.0, -1.0, 1e-7, 1e-3, 0.01, 0.03, 0.1, 1.0]
"""Between the least value and the limit, in ranges of the values; -1 stands for one float."""

BEYOND = 1e200
"""A limit that no output reaches."""


@dataclass
class Outcome:
    """What became of a claim.

    Attributes:
        way: how it was decided.
        side: "false" if a point is known where it is false, else "perhaps true".
        status: of the verdict.
        proof: "checked", "none" where none can be saved, "" for what is not proven.
        boxes: how many were bounded.
        faults: what is wrong, in words.
    """

    way: str
    side: str
    status: str
    proof: str
    boxes: int
    faults: list[str]


class Claim:
    """No point of a box has ``row @ y`` at the limit or below, or one that `Within` and `Robust` make of it."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = np.random.default_rng(seed)
        self.network = Maker(rng).network()
        self.box = self._box()
        self.way = str(rng.choice(["case"] * 5 + ["two rows", "joined"] * 2 + ["within", "robust"]))
        rows = {"within": [1.0, 0.0], "joined": [1.0, 0.0], "robust": [1.0, -1.0]}
        self.row = np.array(rows.get(self.way, rng.normal(size=2) * rng.choice([1.0] * 8 + [1e-170, 1e50])))
        self.native = self.network.inputs <= 4 and rng.random() < 0.8
        self.point, self.size = self._least()
        self.least = self.value(self.point)
        self.limit = self._limit()
        self.other = rng.normal(size=2) if self.way == "two rows" else None
        if self.other is not None:  # another inequality, which holds at the point
            near = float(self.value(self.point, self.other).mid())
            self.most = near + 1e-9 * abs(near) + float(rng.choice([1e-3, 1.0])) * self.size

    def _box(self) -> np.ndarray:
        rng, d = self.rng, self.network.inputs
        kind = rng.choice(["plain", "plain", "small", "small", "tiny", "point", "flat", "long", "far", "denormal"])
        middle, half = rng.uniform(-1, 1, d), rng.uniform(0.2, 1, d)
        if kind in ("small", "tiny"):
            half *= 10.0 ** -rng.integers(1, 3) if kind == "small" else 10.0 ** -rng.integers(4, 15)
        elif kind == "point":
            half[:] = 0
        elif kind == "flat":
            half *= rng.random(d) < 0.5
        elif kind == "far":
            middle *= 1000
        elif kind == "denormal":
            middle, half = np.zeros(d), rng.integers(1, 9, d) * 5e-324
        low, high = middle - half, middle + half
        if kind == "long":
            high = np.where(rng.random(d) < 0.5, low + 1000.0, high)
        found = np.stack([low, high], axis=1)
        of_float32 = kind != "denormal" and rng.random() < 0.3
        return found.astype(np.float32).astype(np.float64) if of_float32 else found

    # The least value

    def floats(self, points: np.ndarray) -> np.ndarray:
        """``row @ y`` in float64; infinite where that is no number."""
        found = self.network.values(points) @ self.row
        return np.where(np.isnan(found), np.inf, found)

    def value(self, point: np.ndarray, row: np.ndarray | None = None) -> arb:
        """``row @ y`` at a point, in a ball."""
        y = self.network.exact(point)
        with ctx.workprec(BITS):
            return sum((arb(float(r)) * v for r, v in zip(self.row if row is None else row, y, strict=True)), arb(0))

    def _least(self) -> tuple[np.ndarray, float]:
        """The point with the least value that is found, and the range of the values."""
        low, high = self.box.T
        width, d = high - low, len(low)
        points = self._sampled(low, high, 200)
        values = self.floats(points)
        known = values[np.isfinite(values)]
        size = float(np.ptp(known)) if len(known) else 0.0
        at = points[np.argsort(values, kind="stable")[:STARTS]]
        every = [at]
        for step in SIZES:
            near = np.where(at + 1e-6 * width <= high, 1e-6, -1e-6) * width
            beside = np.clip(at[:, None] + near[:, None] * np.eye(d), low, high)
            rise = self.floats(beside.reshape(-1, d)).reshape(len(at), d) - self.floats(at)[:, None]
            slope = np.nan_to_num(np.sign(rise) * np.sign(near))
            at = np.clip(at - step * width * slope, low, high)
            every.append(at)
        best = self._best(np.concatenate(every))
        for end in (low, high, low, high):
            best = self._best(np.concatenate([best[None], np.where(np.eye(d, dtype=bool), end, best)]))
        near = np.clip(best + width * self.rng.normal(size=(100, d)) * 1e-3, low, high)
        near = np.concatenate([best[None], near])
        few = near[np.argsort(self.floats(near), kind="stable")[:3]]
        found = min(few, key=lambda x: float(self.value(x).mid()))
        return found, size or abs(float(self.value(found).mid())) or 1.0

    def _best(self, points: np.ndarray) -> np.ndarray:
        return points[np.argmin(self.floats(points))]

    def _sampled(self, low: np.ndarray, high: np.ndarray, count: int) -> np.ndarray:
        """Corners and other points of a box."""
        points = low + (high - low) * self.rng.uniform(size=(count, len(low)))
        points[: count // 3] = np.where(self.rng.random((count // 3, len(low))) < 0.5, low, high)
        return np.clip(points, low, high)

    def _limit(self) -> float:
        """Next to the least value, on one side of it."""
        gaps = GAPS[2:-2] if self.native else GAPS  # native code comes to boxes that are not decided at once
        side, gap = self.rng.choice([-1, 1]), float(self.rng.choice(gaps))
        near = float(self.least.mid())
        near = float(np.nextafter(near, side * np.inf)) if gap < 0 else near + float(side) * gap * self.size
        while not (arb(near) >= self.least if side > 0 else arb(near) < self.least):
            near = float(np.nextafter(near, side * np.inf))
        return near

    # What is asked

    def excess(self, point: np.ndarray) -> arb:
        """What `verify` bounds: by how much the claim is missed at a point, negative where it is kept."""
        with ctx.workprec(BITS):
            found = arb(0.0 if self.way == "robust" else self.limit) - self.value(point)
            return found if self.other is None else found.min(arb(self.most) - self.value(point, self.other))

    def broken_at(self, point: np.ndarray) -> bool:
        """Whether the claim is certain to be false at a point. For `Case` values at the limit break it."""
        value = self.value(point)
        if self.way not in ("case", "two rows"):
            return bool(value < arb(self.limit))
        kept_off = self.other is not None and not self.value(point, self.other) <= arb(self.most)
        return bool(value <= arb(self.limit)) and not kept_off

    def verdict(self, budget: int) -> Verdict:
        """What `verify` says."""
        net, box = self.network.module, self.box
        if self.way == "within":
            return sg.verify(net, box, Within(low=[self.limit, -np.inf]), budget=budget)
        if self.way == "robust":
            return sg.verify(net, box, Robust(0, tolerance=-self.limit), budget=budget)
        if self.way == "joined":
            below, above = Within(low=[self.limit, -BEYOND]), Within(low=[BEYOND, -np.inf])
            return sg.verify(net, box, (below & Within(high=BEYOND)) | above, budget=budget)
        if self.other is None:
            return sg.verify(net, Unreachable([Case(box, [self.row], [self.limit])]), budget=budget)
        cases = Case(box, [self.row, self.other], [self.limit, self.most]), Case(box, [[1.0, 0.0]], [-BEYOND])
        return sg.verify(net, Unreachable(cases), budget=budget)

    def check(self, budget: int) -> Outcome:
        """Try to prove it, and check all that is said. Native code may bound four times as many boxes."""
        with native_code(self.native), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = self.verdict(4 * budget if self.native else budget)
        false, faults = self.broken_at(self.point), [f"a warning: {w.message}" for w in said]
        if found.status == "proven" and false:
            faults.append("a false proof")
        if arb(found.bound) < self.excess(self.point):
            faults.append(f"the bound {found.bound!r} is below {self.excess(self.point)}")
        if (x := found.witness) is not None:
            if not ((self.box[:, 0] <= x) & (x <= self.box[:, 1])).all():
                faults.append("a witness outside of the box")
            if arb(found.value) > self.excess(x):
                faults.append(f"the value {found.value!r} is above {self.excess(x)}")
        if found.status == "refuted":
            if x is None or not self.broken_at(x):
                faults.append("a counter-example that is none")
            false = True
        proof = self._checked(found, faults) if found.status == "proven" else ""
        side = "false" if false else "perhaps true"
        return Outcome(self._how(found), side, found.status, proof, found.boxes, faults)

    def _how(self, found: Verdict) -> str:
        """The way by which it was decided."""
        if self.way in ("within", "robust"):
            return "Taylor models"
        if self.native and self._chain is not None and found.boxes > 3:
            return "boxes in native code"
        units = self.network.inputs > 16 and not self.network.kinds.isdisjoint(["relu", "leaky relu", "abs", "clip"])
        return "signs of units" if units else "boxes in NumPy"

    def _checked(self, found: Verdict, faults: list[str]) -> str:
        if found.proof is None:
            return "none"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "proof.safetensors"
            found.save(path)
            try:
                checker.check(path)
            except checker.CheckFailed as error:
                faults.append(f"the checker refuses a proof: {error}")
        return "checked"

    # Bounds themselves

    @cached_property
    def _bounds(self) -> LinearBounds:
        point = placeholder((1, self.network.inputs), "float64", "a point")
        found = traced(self.network.module, point, "the network")
        return LinearBounds(point, found.output, dict(zip(found.weights, found.values, strict=True)))

    @cached_property
    def _rows(self) -> np.ndarray:
        return np.unique(np.stack([self.row, -self.row, [0.0, 1.0]]), axis=0)

    @cached_property
    def _chain(self) -> ChainBounds | None:
        """The native bounds, with limits by which no box is decided; None if the network is no chain."""
        return chain_bounds(self._bounds, gathered([Case(self.box, [row], [BEYOND]) for row in self._rows])[0])

    def faults_of_bounds(self) -> list[str]:
        """Where bounds over parts of the box do not hold at points of them."""
        low, high = self._parts()
        with np.errstate(all="ignore"):
            bounds = {"NumPy": (self._bounds.over(low, high).below(self._rows).bound, self._rows)}
            if self.native and self._chain is not None:
                kept = self._chain.kept(bounded(self._bounds, self._chain.of, *self.box.T[:, None], None).open)
                inner = (np.repeat(x, len(low), axis=0) for x in (kept.inner_low, kept.inner_high))
                found = self._chain.bounds_of(low, high, Interval(*inner)).below
                bounds["native code"] = found, self._chain.of.rows
        faults = []
        for k in range(len(low)):
            points = np.concatenate([self._sampled(low[k], high[k], 30), np.clip(self.point, low[k], high[k])[None]])
            outputs = self.network.values(points)
            for name, (found, rows) in bounds.items():
                for bound, row in zip(found[k].tolist(), rows, strict=True):
                    value = self.value(points[np.argmin(np.nan_to_num(outputs @ row, nan=np.inf))], row)
                    if arb(bound) > value:
                        faults.append(f"{name} bounds {row.tolist()} in part {k} by {bound!r}, it is {value}")
        return faults

    def _parts(self) -> tuple[np.ndarray, np.ndarray]:
        """The whole box, the point with the least value, and parts around it."""
        low, high = self.box.T
        part = self.rng.choice([1e-12, 1e-3, 0.3, 0.5], 3)[:, None] * (high - low)
        below, above = (self.rng.uniform(size=part.shape) * part for _ in range(2))
        lows = np.concatenate([[low, self.point], np.clip(self.point - below, low, high)])
        highs = np.concatenate([[high, self.point], np.clip(self.point + above, low, high)])
        return lows, highs


@contextlib.contextmanager
def native_code(from_the_start: bool) -> Iterator[None]:
    """Whether native code takes over after the first boxes, as it else does after some hundred."""
    most = splitting.MOST
    try:
        splitting.MOST = 2 if from_the_start else most
        yield
    finally:
        splitting.MOST = most


__all__ = ["Claim", "Outcome"]
