"""Branch selection: the side of each kink that a random direction, or the unit vectors in turn, lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from subgrad.graph.tensor import Tensor, TensorLike, constant
from subgrad.kinks.locate import Spot
from subgrad.kinks.one_sided.corners import nudged, on_kink
from subgrad.kinks.one_sided.walk import Walk
from subgrad.kinks.problem import Problem
from subgrad.ops.random import uniform

Points = dict[Tensor, Sequence[np.ndarray]]
"""For nodes whose slopes are taken at other inputs than their own: these inputs."""
Settled = dict[Tensor, tuple[np.ndarray, np.ndarray]]
"""For each `where` the elements whose branch is decided, and that branch."""


def random_direction(sources: Sequence[Tensor], seed: TensorLike) -> list[Tensor]:
    """A direction drawn uniformly from the cube [-1, 1]^n, without components that are 0.

    It is bounded, so that large slopes do not overflow, and a function of the seed (two whole numbers) alone: native
    programs draw the same one.
    """
    drawn = [uniform(seed, s.shape, i, s.dtype) for i, s in enumerate(sources)]
    return [2 * u - (1 - float(np.finfo(u.dtype).eps) / 2) for u in drawn]  # exact, and odd multiples of eps / 2


def _unit(problem: Problem, k: int) -> list[Tensor]:
    """The unit vector of the number ``k`` of x."""
    parts, before = [], 0
    for source in problem.sources:
        part = np.zeros(source.shape, source.dtype)
        part.reshape(-1)[max(k - before, 0) : max(k + 1 - before, 0)] = 1
        parts.append(constant(part))
        before += source.size
    return parts


def lexicographic(problem: Problem, points: Points) -> tuple[Walk, list[Tensor], dict[Tensor, np.ndarray]]:
    """The derivative along the unit vectors in turn; the first one that leaves a kink selects the branch there."""
    points, settled = dict(points), {}
    decided: dict[Tensor, np.ndarray] = {}
    count = sum(s.size for s in problem.sources)
    k = 0
    while True:
        along = _unit(problem, k)
        walk = Walk(problem.y, problem.sources, along, points, settled)
        walk.check()
        for node, mask in decided_by(walk).items():
            decided[node] = mask | decided.get(node, np.False_)
        k += 1
        if not _leave(walk, points, settled) or k >= count:
            return walk, along, decided


def _leave(walk: Walk, points: Points, settled: Settled) -> bool:
    """Move the inputs that this direction takes off their kink; returns whether any node is still on one."""
    open_kinks = False
    for node in walk.kinked:
        points[node] = nudged(node, walk.values(node), walk.tangents(node))
        open_kinks |= bool(on_kink(node, points[node]).any())
    for node, piece in walk.pieces.items():
        switch = walk.switches[node.inputs[0]]
        known, branch = settled.get(node, (np.zeros(node.shape, bool), np.zeros(node.shape, bool)))
        new = piece.on & ~switch.loose
        settled[node] = known | new, np.where(new, switch.after, branch)
        open_kinks |= bool((piece.on & switch.loose).any())
    return open_kinks


# What was decided


def decided_by(walk: Walk) -> dict[Tensor, np.ndarray]:
    """The nodes on a kink with a nonzero tangent, with the elements whose branch the direction selected."""
    if walk.slope is None:
        return {}
    found = {node: np.asarray(on & _moving(walk, node, on)) for node, on in walk.kinked.items()}
    found |= {node: piece.on & ~walk.switches[node.inputs[0]].loose for node, piece in walk.pieces.items()}
    return {node: mask for node, mask in found.items() if mask.any()}


def _moving(walk: Walk, node: Tensor, on: np.ndarray) -> np.ndarray:
    """Where a tangent that is not 0 arrives, in the shape of ``on``."""
    moves = np.array([np.broadcast_to(t != 0, i.shape) for t, i in zip(walk.tangents(node), node.inputs, strict=True)])
    if node.op.elementwise:
        return np.asarray(moves.any(axis=0))
    axis, keep = node.attrs.get("axis"), node.attrs.get("keepdims", False)
    return np.asarray(np.any(moves[0], axis=axis, keepdims=keep)).reshape(on.shape)


def spots(decided: Mapping[Tensor, np.ndarray]) -> tuple[Spot, ...]:
    """The report of what was decided."""
    return tuple(
        Spot(node.op.name, node.site, node.scope, "kink", int(mask.sum()), mask.size, 0.0)
        for node, mask in decided.items()
    )


__all__ = ["Points", "decided_by", "lexicographic", "random_direction", "spots"]
