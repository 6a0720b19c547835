"""Networks of one method in growing sizes, each fitted to a sample of the function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from subgrad.approx.build_progress import BuildProgress
from subgrad.approx.builders.greedy import Greedy
from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.builders.sampled import sampled
from subgrad.approx.builders.scaled import Scaled
from subgrad.approx.builders.training_baseline import trained
from subgrad.approx.fourier.barron_sampling import fitted
from subgrad.approx.target_function import TargetFunction


class Stage(NamedTuple):
    """What a builder is given: the function, a sample with the points in [-1, 1]^d, the size, what was built before."""

    target: TargetFunction
    points: np.ndarray
    values: np.ndarray
    n: int
    activation: str
    seed: int
    before: HiddenUnits | None


def _greedy(stage: Stage) -> HiddenUnits:
    return Greedy(stage.points, stage.values, stage.activation, stage.seed, stage.before).grow(stage.n)


def _sampled(stage: Stage) -> HiddenUnits:
    return sampled(stage.points, stage.values, stage.n, stage.activation, stage.seed)


def _trained(stage: Stage) -> HiddenUnits:
    return trained(stage.points, stage.values, stage.n, stage.activation, stage.seed)


def _drawn(stage: Stage) -> HiddenUnits:
    scaled = Scaled(stage.target.box)
    units = fitted(stage.target, scaled.back(stage.points), stage.values, stage.n, stage.activation, stage.seed)
    return scaled.inside(units)


BUILDERS: dict[str, Callable[[Stage], HiddenUnits]] = {
    "greedy": _greedy, "barron": _drawn, "sampled": _sampled, "train": _trained,
}  # fmt: skip


def stages(
    target: TargetFunction, method: str, activation: str, seed: int, first: int, last: int, progress: BuildProgress
) -> Iterator[HiddenUnits]:
    """Networks with ``first`` units, twice as many, and so on up to ``last``."""
    scaled, before, n = Scaled(target.box), None, min(first, last)
    while True:
        progress(f"building {n:,} units")
        X, y = target.sample(_sample_size(n, target.dimensions), seed)
        Z = scaled.points(X)
        before = BUILDERS[method](Stage(target, Z, y, n, activation, seed, before))
        before = _linear_everywhere(before, Z) if activation == "relu" else before
        yield scaled.units(before)
        if n >= last:
            return
        n = min(2 * n, last)


def _linear_everywhere(units: HiddenUnits, points: np.ndarray) -> HiddenUnits:
    """Units that are nowhere at rest on a sample are nowhere at rest on the cube [-1, 1]^d."""
    always = (points @ units.w.T + units.b).min(axis=0) >= 0
    b = np.where(always, np.abs(units.w).sum(axis=1) * (1 + 2.0**-20), units.b)
    return units._replace(b=b, c=units.c - float(units.v @ (b - units.b)))


def _sample_size(n: int, d: int) -> int:
    """Points enough for all weights of n units to be fitted."""
    return int(np.clip(24 * n * (d + 1), 4096, 32768))
