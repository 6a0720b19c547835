"""Dead units of a network on data, and how many units are near their kink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.graph.evaluate import evaluate
from subgrad.graph.op import cotangents
from subgrad.graph.source_location import Site
from subgrad.graph.tensor import Tensor
from subgrad.kinks.one_sided.corners import margin
from subgrad.kinks.one_sided.walk import live
from subgrad.nn.running import evaluating
from subgrad.ops import full
from subgrad.recur.unroll import unrolled

if TYPE_CHECKING:
    from subgrad.nn.module import Module


@dataclass(frozen=True)
class Units:
    """One activation with a kink, such as a relu, on the data.

    A unit is one place along the last axis (a neuron, or a channel); all other axes hold samples.

    Attributes:
        layer: the module that ran it, such as ``encoder.1``; empty if the network did itself.
        op: the name of the op.
        site: file and line of the user's code.
        units: how many there are.
        dead: how many have a slope of 0 at every sample: nothing before them learns through them.
        near: the fraction of all elements within tau of the kink.
        nearest: the distance of the nearest element.
    """

    layer: str
    op: str
    site: Site
    units: int
    dead: int
    near: float
    nearest: float

    def __str__(self) -> str:
        name = f"{self.layer} ({self.op})" if self.layer else self.op
        return f"{name}: {self.dead} of {self.units} units dead, {self.near:.1%} of elements near the kink"


def dead_units(net: Module, *X: Any, tau: float = 0.0) -> list[Units]:
    """For each activation of a network that has a kink: dead units, and elements within ``tau`` of the kink.

    The network runs once on the data, in evaluation mode. Call it from time to time in a training run: a relu unit that
    is negative for every sample gets no gradient, and without one it stays so (Maas, Hannun, Ng 2013).

    Args:
        net: a module.
        X: its inputs, with samples along the first axis.
        tau: how near counts as near; 0 counts what is exactly on the kink.

    Returns:
        A `Units` for each elementwise op of one input with a kink (relu, leaky_relu, abs, clip, ...), in the order in
        which they run.

    Raises:
        ArgumentError: if tau is negative, or the network returns something else than a tensor.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.kinks import dead_units
        >>> net = sg.nn.Sequential(sg.nn.Linear(1, 2), sg.nn.ReLU())
        >>> net[0].weight.assign([[1.0], [1.0]])
        >>> net[0].bias.assign([0.0, -5.0])
        >>> print(dead_units(net, sg.tensor([[0.0], [1.0], [2.0]]))[0])
        1 (relu): 1 of 2 units dead, 16.7% of elements near the kink
    """
    if not tau >= 0:
        raise ArgumentError(f"tau is a distance of 0 or more, got {tau}")
    with evaluating(net):
        y = net(*X)
    if not isinstance(y, Tensor):
        raise ArgumentError(f"expected a network that returns a tensor, this one returned {type(y).__name__}")
    evaluate([y])
    return [_units(node, tau) for node in live(unrolled([y.node])[0], []) if _is_activation(node)]


def _is_activation(node: Tensor) -> bool:
    return node.op.kink is not None and node.op.elementwise and len(node.inputs) == 1 and node.ndim > 0


def _units(node: Tensor, tau: float) -> Units:
    (slope,) = cotangents(node, full(node.shape, 1, node.dtype))
    moves = np.zeros(node.shape, bool) if slope is None else slope.numpy() != 0
    rows = moves.reshape(-1, node.shape[-1])
    away = margin(node, [i.numpy() for i in node.inputs])
    return Units(
        layer=node.scope,
        op=node.op.name,
        site=node.site,
        units=node.shape[-1],
        dead=int(np.sum(~rows.any(axis=0))),
        near=float(np.mean(away <= tau)) if away.size else 0.0,
        nearest=float(np.min(away, initial=np.inf)),
    )


__all__ = ["Units", "dead_units"]
