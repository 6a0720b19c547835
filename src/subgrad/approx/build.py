"""From a function and options to a network with a report: which builder, how many units, what is proven."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.approx.build_progress import BuildProgress
from subgrad.approx.builders import points
from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.builders.stages import stages
from subgrad.approx.matched_hinges import matched_error
from subgrad.approx.report import Report
from subgrad.approx.shallow import activation_of, values
from subgrad.approx.target_function import TargetFunction
from subgrad.approx.theory import promise
from subgrad.approx.univariate.exact1d import MOST_UNITS, Exact1d
from subgrad.bounds import certify
from subgrad.errors import ArgumentError, SubgradError
from subgrad.nn.layers.compose import Sequential

MOST_GROWN = 256  # units of networks that grow until an error is proven: from one on, each has twice those of the last
BOXES = 200_000  # that a proof may look at
MEASURED = 20_000  # points
SLOPES = 4096  # points at which slopes are looked at
NEAR = 1.01  # of the measured error, as a factor: a bound that can hardly be better


@dataclass(frozen=True)
class Options:
    """The arguments of `subgrad.approximate`."""

    eps: float | None
    n: int | None
    activation: str
    method: str
    seed: int
    verbose: bool | None = None


@dataclass(frozen=True)
class Candidate:
    """A network on the way, with what is known of it."""

    units: HiddenUnits
    net: Sequential
    sup: float
    l2: float
    points: int
    proven: float | None


def build(f: Any, box: Any, options: Options) -> tuple[Sequential, Report]:
    """As `subgrad.approximate`."""
    start = time.perf_counter()
    target = TargetFunction(f, box)
    activation_of(options.activation)
    method = _method(target, options)
    with BuildProgress(options.verbose) as progress:
        if method == "exact1d":
            candidate = _exact1d(target, options, progress)
        else:
            candidate = _grown(target, options, method, progress)
    theory, bound = promise(target, method, options.activation, len(candidate.units.v))
    return candidate.net, Report(
        method=method, activation=options.activation, n=len(candidate.units.v), sup=candidate.sup, l2=candidate.l2,
        points=candidate.points, proven=candidate.proven, theory=theory, bound=bound, eps=options.eps,
        seconds=time.perf_counter() - start, notes=_notes(target, candidate),
    )  # fmt: skip


def _method(target: TargetFunction, options: Options) -> str:
    fits = target.dimensions == 1 and options.activation == "relu" and target.given is None
    if options.method == "auto":
        return "exact1d" if fits else "greedy"
    if options.method == "exact1d" and not fits:
        raise ArgumentError("exact1d makes relu networks for a function of one variable")
    return options.method


def _notes(target: TargetFunction, candidate: Candidate) -> tuple[str, ...]:
    if target.traced is None:
        return (f"f is {target.known}: between them nothing can be proven",)
    if candidate.proven is not None and candidate.sup > candidate.proven:
        return ("the measured error is above the proven one: the sum over the units was rounded in float64",)
    return ()


# Builders


def _exact1d(target: TargetFunction, options: Options, progress: BuildProgress) -> Candidate:
    _check_turns(target)
    builder = Exact1d(target, progress)
    if options.eps is None:
        units, proven = builder.with_units(options.n or MOST_UNITS)
    else:
        units, proven = builder.with_error(options.eps, options.n or MOST_UNITS)
    net = units.network("relu")
    return Candidate(units, net, *_measured(target, net, options.seed), proven)


def _check_turns(target: TargetFunction) -> None:
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


def _grown(target: TargetFunction, options: Options, method: str, progress: BuildProgress) -> Candidate:
    """Networks of growing size until one is proven, or is the largest; then the best one."""
    best: Candidate | None = None
    first = _most(options) if options.eps is None else 1
    for units in stages(target, method, options.activation, options.seed, first, _most(options), progress):
        progress(f"looking at {len(units.v):,} units")
        net = units.network(options.activation)
        measured = _measured(target, net, options.seed)
        last = len(units.v) >= _most(options)
        progress.pause()
        proven = _proven(target, net, measured[0], options) if last or _promising(measured[0], options.eps) else None
        candidate = Candidate(units, net, *measured, proven)
        best = candidate if best is None or _rank(candidate) < _rank(best) else best
        if options.eps is not None and _reached(target, candidate, options.eps):
            return candidate
    assert best is not None
    return best


def _most(options: Options) -> int:
    return options.n or MOST_GROWN


def _promising(sup: float, eps: float | None) -> bool:
    return eps is not None and sup <= eps


def _reached(target: TargetFunction, candidate: Candidate, eps: float) -> bool:
    """Whether the error is proven; without a formula of f, whether it was measured."""
    return candidate.sup <= eps if target.traced is None else candidate.proven is not None and candidate.proven <= eps


def _rank(candidate: Candidate) -> tuple[float, float]:
    return np.inf if candidate.proven is None else candidate.proven, candidate.sup


# What is known of a network


def _measured(target: TargetFunction, net: Sequential, seed: int) -> tuple[float, float, int]:
    """The largest error, the root of the mean squared one, and on how many points; other points than built it."""
    if target.given is not None:
        X, y = target.given
    else:
        X = points.uniform(target.box, MEASURED, seed + 1)
        y = target.values(X)
    error = np.abs(values(net, X) - y)
    return float(error.max()), float(np.sqrt(np.mean(error**2))), len(error)


def _proven(target: TargetFunction, net: Sequential, sup: float, options: Options) -> float | None:
    """What is proven of the error, which is at least ``sup``."""
    if target.function is None:
        return None
    matched = matched_error(target.function, net, target.box)
    if matched <= max(options.eps or 0.0, NEAR * sup):
        return matched
    try:
        found = certify(target.function, net, target.box, options.eps, budget=BOXES, verbose=options.verbose)
    except SubgradError:  # an op without bounds
        return None
    if found.interrupted:
        raise KeyboardInterrupt
    bound = min(found.bound, matched)
    return bound if np.isfinite(bound) else None
