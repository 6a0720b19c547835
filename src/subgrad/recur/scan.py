"""``scan``: a function of a carry and a row, repeated for every row, as one node of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph import tracing
from subgrad.graph.dtype import int64
from subgrad.graph.order import toposort
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import Tensor, as_tensor, placeholder
from subgrad.graph.tree import Tree, as_tree, leaves, rebuild
from subgrad.ops import random
from subgrad.recur.loop import make_loop
from subgrad.recur.loop_invariants import move_invariants


def scan(
    f: Callable[[Tree, Tree], tuple[Tree, Tree]],
    carry: Tree,
    xs: Tree = None,
    *,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[Tree, Tree]:
    """Steps of a recurrence, one after the other: ``carry, y = f(carry, x)`` for each row x of ``xs``.

    f is traced once, whatever the number of steps, and the steps are one node of the graph: a loop, also in native
    code. Its derivative is backpropagation through time, a loop in the other direction, which reads what the forward
    loop has saved. Weight gradients become one product over all steps after the loop where f multiplies by the
    weight; products of x with what does not change become one product over all rows before it.

    Args:
        f: from the carry and a row to the next carry, of the same form, and a result (None if there is none). In it
            an ``if`` can ask for a shape, not for a value. Random numbers that f draws are drawn anew in each step.
        carry: a tensor, or a dict, list or tuple of tensors: what the first step gets.
        xs: the rows: a tensor, or a tree of tensors, with an axis of steps first. None, with a ``length``, for none.
        length: the number of steps; needed only if there are no ``xs``.
        reverse: go from the last row to the first. Results lie where their row lies.

    Returns:
        The last carry, and the results of all steps, stacked along a new first axis. The arguments and the results
        are those of ``jax.lax.scan``.

    Raises:
        ShapeError: if the numbers of rows differ, or f returns a carry of another form, shape or dtype.
        ArgumentError: if there is neither xs nor a length, f does not return a pair, or f assigns a parameter.

    Example:
        >>> import subgrad as sg
        >>> total, totals = sg.scan(lambda c, x: (c + x, c + x), 0.0, [1.0, 2.0, 3.0])
        >>> float(total), totals.tolist()
        (6.0, [1.0, 3.0, 6.0])

        The derivative of x₃ by r, for x_{t+1} = r x_t (1 - x_t):

        >>> logistic = lambda r: sg.scan(lambda x, _: (r * x * (1 - x), None), sg.tensor(0.5), length=3)[0]
        >>> round(float(sg.grad(logistic)(2.0)), 6)
        0.25
    """
    rows_like = as_tree(xs) if xs is not None else None
    rows = _tensors(rows_like)
    steps = _length(leaves(rows), length)
    carry = _tensors(carry, next((r.dtype for r in leaves(rows) if r.dtype.kind == "f"), None))
    before = [placeholder(c.shape, c.dtype, "the carry") for c in leaves(carry)]
    row = [placeholder(r.shape[1:], r.dtype, "a row of xs") for r in leaves(rows)]
    seed = placeholder((2,), int64, "the seed")
    with tracing.recording() as assigned, random.seeded(seed):
        after, ys = _pair(f(rebuild(carry, before), rebuild(rows, row)))
    if assigned:
        raise ArgumentError("a function to scan assigned a parameter: return the new value in the carry instead")
    after = _like(after, carry)
    outputs = [*after, *(y.node for y in leaves(ys))]
    bound = dict(zip(row, leaves(rows), strict=True))
    outputs, drawn = _draws(outputs, seed, steps)
    outputs, bound = move_invariants(outputs, {**bound, **drawn}, before, steps)
    first = dict(zip(before, leaves(carry), strict=True))
    found = make_loop(first, bound, outputs[: len(after)], outputs[len(after) :], steps, reverse)
    return rebuild(carry, found[: len(after)]), rebuild(ys, found[len(after) :])


def _tensors(tree: Tree, like: np.dtype | None = None) -> Tree:
    """A tree of nodes; lists of numbers are tensors, lists of tensors are trees."""
    tree = as_tree(tree)
    if isinstance(tree, dict):
        return {name: _tensors(part, like) for name, part in tree.items()}
    if _is_list_of_trees(tree):
        parts = [_tensors(part, like) for part in tree]
        return tree._make(parts) if hasattr(tree, "_make") else type(tree)(parts)
    return None if tree is None else as_tensor(tree, like)


def _is_list_of_trees(x: Any) -> bool:
    if not isinstance(x, (list, tuple)):
        return False
    return not x or any(isinstance(p, (Tensor, np.ndarray, dict)) or p is None or _is_list_of_trees(p) for p in x)


def _length(rows: Sequence[Tensor], length: int | None) -> int:
    if not rows and length is None:
        raise ArgumentError("scan needs rows to go through, xs, or the number of steps, length")
    if any(r.ndim == 0 for r in rows):
        raise ShapeError("scan goes along the first axis of xs, a tensor of shape () has none")
    found = sorted({r.shape[0] for r in rows} | ({length} if length is not None else set()))
    if len(found) > 1:
        raise ShapeError(f"scan needs one number of steps, got {', '.join(map(str, found))}")
    return found[0]


def _pair(result: Any) -> tuple[Tree, Tree]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise ArgumentError(f"a function to scan returns (carry, result), this one returned {type(result).__name__}")
    return result


def _like(after: Tree, carry: Tree) -> list[Tensor]:
    """The leaves of the carry that f returns, which must be as those of the carry that f got."""
    after = _tensors(after, next((c.dtype for c in leaves(carry) if c.dtype.kind == "f"), None))
    given, found = _form(carry), _form(after)
    if given != found:
        raise ShapeError(f"a function to scan returns a carry like the one it gets, {given}; this one returned {found}")
    return [a.node for a in leaves(after)]


def _form(tree: Tree) -> Any:
    """Shapes and dtypes, in the form of the tree."""
    if isinstance(tree, dict):
        return {name: _form(part) for name, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_form(part) for part in tree]
    return None if tree is None else f"{tree.dtype}{list(tree.shape)}"


def _draws(outputs: Sequence[Tensor], seed: Tensor, steps: int) -> tuple[list[Tensor], dict[Tensor, Tensor]]:
    """Draws of the body become rows: the next ones of what runs around the loop, with an axis of steps in front."""
    made = [node for node in toposort(outputs) if any(i is seed for i in node.inputs)]
    rows = {node: placeholder(node.shape, node.dtype, "random numbers") for node in made}
    drawn = {rows[node]: random.draw((steps, *node.shape), node.dtype) for node in made}
    return substitute(outputs, rows), drawn


__all__ = ["scan"]
