"""Folds of what is computed from windows, without the windows in memory.

`fold` adds up a tensor of windows, (..., O, K), at the elements that they see. Where that tensor is made, element by
element, of windows of x and of what is the same all over a window, as the gradient of a pooling is, an element of the
fold needs x at its own place, and the rest at the places of the windows that reach it: ::

    fold(f(windows(x), spread(h)))[i] = sum over k of f(x[i], h[i - k]), for the windows i - k that there are

so that nothing as large as all windows (9 times the images for a pooling of 3x3) is ever written.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence

from subgrad import ops
from subgrad.compile.codegen.lower import Role, role
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor
from subgrad.ops import rules
from subgrad.ops.shape import cast
from subgrad.ops.window import slide, spread_out


def scatter_to_gather(node: Tensor) -> Tensor | None:
    """A fold as a sum over the places in a window; None if its input is not of that kind, or windows do not overlap."""
    (x,), attrs = node.inputs, node.attrs
    axes = len(attrs["sizes"])
    form = _Form(axes, x.shape[: x.ndim - axes], x.shape[x.ndim - axes :], attrs["strides"], attrs["dilations"])
    if form.strides == form.kernel or not form.fits(x):
        return None
    there = ops.full((1,) * (len(form.places) - axes) + form.places[-axes:], True, "bool")
    lengths = attrs["sizes"]
    parts = []
    for at in itertools.product(*map(range, form.kernel)):
        part = form.at(x, lengths, at)
        if not form.vanishes(x):
            seen = rules.expand(form.shifted(there, lengths, at), node.shape)
            part = ops.where(seen, part, ops.zeros_like(part))
        parts.append(part)
    return functools.reduce(operator.add, parts)


class _Form:
    """How windows slide: ``places`` is the shape of all windows, without the axes inside of one, ``kernel``."""

    def __init__(
        self, axes: int, places: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...],
        dilations: tuple[int, ...],
    ) -> None:  # fmt: skip
        self.axes, self.places, self.kernel = axes, places, kernel
        self.strides, self.dilations = strides, dilations
        self._shifted: dict[Tensor, Tensor] = {}

    def fits(self, node: Tensor) -> bool:
        """Whether a tensor of windows is computed, element by element, of windows and of what is the same in each."""
        if self._seen(node) is not None or self.same(node) is not None:
            return True
        return (role(node.op) is Role.ELEMENT or node.op is cast) and all(map(self.fits, node.inputs))

    def at(self, node: Tensor, lengths: Sequence[int], place: Sequence[int]) -> Tensor:
        """What ``node`` is, for each element, in the window that has the element at ``place``."""
        if node.op is ops.full:
            return ops.full((*self.places[: -self.axes], *lengths), node.attrs["value"], node.dtype)
        seen, same = self._seen(node), self.same(node)
        if seen is not None:
            return seen
        if same is not None:
            return self.shifted(same, lengths, place)
        return apply(node.op, tuple(self.at(i, lengths, place) for i in node.inputs), node.attrs)

    def vanishes(self, node: Tensor) -> bool:
        """Whether ``node`` is 0 by itself where there is no window, because what belongs to windows is 0 there."""
        if node.op is ops.full:
            return node.attrs["value"] == 0
        if node.op is ops.where:
            return all(map(self.vanishes, node.inputs[1:]))
        return self._seen(node) is None and self.same(node) is not None

    def shifted(self, same: Tensor, lengths: Sequence[int], place: Sequence[int]) -> Tensor:
        """What belongs to a window, for each element that the window has at ``place``; 0 where there is no window."""
        lead = same.ndim - self.axes
        reach = [(k - 1) * d for k, d in zip(self.kernel, self.dilations, strict=True)]
        if same not in self._shifted:
            self._shifted[same] = spread_out(same, lead, lengths, self.strides, reach)
        key = [slice(None)] * lead
        for n, d, r, k in zip(lengths, self.dilations, reach, place, strict=True):
            key.append(slice(r - k * d, r - k * d + n))
        return self._shifted[same][tuple(key)]

    def _seen(self, node: Tensor) -> Tensor | None:
        """x, if the node is the windows of x."""
        if node.op is not ops.transpose or node.inputs[0].op is not slide:
            return None
        (x,) = node.inputs[0].inputs
        how = {"sizes": self.kernel, "strides": self.strides, "dilations": self.dilations}
        again = ops.windows.expand(x, **how) if x.ndim == len(self.places) else None  # pyright: ignore[reportOptionalCall]
        same = again is not None and again.attrs == node.attrs and again.inputs[0].attrs == node.inputs[0].attrs
        return x if same and again is not None and again.shape == node.shape else None

    def same(self, node: Tensor) -> Tensor | None:
        """A node that is the same all over a window, without the axes inside of one; None if it is not the same."""
        if node.op is ops.full:
            return ops.full(self.places, node.attrs["value"], node.dtype)
        if node.op is ops.broadcast_to:
            (x,) = node.inputs
            if x.ndim == node.ndim and all(n == 1 for n in x.shape[-self.axes :]):
                return rules.expand(ops.reshape(x, x.shape[: -self.axes]), self.places)
            return None
        if role(node.op) is not Role.ELEMENT and node.op is not cast:
            return None
        inputs = tuple(s for s in map(self.same, node.inputs) if s is not None)
        return apply(node.op, inputs, node.attrs) if len(inputs) == len(node.inputs) else None


__all__ = ["scatter_to_gather"]
