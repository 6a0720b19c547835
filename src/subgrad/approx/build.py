"""From a target and a wish to a network with a report."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from subgrad.approx import points
from subgrad.approx.exact1d import MOST_UNITS, Exact1d
from subgrad.approx.report import Report
from subgrad.approx.shallow import activation_of, values
from subgrad.approx.target import Target
from subgrad.approx.units import Units
from subgrad.nn.compose import Sequential


def build(
    f: Any, box: Any, eps: float | None, n: int | None, activation: str, method: str, seed: int
) -> tuple[Sequential, Report]:
    """As `subgrad.approximate`."""
    start = time.perf_counter()
    target = Target(f, box)
    activation_of(activation)
    units, proven = _exact1d(target, eps, n)
    net = units.network(activation)
    found = _measured(target, net, seed)
    return net, Report(
        method="exact1d", activation=activation, n=len(units.v), sup=found[0], l2=found[1], points=found[2],
        proven=proven, theory="", bound=None, eps=eps, seconds=time.perf_counter() - start,
    )  # fmt: skip


def _exact1d(target: Target, eps: float | None, n: int | None) -> tuple[Units, float | None]:
    builder = Exact1d(target)
    if eps is None:
        assert n is not None
        return builder.with_units(n)
    return builder.with_error(eps, n or MOST_UNITS)


def _measured(target: Target, net: Sequential, seed: int) -> tuple[float, float, int]:
    """The largest error, the root of the mean squared one, and on how many points; other points than built it."""
    if target.given is not None:
        X, y = target.given
    else:
        X = points.uniform(target.box, 20_000, seed + 1)
        y = target.values(X)
    error = np.abs(values(net, X) - y)
    return float(error.max()), float(np.sqrt(np.mean(error**2))), len(error)
