"""Exact subgradients as native programs: the one-sided derivative along a direction as one graph for all points.

The graph has the one-sided rule of every op with a kink, on the kink or not. Cases without a rule, such as a condition
at its threshold or a root at 0, are only counted; if there are any, the interpreted `Walk` is run instead, which raises
the error or states the assumption.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.compile.function import CompiledFunction, compile
from subgrad.diff.conditions import at_root, undecided
from subgrad.diff.custom import custom
from subgrad.diff.forward_mode import one_sided_rule
from subgrad.diff.reverse import gradients
from subgrad.graph import source_location
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.tensor import Tensor
from subgrad.graph.tree import leaves
from subgrad.kinks.one_sided.branch_selection import random_direction
from subgrad.kinks.one_sided.walk import live, smooth_tangent
from subgrad.kinks.problem import scalar_node
from subgrad.ops import isfinite
from subgrad.recur.unroll import unrolled

_programs: weakref.WeakKeyDictionary[CompiledFunction, CompiledFunction] = weakref.WeakKeyDictionary()


def native(f: CompiledFunction, x: Any, seed: int) -> tuple[list[np.ndarray], float, float] | None:
    """The element at x, an array for each tensor of it; f(x); and the slope along the direction of ``seed``.

    None if the point has a case without a rule, so that the interpreted walk is needed.
    """
    if f not in _programs:
        _programs[f] = compile(functools.partial(_element, weakref.ref(f)))
    odd, value, slope, *found = _programs[f](x, np.array([seed, 0]))
    return None if odd else (found, float(value), float(slope))


def _element(f: Callable[[], CompiledFunction | None], x: Any, seed: Tensor) -> list[Tensor]:
    """The graph: the number of cases without a rule, f(x), the slope along the direction, and its gradient."""
    function, sources = f(), [s.node for s in leaves(x)]
    assert function is not None  # it is being called
    with using_dtype(sources[0].dtype if sources else float64):
        (y,) = unrolled([scalar_node(function(x))])
    along = random_direction(sources, seed)
    tangent: dict[Tensor, Tensor | None] = dict(zip(sources, along, strict=True))
    odd = [_count(isfinite(s), False) for s in sources]
    for node in live(y, sources):
        arriving = [tangent.get(i) for i in node.inputs]
        if node not in tangent and any(t is not None for t in arriving):
            with source_location.inherit(node.site, node.scope):
                odd += [_count(t) for t in (undecided(node), at_root(node)) if t is not None]
                odd += [ops.full((), 1.0)] if node.op is custom else []  # its derivative is taken on trust
                tangent[node] = _tangent(node, arriving) if node.dtype.kind == "f" else None
    slope = tangent.get(y)
    slope = ops.full((), 0, y.dtype) if slope is None else slope
    found = gradients(slope, along)
    odd += [_count(isfinite(node), False) for node in (y, slope, *found)]
    return [functools.reduce(ops.add, odd), y, slope, *found]


def _tangent(node: Tensor, arriving: list[Tensor | None]) -> Tensor | None:
    has_sides = node.op.kink is not None or node.op is ops.where
    return one_sided_rule(node, arriving) if has_sides else smooth_tangent(node, arriving)


def _count(condition: Tensor, wanted: bool = True) -> Tensor:
    return ops.where(condition, float(wanted), float(not wanted)).sum()


__all__ = ["native"]
