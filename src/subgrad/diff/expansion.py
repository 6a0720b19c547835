"""The derivative of an op that is given by what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from subgrad.diff.reverse import backprop
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import Tensor, placeholder


def cotangents_through(
    expand: Callable[..., Tensor], g: Tensor, inputs: Sequence[Tensor], attrs: Mapping[str, Any]
) -> list[Tensor | None]:
    """The cotangent of each input, None where there is none, for ``g``, that of ``expand(*inputs, **attrs)``."""
    places = [placeholder(x.shape, x.dtype) for x in inputs]  # one tensor may be two of the inputs
    found = backprop([expand(*places, **attrs).node], [g], places)
    made = iter(substitute([p for p in found if p is not None], dict(zip(places, inputs, strict=True))))
    return [None if p is None else next(made) for p in found]


__all__ = ["cotangents_through"]
