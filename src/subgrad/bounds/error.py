"""`certify`: how far a network is from a function on a box, with proof."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from subgrad.bounds.bounder import Bounder
from subgrad.bounds.box import as_box
from subgrad.bounds.branching.progress import Progress
from subgrad.bounds.proofs.proof import ROOM, Proof
from subgrad.bounds.search import Search
from subgrad.bounds.taylor.rounding import LARGEST
from subgrad.bounds.traced import Function, traced
from subgrad.bounds.verdict import Status, Verdict
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.dtype import float64
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.io.number_text import at_most, given

BUDGET = 1_000_000


def certify(
    f: Function, net: Function, box: Any, eps: float | None = None, *, budget: int = BUDGET,
    verbose: bool | None = None,
) -> Verdict:  # fmt: skip
    """Whether ``|f(x) - net(x)| <= eps`` for all real x in a box: proven, refuted by a point, or unknown.

    f and the network are traced into one graph. On each of many small boxes their difference is enclosed by a linear
    function and a remainder (`subgrad.bounds.taylor.taylor_model`), with all rounding errors counted; boxes where that
    is not enough are halved. What is proven holds for the network in real arithmetic with its weights as they are
    stored; the rounding errors of a run in float32 come on top.

    Args:
        f: a function of tensors made of subgrad's ops, from points (N, d) to values (N,) or (N, k), such as
            ``lambda x: sg.exp(-(x * x).sum(1))``. Its constants count as the float64 numbers that they are.
        net: a module or another such function; a module is taken in evaluation mode.
        box: (low, high) for one variable, or such a pair for each.
        eps: the error to prove; None for the least that can be proven, to about 1 %.
        budget: how many boxes to bound at most. Ctrl-C ends the search, too: what was proven until then is returned.
        verbose: show the progress; None does if standard error is a terminal.

    Returns:
        A `Verdict`: its ``bound`` is the proven error, ``save`` writes the proof.

    Raises:
        ArgumentError: for a negative eps, no proper box, samples instead of a function, or an op without bounds.
        ShapeError: if the box has not the variables that f and the network take, or values have other shapes.
        NotTraceableError: if f asks for the value of a tensor, or is made of NumPy's functions: of values alone nothing
            can be proven.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.bounds import certify
        >>> f = lambda x: sg.sin(x[:, 0])
        >>> cubic = lambda x: x[:, 0] - x[:, 0] ** 3 / 6
        >>> certify(f, cubic, (-1, 1), 0.0082).status
        'proven'
        >>> certify(f, cubic, (-1, 1), 0.008).status    # at 1 the error is 0.00814
        'refuted'
    """
    if eps is not None and not (isinstance(eps, (int, float, np.number)) and 0 <= eps < math.inf):
        raise ArgumentError(f"an error to prove is a number of 0 or more, got {str(eps)[:80]}")
    check_budget(budget)
    start, ends = time.perf_counter(), checked_box(box)
    point = placeholder((1, len(ends)), float64, "a point")
    one, other = traced(f, point, "f"), traced(net, point, "the network")
    if one.output.shape != other.output.shape:
        raise ShapeError(f"f has {one.output.size} values at a point, the network {other.output.size}")
    weights, values = one.weights + other.weights, one.values + other.values
    claimed = {"property": "error"}, {"function": one.output, "network": other.output}
    bounder = Bounder(point, one.output - other.output, weights, values, positive=bool((ends >= 0).all()))
    with np.errstate(all="ignore"), Progress(verbose) as progress:
        search = Search(bounder, ends[:, 0], ends[:, 1], eps, True, budget, progress).run()
    return verdict(search, "the error", start, *claimed)


def check_budget(budget: int) -> None:
    """Raises `ArgumentError` if no box may be bounded."""
    if not isinstance(budget, (int, np.integer)) or budget < 1:
        raise ArgumentError(f"a budget is at least one box, got {str(budget)[:80]}")


def checked_box(box: Any) -> np.ndarray:
    """A box as an array (d, 2), within what the bounds of rounding errors are made for."""
    ends = as_box(box)
    if np.abs(ends).max() > LARGEST:
        raise ArgumentError(f"a box to prove something on lies within {LARGEST:g}, got {box!r}")
    return ends


def verdict(
    search: Search, quantity: str, start: float, statement: dict[str, Any], nodes: dict[str, Tensor]
) -> Verdict:  # fmt: skip
    """What a search has found of a quantity; a proof of it makes a statement about nodes."""
    goal, leaves = search.goal, search.leaves
    status: Status = "proven" if search.proven else "refuted" if search.refuted else "unknown"
    worst = int(np.argmax(leaves.bound))
    stuck = np.stack([leaves.low[worst], leaves.high[worst]], axis=1) if status == "unknown" else None
    b, box = search.bounder, np.stack([search.low, search.high], axis=1)
    limit = search.above + ROOM * abs(search.above) if goal is None else goal
    weights = dict(zip(b.weights, b.values, strict=True))
    proof = Proof(statement, nodes, b.point, weights, box, limit, leaves)
    claim = f"{quantity} is at most {at_most(search.above, 6) if goal is None else given(goal)}"
    seconds = time.perf_counter() - start
    found = search.above, search.below, search.point, stuck, search.boxes, seconds, search.interrupted
    return Verdict(claim, status, *found, proof)
