"""`verify` for properties of VNN-LIB: backward linear bounds, attacks, and splitting of inputs or units."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from subgrad import ops
from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.branching.branch_and_bound import BranchAndBound
from subgrad.bounds.branching.polytopes import gathered
from subgrad.bounds.branching.progress import Progress
from subgrad.bounds.branching.splitting import Splitting
from subgrad.bounds.branching.unit_splitting import UnitSplitting, split_curves
from subgrad.bounds.proofs.unreachable_proof import TooLarge, UnreachableProof, is_known
from subgrad.bounds.traced import AtOnePoint, Function, traced
from subgrad.bounds.verdict import Verdict
from subgrad.bounds.vnnlib.unreachable import Unreachable
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.tensor import placeholder
from subgrad.nn.module import Module

FEW = 16  # inputs that are split


def verify_unreachable(
    net: Function, prop: Unreachable, budget: int, timeout: float | None, verbose: bool | None,
    lp: bool = False, claim: str | None = None,
) -> Verdict:  # fmt: skip
    """What `subgrad.verify` finds of such a property."""
    start = time.perf_counter()
    of = "the case" if len(prop.cases) == 1 else f"one of the {len(prop.cases)} cases"
    claim = claim or f"no point has outputs of {of}"
    if not prop.cases:
        return Verdict(claim, "proven", -math.inf, -math.inf, None, None, 0, time.perf_counter() - start)
    outputs, of_inputs = prop.cases[0].matrix.shape[1], any(c.inputs is not None for c in prop.cases)
    bounds = _bounds(net, len(prop.cases[0].box), outputs, of_inputs)
    groups, done = gathered(prop.cases), []
    search = _kind(bounds, len(prop.cases[0].box))
    with Progress(verbose) as progress:
        for k, polytopes in enumerate(groups):
            now = time.perf_counter()
            deadline = None if timeout is None else now + (start + timeout - now) / (len(groups) - k)
            left = max(1, budget - sum(s.boxes for s in done))
            done.append(search(bounds, polytopes, left, deadline, progress, lp).run())
            if done[-1].witness is not None or done[-1].interrupted:
                break
    found = replace(_verdict(claim, bounds, done, len(groups), start), unbounded=tuple(bounds.unknown))
    if of_inputs:  # a proof would be one of a network with these as outputs
        y = found.outputs
        return replace(found, proof=None, outputs=None if y is None else y[:outputs])
    return found


def _kind(bounds: LinearBounds, inputs: int) -> type[BranchAndBound]:
    """Few inputs are split, of many the units: parts by signs of units get no smaller along the inputs."""
    return UnitSplitting if inputs > FEW and split_curves(bounds.steps) else Splitting


def _bounds(net: Function, inputs: int, outputs: int, of_inputs: bool = False) -> LinearBounds:
    """Bounds of the outputs, and of the inputs behind them if they are asked for."""
    point = placeholder((1, inputs), float64, "a point")
    found = traced(_of_points(net, inputs), point, "the network")
    if found.output.size != outputs:
        raise ArgumentError(f"the network has {found.output.size} outputs, the property is one of {outputs}")
    with using_dtype(float64):
        output = ops.concatenate([found.output, point.reshape(inputs)]) if of_inputs else found.output
    return LinearBounds(point, output, dict(zip(found.weights, found.values, strict=True)))


def _verdict(claim: str, bounds: LinearBounds, done: list[BranchAndBound], groups: int, start: float) -> Verdict:
    best = max(done, key=lambda s: (s.witness is not None, s.value))
    boxes, interrupted = sum(s.boxes for s in done), any(s.interrupted for s in done)
    above = max(s.excess for s in done) if len(done) == groups else math.inf
    if best.witness is not None:
        low, _ = best.witness
        outputs = bounds.run(low)
        seconds = time.perf_counter() - start
        above = max(above, best.value)
        return Verdict(claim, "refuted", above, best.value, low, None, boxes, seconds, interrupted, outputs=outputs)
    seconds = time.perf_counter() - start
    if len(done) == groups and all(s.proven for s in done):
        return Verdict(claim, "proven", above, best.value, None, None, boxes, seconds, proof=_proof(bounds, done))
    stuck = max((s for s in done if not s.proven), key=lambda s: s.excess).stuck
    late = any(s.late() for s in done if not s.proven)
    return Verdict(claim, "unknown", above, best.value, None, stuck, boxes, seconds, interrupted, timed_out=late)


def _proof(bounds: LinearBounds, done: list[BranchAndBound]) -> UnreachableProof | TooLarge | None:
    """What `Verdict.save` writes; None for what its checker does not know: comparisons, and what jumps."""
    if not is_known(bounds):
        return None
    groups = [(s.polytopes, shown) for s in done if (shown := s.evidence()) is not None]
    return UnreachableProof(bounds, groups) if len(groups) == len(done) else TooLarge()


def _of_points(net: Function, inputs: int) -> Function:
    """The network as a function of points (1, d), if it is of a file that says another shape for its one input."""
    shapes = getattr(net, "shapes", None)
    if not isinstance(net, Module) or not isinstance(shapes, list):
        return net
    if len(shapes) != 1 or shapes[0] is None:
        raise ArgumentError("properties are those of networks with one input, whose shape is known")
    shape = [n if isinstance(n, int) and n > 0 else None for n in shapes[0]]
    if shape and (shape[0] is None or math.prod(n or 1 for n in shape) != inputs):
        shape[0] = 1  # the batch
    missing = [k for k, n in enumerate(shape) if n is None]
    if len(missing) == 1:
        shape[missing[0]] = inputs // max(1, math.prod(n for n in shape if n))
    if None in shape or math.prod(n for n in shape if n) != inputs:
        raise ArgumentError(f"the network takes a shape {shapes[0]}, the property is one of {inputs} inputs")
    return AtOnePoint(net, tuple(n for n in shape if n))


__all__ = ["verify_unreachable"]
