"""Numbers that vary within bounds, as nodes of a graph: the ends of intervals, and lines that lie below and above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from subgrad.graph import source_location
from subgrad.graph.op import again
from subgrad.graph.tensor import Tensor


class Ends(NamedTuple):
    """Numbers between ``low`` and ``high``, elementwise; not rounded outwards.

    >>> import subgrad as sg
    >>> x = Ends(sg.tensor([0.0, 1.0]), sg.tensor([1.0, 1.0]))
    >>> x.middle.tolist(), x.radius.tolist()
    ([0.5, 1.0], [0.5, 0.0])
    """

    low: Tensor
    high: Tensor

    @property
    def middle(self) -> Tensor:
        """Half way between the ends."""
        return 0.5 * (self.low + self.high)

    @property
    def radius(self) -> Tensor:
        """How far both ends are from there."""
        return 0.5 * (self.high - self.low)


Given = Ends | None
"""What is known of an input; None for one that does not vary, which is what it is."""


@dataclass(frozen=True, eq=False)
class Line:
    """A linear function of a node's inputs that is nowhere above the node, or nowhere below it.

    Attributes:
        gap: by how much it is above the node where the inputs have the values of the graph, in the node's shape.
        back: the products of a cotangent of the node with the slopes, one for each input; None for one without.
    """

    gap: Tensor
    back: Callable[[Tensor], Sequence[Tensor | None]]


Lines = tuple[Line, Line]
"""One below, one above."""


def of(node: Tensor, *inputs: Tensor) -> Tensor:
    """The node's op on other inputs."""
    with source_location.inherit(node.site, node.scope):
        return again(node, inputs)


__all__ = ["Ends", "Given", "Line", "Lines", "of"]
