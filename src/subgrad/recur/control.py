"""Branches and loops whose conditions are tensors, under the names of JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from subgrad import ops
from subgrad.errors import ArgumentError, NotTraceableError, ShapeError
from subgrad.graph.dtype import bool_
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.graph.tree import Tree, as_tree, leaves, named_leaves, rebuild
from subgrad.ops.indexing import only_if
from subgrad.recur.scan import scan


def cond(condition: TensorLike, if_true: Callable[..., Tree], if_false: Callable[..., Tree], *operands: Any) -> Tree:
    """``if_true(*operands)`` if the bool ``condition`` holds, else ``if_false(*operands)``.

    Where the condition is known, at the prompt, one of them runs. In a function that is traced both run, and `where`
    chooses: gradients pass through the chosen one alone.

    Args:
        condition: a scalar bool.
        if_true, if_false: functions that return trees of one form, with tensors of the same shapes.
        operands: what they are given.

    Raises:
        ShapeError: if the condition is no scalar, or the results differ in form.

    Example:
        >>> import subgrad as sg
        >>> float(sg.cond(sg.tensor(True), lambda x: x + 1, lambda x: x - 1, sg.tensor(3.0)))
        4.0
    """
    condition = _condition("cond", condition)
    if not condition.is_symbolic():
        return (if_true if bool(condition.numpy()) else if_false)(*operands)
    with only_if(condition):
        one = if_true(*operands)
    with only_if(~condition):
        other = if_false(*operands)
    return _chosen(condition, one, other)


def fori_loop(lower: int, upper: int, body: Callable[[Tensor, Tree], Tree], carry: Tree) -> Tree:
    """``carry = body(i, carry)`` for i from ``lower`` to ``upper - 1``: a `scan` over integers, one node of the graph.

    Raises:
        ArgumentError: if the bounds are not integers.
        ShapeError: if the body returns a carry of another form, shape or dtype.

    Example:
        >>> import subgrad as sg
        >>> float(sg.fori_loop(1, 5, lambda i, x: x * i, sg.tensor(1.0)))
        24.0
    """
    for bound in (lower, upper):
        if isinstance(bound, bool) or not hasattr(bound, "__index__") or isinstance(bound, Tensor):
            raise ArgumentError(f"fori_loop takes integers as bounds, got {bound!r}")
    if upper <= lower:
        return carry
    steps = ops.arange(int(lower), int(upper))
    like = [as_tensor(leaf).dtype for leaf in _parts(carry)]

    def step(carry: Tree, i: Tensor) -> tuple[Tree, None]:
        made = body(i, carry)
        kept = [p.astype(d) if p.dtype.kind == d.kind else p for p, d in zip(_parts(made), like, strict=False)]
        return rebuild(as_tree(made), kept) if isinstance(made, (dict, list, tuple)) else kept[0], None

    return scan(step, carry, steps)[0]


def while_loop(
    condition: Callable[[Tree], TensorLike], body: Callable[[Tree], Tree], carry: Tree, max_steps: int | None = None
) -> Tree:
    """``carry = body(carry)`` as long as ``condition(carry)`` holds.

    At the prompt it runs so often, and each turn makes nodes. In a function that is traced the number of turns is not
    known: with ``max_steps`` it is a `scan` of that many, in which the carry stays once the condition does not hold,
    and its gradient is that of the turns that were taken.

    Args:
        condition: from a carry to a scalar bool.
        body: from a carry to the next one, of the same form.
        carry: a tensor, or a dict, list or tuple of tensors.
        max_steps: how many turns there are at most; needed where values are not known.

    Raises:
        NotTraceableError: without ``max_steps``, inside of a function that is compiled or mapped.
        ArgumentError: if ``max_steps`` is no integer of 0 or more.
        ShapeError: if the condition is no scalar.

    Example:
        >>> import subgrad as sg
        >>> float(sg.while_loop(lambda x: x < 100, lambda x: x * x, sg.tensor(3.0)))
        6561.0
        >>> halve = sg.compile(lambda x: sg.while_loop(lambda x: x > 1, lambda x: x / 2, x, max_steps=64))
        >>> float(halve(40.0))
        0.625
    """
    if max_steps is None:
        while True:
            holds = _condition("while_loop", condition(carry))
            if holds.is_symbolic():
                raise NotTraceableError("while_loop needs max_steps in a traced function, which knows no values")
            if not bool(holds.numpy()):
                return carry
            carry = body(carry)
    if isinstance(max_steps, bool) or not hasattr(max_steps, "__index__") or max_steps < 0:
        raise ArgumentError(f"while_loop takes a number of steps of 0 or more, got {max_steps!r}")
    if not max_steps:
        return carry

    def turn(carry: Tree, _: None) -> tuple[Tree, None]:
        holds = _condition("while_loop", condition(carry))
        with only_if(holds):
            return _chosen(holds, body(carry), carry), None

    return scan(turn, carry, length=int(max_steps))[0]


def _parts(tree: Tree) -> list[Any]:
    return leaves(tree) if isinstance(tree, (Tensor, dict, list, tuple)) else [tree]


def _condition(owner: str, value: TensorLike) -> Tensor:
    found = as_tensor(value)
    if found.shape or found.dtype != bool_:
        raise ShapeError(f"{owner} needs a scalar bool as its condition, got {found.dtype} of shape {found.shape}")
    return found


def _chosen(condition: Tensor, a: Tree, b: Tree) -> Tree:
    """The first tree where the condition holds, the second elsewhere."""
    if not isinstance(a, (Tensor, dict, list, tuple)):
        a, b = as_tensor(a), as_tensor(b)
    left, right = dict(named_leaves(a)), dict(named_leaves(b))
    if left.keys() != right.keys() or any(left[k].shape != right[k].shape for k in left):
        raise ShapeError("the two sides of a branch return trees of one form, with tensors of the same shapes")
    return rebuild(a, [ops.where(condition, left[k], right[k]) for k in left])


__all__ = ["cond", "fori_loop", "while_loop"]
