"""Results that are computed where they are needed: inside of the padded or joined array that would copy them.

A kernel whose result goes into a ``pad`` or a ``concatenate`` writes it there at once; the result is then a part of
that array, with its strides. The kernel of a pad is left with the border, that of a concatenate with nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Sequence

from subgrad.compile.kernels import views
from subgrad.compile.kernels.kernel import Kernel
from subgrad.compile.kernels.views import View, contiguous
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops.shape import reshape


class Aliasing:
    """For each node in memory the array that it is a part of, and how it lies in there."""

    def __init__(
        self, kernels: Sequence[Kernel], settled: Collection[Tensor], overwriting: Container[Tensor] = ()
    ) -> None:
        """``settled`` nodes have their place already, such as outputs; those that are ``overwriting`` another value,
        which others still read until they are computed, host nothing."""
        self._lying: dict[Tensor, View] = {}
        self._seen = _seen_through_views(kernels)
        free = {n for k in kernels for n in k.stores} - set(settled)
        hosts = [k.seed for k in kernels if k.seed not in overwriting]
        for host in reversed(hosts):  # later ones first: what hosts may be a part of another one itself
            for part, start in parts(host):
                if part in free and part not in self._lying:
                    self._settle(part, host, start)

    def _settle(self, part: Tensor, host: Tensor, start: Sequence[int]) -> None:
        self._lying[part] = self._piece(host, start)
        if not all(self._even(v, part) for v in self._seen.get(part, ())):
            del self._lying[part]  # a reshape of it needs the elements without gaps

    def _even(self, node: Tensor, part: Tensor) -> bool:
        """Whether a rearranging node, if it is a reshape, can be seen in the memory of ``part`` as that lies now."""
        if node.op is not reshape:
            return True
        inner = views.view(node.inputs[0], self.strides)
        return inner.source is part and views.restrided(node.inputs[0].shape, inner.strides, node.shape) is not None

    def _piece(self, host: Tensor, start: Sequence[int]) -> View:
        """How a piece of an array lies that begins at an index of it."""
        outer = self.view(host)
        offset = outer.offset + sum(i * s for i, s in zip(start, outer.strides, strict=True))
        return View(outer.source, offset, outer.strides)

    def copied(self, host: Tensor) -> list[tuple[Tensor, list[int]]]:
        """The `parts` of a pad or a concatenate that do not lie in their places: each result lies in one place only."""
        return [(part, start) for part, start in parts(host) if not self._lies_at(part, self._piece(host, start))]

    def _lies_at(self, part: Tensor, place: View) -> bool:
        found = self._lying.get(part)
        return found is not None and found.source is place.source and found[1:] == place[1:]

    def view(self, node: Tensor) -> View:
        """``node`` as a part of the array that it lies in, which may be its own."""
        return self._lying.get(node) or View(node, 0, contiguous(node.shape))

    def strides(self, node: Tensor) -> tuple[int, ...]:
        """The strides of ``node`` in memory."""
        return self.view(node).strides

    def root(self, node: Tensor) -> Tensor:
        """The node in whose array ``node`` lies."""
        return self.view(node).source

    def __contains__(self, node: object) -> bool:
        return node in self._lying

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._lying)


def parts(node: Tensor) -> list[tuple[Tensor, list[int]]]:
    """What a pad or a concatenate copies, and the index at which each begins in the result."""
    if node.op.name == "pad":
        return [(node.inputs[0], [before for before, _ in node.attrs["widths"]])]
    if node.op.name != "concatenate":
        return []
    axis, start, found = node.attrs["axis"], 0, []
    for part in node.inputs:
        found.append((part, [start if i == axis else 0 for i in range(node.ndim)]))
        start += part.shape[axis]
    return found


def _seen_through_views(kernels: Sequence[Kernel]) -> dict[Tensor, list[Tensor]]:
    """The rearranging nodes that each node is seen through."""
    found: dict[Tensor, list[Tensor]] = {}
    pending, seen = [n for k in kernels for n in k.nodes], set()
    while pending:
        node = pending.pop()
        if node in seen or node.op in (CONST, INPUT):
            continue
        seen.add(node)
        pending.extend(node.inputs)
        source = views.source(node)
        if source is not node:
            found.setdefault(source, []).append(node)
    return found


__all__ = ["Aliasing", "parts"]
