"""`verify`: properties of a network on a box, and `output_bounds`: what its outputs are there."""

from __future__ import annotations

import time
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.bounder import Bounder
from subgrad.bounds.branching.polytopes import gathered
from subgrad.bounds.branching.progress import Progress
from subgrad.bounds.error import BUDGET, check_budget, checked_box, verdict
from subgrad.bounds.proofs.unreachable_proof import proof_at_once
from subgrad.bounds.properties import And, Joinable, Or, Property, finite_tolerance
from subgrad.bounds.search import Search
from subgrad.bounds.traced import Function, Traced, traced
from subgrad.bounds.verdict import Verdict
from subgrad.bounds.vnnlib.unreachable import Case, Unreachable
from subgrad.bounds.vnnlib.verifying import verify_unreachable
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.io.number_text import given

FILE = 500  # boxes that may be spent on a proof the checker knows, of what is proven already


def verify(
    net: Function, box: Any, prop: Property | And | Or | None = None, *, budget: int = BUDGET,
    timeout: float | None = None, verbose: bool | None = None, lp: bool = False,
) -> Verdict:  # fmt: skip
    """Whether a network has a property at all points of a box: proven, refuted by a point, or unknown.

    As `subgrad.certify`, by bounds on small boxes that count all rounding errors: what is proven holds for the
    network in real arithmetic, with its weights as they are stored.

    Args:
        net: a module (taken in evaluation mode) or a function of tensors, from points (N, d) to outputs (N, k).
        box: a pair (low, high) for each input; `subgrad.bounds.ball` makes one around a point. Or, alone, an
            `Unreachable` such as `subgrad.bounds.read_vnnlib` reads, which has boxes of its own: a module that
            `subgrad.onnx.load` made may have one input of any shape then, whose elements are counted in C order.
        prop: `Within`, `Robust` or `Monotone` of `subgrad.bounds`; or some of the first two joined by ``&`` and ``|``.
        budget: how many boxes to bound at most. Ctrl-C ends the search, too.
        timeout: seconds after which the search for an `Unreachable` or a joined property ends; None for no end.
        verbose: show the progress; None does if standard error is a terminal.
        lp: of an `Unreachable` or a joined property, bound parts that are not decided by linear programs (HiGHS of
            SciPy), if few of their relus may go both ways. What they find is bounded with all rounding as well.

    Raises:
        ArgumentError: for a property that does not fit the network, no proper box, or an op without bounds.
        MissingExtraError: if ``lp`` is asked for, and SciPy is not there.
        ShapeError: if the network has no row of outputs for each point.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.bounds import Monotone, Robust, Within, ball
        >>> net = sg.nn.Sequential(sg.nn.Linear(2, 8, seed=0), sg.nn.ReLU(), sg.nn.Linear(8, 3, seed=1))
        >>> sg.verify(net, ball([0.5, -0.5], 0.1), Robust(1)).status
        'proven'
        >>> print(sg.verify(net, [(-1, 1), (-1, 1)], Within(-1, -0.1)))    # doctest: +ELLIPSIS
        refuted: ...
    """
    if timeout is not None and not (isinstance(timeout, Real) and timeout > 0):
        raise ArgumentError(f"a timeout is a number of seconds above 0, got {str(timeout)[:80]}")
    if isinstance(box, Unreachable):
        if prop is not None:
            raise ArgumentError(f"an Unreachable has boxes of its own: verify(net, property), got {prop!r} as well")
        check_budget(budget)
        return verify_unreachable(net, box, budget, timeout, verbose, lp)
    if isinstance(prop, (And, Or)):
        check_budget(budget)
        return _joined(net, checked_box(box), prop, budget, timeout, verbose, lp)
    if timeout is not None or lp:
        which = "lp" if lp else "a timeout"
        raise ArgumentError(f"{which} is for an Unreachable or what & and | make; others have a budget")
    if prop is None or not hasattr(prop, "excess"):
        raise ArgumentError(f"a property is Within, Robust or Monotone of subgrad.bounds, got {prop!r}")
    check_budget(budget)
    tolerance = finite_tolerance(prop.tolerance)
    start, ends = time.perf_counter(), checked_box(box)
    point = placeholder((1, len(ends)), float64, "a point")
    found = traced(net, point, "the network")
    with using_dtype(float64):
        excess = prop.excess(found.output, point)
    local = getattr(prop, "local", False)
    at_once = None if local else _backward(found, excess, ends, prop, start)
    if at_once is not None:
        budget = min(budget, FILE)
    bounder = Bounder(point, excess, found.weights, found.values, positive=bool((ends >= 0).all()))
    search = _search(bounder, ends, tolerance, budget, verbose, local)
    if at_once is not None and not search.proven:
        return _with_proof(at_once, found, ends, prop)
    statement = getattr(prop, "statement", None)
    if statement is None:
        return verdict(search, prop.quantity, start, {"property": "values"}, {"node": excess})
    return verdict(search, prop.quantity, start, statement(found.output.size), {"network": found.output})


