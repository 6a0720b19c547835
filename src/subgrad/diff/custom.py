"""A hand-written backward pass in place of the one that backprop would make."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from subgrad.errors import GradientError
from subgrad.graph.op import Kind, apply, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules


def _by_hand(g: Tensor, y: Tensor, *inputs: Tensor, backward: Callable[..., Any]) -> Sequence[Tensor | None]:
    value, *xs = inputs
    found = backward(g, value, *xs)
    given = list(found) if isinstance(found, (list, tuple)) else [found]
    if len(given) != len(xs):
        raise GradientError(f"the backward of a function of {len(xs)} tensors returned {len(given)} cotangents")
    return [None, *(None if c is None else as_tensor(c, x.dtype) for c, x in zip(given, xs, strict=True))]


@defop(
    kind=Kind.CONTROL,
    prepare=rules.unchanged,
    shape=lambda y, *xs, backward: (y.shape, y.dtype),
    vjp=_by_hand,
    expand=lambda y, *xs, backward: y,
    text="{0}",
    slopes=("0", "by hand"),
)
def custom(y, *xs, backward):
    """y, with ``backward(g, y, *xs)`` as its derivative by the xs."""
    return y


def custom_vjp(forward: Callable[..., Tensor], backward: Callable[..., Any]) -> Callable[..., Tensor]:
    """A function of tensors with a backward pass written by hand.

    Args:
        forward: ``forward(*xs) -> y``, tensors to a tensor.
        backward: ``backward(g, y, *xs)``, from the cotangent of the output, the output and the inputs to one
            cotangent for each input (None where there is none). Written with ops it can be differentiated again.

    Returns:
        A function of the xs. `check` verifies the two against each other.

    Raises:
        GradientError: during backprop, if ``backward`` returns another number of cotangents than there are inputs.

    Example:
        >>> import subgrad as sg
        >>> root = sg.custom_vjp(lambda x: sg.sqrt(x), lambda g, y, x: g / (2 * y))
        >>> sg.check(root, [4.0, 9.0]).kinks
        0
    """

    @functools.wraps(forward)
    def function(*xs: TensorLike) -> Tensor:
        inputs = [as_tensor(x) for x in xs]
        return apply(custom, (forward(*inputs).node, *inputs), {"backward": backward})

    return function


__all__ = ["custom_vjp"]
