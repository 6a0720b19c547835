"""``checkpoint``: a part of a graph that backpropagation computes again instead of saving it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from subgrad.errors import ArgumentError
from subgrad.graph import tracing
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.graph.tree import Tree, as_tree, leaves, rebuild
from subgrad.ops import reshape
from subgrad.recur.loop import make_loop


def checkpoint(f: Callable[..., Tree]) -> Callable[..., Tree]:
    """f, with a derivative that computes what f has computed again, instead of saving it (Griewank 1992; Chen, Xu,
    Zhang, Guestrin 2016, arXiv 1604.06174). A network of n such parts saves n values between them, and what is inside
    of one part at a time; it costs one forward pass more. Also for the cell of a `scan`.

    Args:
        f: takes tensors, or trees of them, and returns such; a module for example. It is traced: in it an ``if`` can
            ask for a shape, not for a value. Random numbers that it draws are drawn once.

    Returns:
        A function of the same arguments, by position.

    Raises:
        ArgumentError: when called, if f assigns a parameter.

    Example:
        >>> import subgrad as sg
        >>> part = sg.checkpoint(lambda x: sg.tanh(x) ** 2)
        >>> x = sg.tensor([0.5])
        >>> bool(sg.grad(part(x).sum(), x) == sg.grad((sg.tanh(x) ** 2).sum(), x))
        True
    """

    @functools.wraps(f, assigned=("__name__", "__doc__"), updated=())
    def again(*args: Tree) -> Tree:
        given = leaves(list(args))
        places = [placeholder(x.shape, x.dtype, "an argument") for x in given]
        pending: Any = iter(places)
        with tracing.recording() as assigned:
            result = as_tree(f(*[rebuild(a, pending) for a in args]))
        if assigned:
            raise ArgumentError("a function to checkpoint assigned a parameter: return the new value instead")
        rows = {p: reshape(x, (1, *x.shape)) for p, x in zip(places, given, strict=True)}
        found = make_loop({}, rows, [], leaves(result), 1, reverse=False, saves=False)
        return rebuild(result, [_first(y) for y in found])

    return again


def _first(row: Tensor) -> Tensor:
    return reshape(row, row.shape[1:])


__all__ = ["checkpoint"]
