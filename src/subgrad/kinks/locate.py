"""Where a computation is not smooth: which ops sit on a kink, on which line of the user's program, and how near."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.diff.conditions import CONDITIONS
from subgrad.display.html_table import html_table, shown
from subgrad.errors import ArgumentError, GradientError
from subgrad.graph.evaluate import evaluate
from subgrad.graph.order import dependents
from subgrad.graph.source_location import Site
from subgrad.graph.tensor import Tensor
from subgrad.kinks.one_sided.corners import margin
from subgrad.kinks.one_sided.walk import live
from subgrad.kinks.problem import leaf
from subgrad.recur.unroll import unrolled


@dataclass(frozen=True)
class Spot:
    """An op that is not smooth at some points, and how near to them its arguments are.

    Attributes:
        op: the name of the op.
        site: file and line of the user's code.
        scope: the module that ran it, such as ``encoder.hidden``; empty outside of modules.
        kind: ``kink`` (several slopes), ``root`` (an infinite slope) or ``jump``.
        count: how many elements are there.
        size: of how many.
        nearest: the distance of the nearest element, in the op's argument: \\|x\\| for relu, the lead of the largest
            over the second for max.
    """

    op: str
    site: Site
    scope: str
    kind: str
    count: int
    size: int
    nearest: float

    def __str__(self) -> str:
        inside = f" in {self.scope}" if self.scope else ""
        return f"{self.op}{inside} at {self.site}: {self.count} of {self.size} on a {self.kind}"


@dataclass(frozen=True)
class Kinks:
    """The spots within ``tau``: a sequence that prints as a list.

    Attributes:
        spots: those with an element within tau, in the order of the computation.
        nearest: the op with the element nearest to its kink, within tau or not; None if every op is smooth everywhere.
        tau: the distance that counts as on it.
    """

    spots: tuple[Spot, ...]
    nearest: Spot | None
    tau: float

    @property
    def count(self) -> int:
        """The number of elements within tau."""
        return sum(s.count for s in self.spots)

    def __len__(self) -> int:
        return len(self.spots)

    def __iter__(self) -> Iterator[Spot]:
        return iter(self.spots)

    def __getitem__(self, i: int) -> Spot:
        return self.spots[i]

    def __str__(self) -> str:
        if self.spots:
            return "\n".join(map(str, self.spots))
        if self.nearest is None:
            return "no kinks: every op is smooth"
        near = self.nearest
        return f"not on a kink; the nearest is {near.nearest:.3g} away: {near.op} at {near.site}"

    def _repr_html_(self) -> str:
        if not self.spots:
            return shown(str(self))
        columns = ["op", "module", "line", "kind", "on it", "of", "nearest"]
        rows = [[s.op, s.scope, str(s.site), s.kind, f"{s.count:,}", f"{s.size:,}", f"{s.nearest:.3g}"] for s in self]
        return shown(html_table(columns, rows, numbers=columns[4:]))


def kinks(f: Callable[..., Tensor] | Tensor, *x: Any, tau: float = 0.0) -> Kinks:
    """Which ops of f sit on a kink at x, or within ``tau`` of one.

    Args:
        f: a function of tensors, called with x, such as a network or (without x) its loss; or a tensor, which is a
            graph already.
        x: the arguments of f: tensors, arrays, numbers. Only ops that depend on those that hold floats are reported;
            all if there are none, or f is a module.
        tau: how near counts as on it.

    Returns:
        `Kinks`: print it, or go through its `Spot`s.

    Raises:
        ArgumentError: if f is neither a function nor a tensor, or tau is negative.
        GradientError: if f returns no tensor.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.kinks import kinks
        >>> print(kinks(lambda x: sg.relu(x).sum(), [0.0, 1.0, 0.0]))
        relu at <doctest...>:1: 2 of 3 on a kink
        >>> kinks(lambda x: sg.max(x), [1.0, 3.0, 2.5]).nearest.nearest
        0.5
    """
    if not tau >= 0:
        raise ArgumentError(f"tau is a distance of 0 or more, got {tau}")
    y, sources = _graph(f, x)
    evaluate([y])
    order = live(y, sources)
    depending = dependents(order, sources) if sources else set(order)
    found = [_spot(node, tau) for node in order if node in depending and _is_rough(node)]
    near = [s for s in found if s.nearest < np.inf]
    return Kinks(tuple(s for s in near if s.count), min(near, key=lambda s: s.nearest, default=None), tau)


def _graph(f: Callable[..., Tensor] | Tensor, x: Sequence[Any]) -> tuple[Tensor, list[Tensor]]:
    """The node of f(x), and those of x that hold floats; none for a module, whose parameters matter as much."""
    if isinstance(f, Tensor):
        return unrolled([f.node])[0], []
    if not callable(f):
        raise ArgumentError(f"expected a function of tensors or a tensor, got {type(f).__name__}")
    is_module = hasattr(f, "named_parameters")
    given = list(x) if is_module else [leaf(part) for part in x]
    y = f(*given)
    if not isinstance(y, Tensor):
        raise GradientError(f"a function to look at returns a tensor, this one returned {type(y).__name__}")
    return unrolled([y.node])[0], [] if is_module else [g for g in given if g.dtype.kind == "f"]


def _is_rough(node: Tensor) -> bool:
    found = CONDITIONS.get(node.op)
    elsewhere = found is not None and found.distance is not None and node.inputs[0].dtype.kind == "f"
    return node.op.kink is not None or elsewhere


def _spot(node: Tensor, tau: float) -> Spot:
    kind, xs = "kink", [i.numpy() for i in node.inputs]
    if node.op.kink is not None:
        away = margin(node, xs)
    else:
        found = CONDITIONS[node.op]
        assert found.distance is not None
        with np.errstate(invalid="ignore"):
            kind, away = found.kind, found.distance(*xs, **node.attrs)
    nearest = float(np.nanmin(away, initial=np.inf))
    return Spot(node.op.name, node.site, node.scope, kind, int(np.sum(away <= tau)), away.size, nearest)


__all__ = ["Kinks", "Spot", "kinks"]