def _joined(
    net: Function, ends: np.ndarray, prop: And | Or, budget: int, timeout: float | None, verbose: bool | None,
    lp: bool,
) -> Verdict:  # fmt: skip
    """Whether no output is in a polytope that violates the property."""
    outputs = traced(net, placeholder((1, len(ends)), float64, "a point"), "the network").output.size
    cases = _violations(prop, ends, outputs)
    return verify_unreachable(net, Unreachable(cases), budget, timeout, verbose, lp, f"{prop} holds at all points")


def _violations(prop: Joinable, ends: np.ndarray, outputs: int) -> list[Case]:
    """What violates a property on a box."""
    found = prop.violations(outputs)
    return [Case(ends, np.stack([h.factors for h in v]), [h.below for h in v]) for v in found]


def _backward(found: Traced, excess: Tensor, ends: np.ndarray, prop: Property, start: float) -> Verdict | None:
    """What linear bounds that go backward prove of the whole box at once."""
    try:
        bounds = LinearBounds(found.point, excess, dict(zip(found.weights, found.values, strict=True)))
    except ArgumentError:
        return None
    above = -bounds.over(ends[:, 0][None], ends[:, 1][None]).below(-np.eye(excess.size)).bound.min()
    if not above <= prop.tolerance:
        return None
    middle = np.clip(ends.mean(axis=1), ends[:, 0], ends[:, 1])
    value = bounds.over(middle[None], middle[None]).below(np.eye(excess.size)).bound.max()
    claim, seconds = f"{prop.quantity} is at most {given(prop.tolerance)}", time.perf_counter() - start
    return Verdict(claim, "proven", float(above), float(value), middle, None, 1, seconds)


def _with_proof(proven: Verdict, found: Traced, ends: np.ndarray, prop: Property) -> Verdict:
    """What was proven of the whole box at once, with a proof of that if there is one."""
    if not isinstance(prop, Joinable):
        return proven
    bounds = LinearBounds(found.point, found.output, dict(zip(found.weights, found.values, strict=True)))
    (polytopes,) = gathered(_violations(prop, ends, found.output.size))
    return replace(proven, proof=proof_at_once(bounds, polytopes))


def output_bounds(
    net: Function, box: Any, *, budget: int = 100_000, verbose: bool | None = None
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Proven lower and upper bounds of each output on a box, shape (k,) each, to about 1 % of their size.

    Args and errors are those of `verify`; ``budget`` counts for each bound.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.bounds import output_bounds
        >>> low, high = output_bounds(lambda x: sg.sin(x), (0, 1))
        >>> bool(-0.01 < low[0] <= 0 and 0.8414 < high[0] < 0.851)
        True
    """
    check_budget(budget)
    ends = checked_box(box)
    point = placeholder((1, len(ends)), float64, "a point")
    found = traced(net, point, "the network")

    def most(k: int, sign: float) -> float:
        with using_dtype(float64):
            output = sign * found.output[k : k + 1]
        search = _search(Bounder(point, output, found.weights, found.values), ends, None, budget, verbose)
        if search.interrupted:
            raise KeyboardInterrupt
        return search.above

    rows = range(found.output.size)
    return np.array([-most(k, -1.0) for k in rows]), np.array([most(k, 1.0) for k in rows])


def _search(
    bounder: Bounder, ends: np.ndarray, goal: float | None, budget: int, verbose: bool | None, local: bool = False
) -> Search:  # fmt: skip
    with np.errstate(all="ignore"), Progress(verbose) as progress:
        return Search(bounder, ends[:, 0], ends[:, 1], goal, budget=budget, watch=progress, local=local).run()


__all__ = ["output_bounds", "verify"]
