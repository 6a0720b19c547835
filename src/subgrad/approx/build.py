"""From a function and a wish to a network with a report: which builder, how many units, what is proven."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.approx.builders import points
from subgrad.approx.builders.stages import stages
from subgrad.approx.builders.units import Units
from subgrad.approx.progress import Progress
from subgrad.approx.report import Report
from subgrad.approx.shallow import activation_of, values
from subgrad.approx.target import Target
from subgrad.approx.theory import promise
from subgrad.approx.univariate.exact1d import MOST_UNITS, Exact1d
from subgrad.bounds import certify
from subgrad.errors import ArgumentError, SubgradError
from subgrad.nn.layers.compose import Sequential

FIRST_UNITS, MOST_GROWN = (
    16,
    256,
)  # of networks that grow until an error is proven: each has twice the units of the last
BOXES = 200_000  # that a proof may look at
MEASURED = 20_000  # points
SLOPES = 4096  # points at which slopes are looked at


@dataclass(frozen=True)
class Wish:
    """The arguments of `subgrad.approximate`."""

    eps: float | None
    n: int | None
    activation: str
    method: str
    seed: int
    verbose: bool | None = None


@dataclass(frozen=True)
class Built:
    """A network on the way, with what is known of it."""

    units: Units
    net: Sequential
    sup: float
    l2: float
    points: int
    proven: float | None


def build(f: Any, box: Any, wish: Wish) -> tuple[Sequential, Report]:
    """As `subgrad.approximate`."""
    start = time.perf_counter()
    target = Target(f, box)
    activation_of(wish.activation)
    method = _method(target, wish)
    with Progress(wish.verbose) as progress:
        built = _exact1d(target, wish, progress) if method == "exact1d" else _grown(target, wish, method, progress)
    theory, bound = promise(target, method, wish.activation, len(built.units.v))
    return built.net, Report(
        method=method, activation=wish.activation, n=len(built.units.v), sup=built.sup, l2=built.l2,
        points=built.points, proven=built.proven, theory=theory, bound=bound, eps=wish.eps,
        seconds=time.perf_counter() - start, notes=_notes(target, built),
    )  # fmt: skip


def _method(target: Target, wish: Wish) -> str:
    fits = target.dimensions == 1 and wish.activation == "relu" and target.given is None
    if wish.method == "auto":
        return "exact1d" if fits else "greedy"
    if wish.method == "exact1d" and not fits:
        raise ArgumentError("exact1d makes relu networks for a function of one variable")
    return wish.method


def _notes(target: Target, built: Built) -> tuple[str, ...]:
    if target.traced is None:
        return (f"f is {target.known}: between them nothing can be proven",)
    if built.proven is not None and built.sup > built.proven:
        return ("the measured error is above the proven one: the sum over the units was rounded in float64",)
    return ()


# The builders


def _exact1d(target: Target, wish: Wish, progress: Progress) -> Built:
    _check_turns(target)
    builder = Exact1d(target, progress)
    if wish.eps is None:
        units, proven = builder.with_units(wish.n or MOST_UNITS)
    else:
        units, proven = builder.with_error(wish.eps, wish.n or MOST_UNITS)
    net = units.network("relu")
    return Built(units, net, *_measured(target, net, wish.seed), proven)


def _check_turns(target: Target) -> None:
    """Raises `ArgumentError` for a function of one variable that turns more often than units can follow."""
    if target.traced is None:
        return
    X = points.uniform(target.box, SLOPES, 0)
    with np.errstate(all="ignore"):
        y, slopes = target.values(X), np.abs(target.traced.gradients(X))
        turns = float(np.mean(slopes) * np.ptp(target.box) / np.ptp(y)) if np.ptp(y) else 0.0
    if turns > 10 * MOST_UNITS:  # a line turns once a unit
        raise ArgumentError(
            f"f goes up and down its range about {turns:.1g} times on the box, and {MOST_UNITS:,} units can follow at "
            "most as many turns: a smaller box has fewer"
        )


def _grown(target: Target, wish: Wish, method: str, progress: Progress) -> Built:
    """Networks of growing size until one is proven, or is the largest; then the best one."""
    best: Built | None = None
    first = _most(wish) if wish.eps is None else FIRST_UNITS
    for units in stages(target, method, wish.activation, wish.seed, first, _most(wish), progress):
        progress(f"looking at {len(units.v):,} units")
        net = units.network(wish.activation)
        measured = _measured(target, net, wish.seed)
        last = len(units.v) >= _most(wish)
        progress.pause()
        proven = _proven(target, net, wish) if last or _promising(measured[0], wish.eps) else None
        built = Built(units, net, *measured, proven)
        best = built if best is None or _rank(built) < _rank(best) else best
        if wish.eps is not None and _reached(target, built, wish.eps):
            return built
    assert best is not None
    return best


def _most(wish: Wish) -> int:
    return wish.n or MOST_GROWN


def _promising(sup: float, eps: float | None) -> bool:
    return eps is not None and sup <= eps


def _reached(target: Target, built: Built, eps: float) -> bool:
    """Whether the error is proven; without a formula of f, whether it was measured."""
    return built.sup <= eps if target.traced is None else built.proven is not None and built.proven <= eps


def _rank(built: Built) -> tuple[float, float]:
    return np.inf if built.proven is None else built.proven, built.sup


# What is known of a network


def _measured(target: Target, net: Sequential, seed: int) -> tuple[float, float, int]:
    """The largest error, the root of the mean squared one, and on how many points; other points than built it."""
    if target.given is not None:
        X, y = target.given
    else:
        X = points.uniform(target.box, MEASURED, seed + 1)
        y = target.values(X)
    error = np.abs(values(net, X) - y)
    return float(error.max()), float(np.sqrt(np.mean(error**2))), len(error)


def _proven(target: Target, net: Sequential, wish: Wish) -> float | None:
    if target.function is None:
        return None
    try:
        found = certify(target.function, net, target.box, wish.eps, budget=BOXES, verbose=wish.verbose)
    except SubgradError:  # an op without bounds
        return None
    if found.interrupted:
        raise KeyboardInterrupt
    return found.bound if np.isfinite(found.bound) else None
