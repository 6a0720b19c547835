"""Functions of one member as functions of many: the graph is rewritten with one more axis, node by node."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad.diff.batching import BATCH, all_mapped, batched, copies, moved
from subgrad.diff.custom import custom
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph import source_location
from subgrad.graph.dtype import int64
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, as_tensor, placeholder
from subgrad.graph.tree import Tree, as_tree, leaves, rebuild, tree_map
from subgrad.ops import random, rules

Axis = int | None


def vmap(f: Callable[..., Tree], in_axes: Axis | Sequence[Axis] = 0) -> Callable[..., Tree]:
    """``f``, a function of the tensors of one member, as a function of those of n members at once.

    f is traced once and its graph is rewritten with one more axis: a product of matrices becomes one batched
    product, and not n of them. In f an ``if`` can ask for a shape, not for a value. An op without a batching
    rule, such as one made with `defop` that is not elementwise, is called once for each member.

    Random numbers that f draws, as in dropout, are drawn independently for each member.

    Args:
        f: takes tensors, also in dicts, lists and tuples, and returns such.
        in_axes: the axis of members in each argument, None for an argument that is the same for all members:
            an array becomes a tensor, anything else goes to f as it is. One axis for all arguments, or a
            tuple with one for each; all tensors of an argument share it.

    Returns:
        A function of the same arguments, by position. Its results have the axis of members first; a result
        that is the same for all is repeated.

    Raises:
        ArgumentError: if nothing is mapped, or ``in_axes`` does not fit the arguments.
        ShapeError: if the lengths of the mapped axes differ, or an argument does not have its axis.

    Example:
        >>> import subgrad as sg
        >>> dot = sg.vmap(lambda a, b: (a * b).sum())
        >>> dot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [2.0, 2.0]]).tolist()
        [3.0, 14.0]

        The gradient of each sample on its own, by one graph:

        >>> w = sg.tensor([1.0, -1.0])
        >>> slope = sg.grad(lambda w, x, y: (w @ x - y) ** 2)
        >>> sg.vmap(slope, in_axes=(None, 0, 0))(w, [[1.0, 2.0], [3.0, 1.0]], [0.0, 1.0]).tolist()
        [[-2.0, -4.0], [6.0, 2.0]]
    """
    if not callable(f):
        raise ArgumentError(f"vmap takes a function of tensors, got {type(f).__name__}")
    _check_axes(in_axes)

    @functools.wraps(f, assigned=("__name__", "__doc__"), updated=())
    def mapped(*args: Any) -> Tree:
        axes = _axes(in_axes, len(args))
        given = [_given(a, axis) for a, axis in zip(args, axes, strict=True)]
        sources = [x for a, axis in zip(given, axes, strict=True) if axis is not None for x in leaves(a)]
        n = _members(sources)
        places = [placeholder(x.shape[1:], x.dtype, "a mapped argument") for x in sources]
        pending = iter(places)
        single = [a if axis is None else rebuild(a, pending) for a, axis in zip(given, axes, strict=True)]
        seed = placeholder((2,), int64, "the seed")
        with random.seeded(seed):
            result = as_tree(f(*single))
        outputs = [o.node for o in leaves(result)]
        together = {**dict(zip(places, sources, strict=True)), **_draws(outputs, seed, n)}
        return rebuild(result, for_all(outputs, together, n))

    return mapped


def for_all(outputs: Sequence[Tensor], known: dict[Tensor, Tensor], n: int) -> list[Tensor]:
    """``outputs`` for n members, given nodes for all members in place of some nodes of one."""
    together = dict(known)
    for node in toposort(outputs, is_leaf=known.__contains__):
        mapped = [i in together for i in node.inputs]
        if node not in together and any(mapped):
            with source_location.inherit(node.site, node.scope):
                together[node] = batched(node, [together.get(i, i) for i in node.inputs], mapped, n)
    return [together[o] if o in together else copies(o, n) for o in outputs]


def _draws(outputs: Sequence[Tensor], seed: Tensor, n: int) -> dict[Tensor, Tensor]:
    """The draws that f made, with numbers for all members: the next ones of what runs around vmap."""
    made = [node for node in toposort(outputs) if any(i is seed for i in node.inputs)]
    return {node: random.draw((n, *node.shape), node.dtype) for node in made}


@BATCH.register(custom)
def _by_hand(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    """The same op, with a backward pass that is mapped over the members in its turn: so this rule stands here."""

    def backward(g: Tensor, y: Tensor, *xs: Tensor) -> Any:
        return list(custom.vjp(g, y, y, *xs, **node.attrs)[1:])  # pyright: ignore[reportOptionalCall]

    return apply(custom, all_mapped(inputs, mapped, n), {"backward": vmap(backward)})


# Arguments


def _check_axes(in_axes: Axis | Sequence[Axis]) -> None:
    axes = list(in_axes) if isinstance(in_axes, (list, tuple)) else [in_axes]
    for axis in axes:
        if axis is not None and not hasattr(axis, "__index__"):
            raise ArgumentError(f"in_axes holds an axis or None for each argument, got {axis!r}")
    if all(axis is None for axis in axes):
        raise ArgumentError(f"vmap needs an argument with an axis to map over, in_axes is {in_axes}")


def _axes(in_axes: Axis | Sequence[Axis], count: int) -> Sequence[Axis]:
    """The axis of each of ``count`` arguments."""
    if not isinstance(in_axes, (list, tuple)):
        return [in_axes] * count  # pyright: ignore[reportReturnType]
    if len(in_axes) != count:
        raise ArgumentError(f"in_axes {tuple(in_axes)} needs one entry for each argument, there are {count}")
    return in_axes


def _given(argument: Any, axis: Axis) -> Any:
    """The tensors of an argument with the mapped axis in front; what is not mapped as f takes it."""
    if axis is None:
        return as_tensor(argument) if isinstance(argument, np.ndarray) else argument
    return tree_map(lambda x: moved(x, rules.normalise_axis(axis, x.ndim), 0), _tensors(argument))


def _tensors(argument: Any) -> Tree:
    """An argument as a tree of nodes; lists of numbers are tensors, lists of tensors are trees."""
    tree = as_tree(argument)
    if isinstance(tree, dict):
        return {name: _tensors(part) for name, part in tree.items()}
    if _is_list_of_trees(tree):
        return [_tensors(part) for part in tree] if isinstance(tree, list) else tuple(map(_tensors, tree))
    return None if tree is None else as_tensor(tree)


def _is_list_of_trees(x: Any) -> bool:
    if not isinstance(x, (list, tuple)):
        return False
    return not x or any(isinstance(part, (Tensor, dict)) or _is_list_of_trees(part) for part in x)


def _members(sources: Sequence[Tensor]) -> int:
    lengths = sorted({x.shape[0] for x in sources})
    if not lengths:
        raise ArgumentError("vmap needs a tensor to map over, got none")
    if len(lengths) > 1:
        raise ShapeError(f"mapped axes have one length, these have {', '.join(map(str, lengths))}")
    return lengths[0]


__all__ = ["vmap"]
