"""Nested dicts, lists and tuples of tensors: flattened to a list, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor

Tree = Any
"""A tensor, or a dict, list or tuple of trees. A module stands for the dict of its named parameters."""


def as_tree(tree: Tree) -> Tree:
    """``tree`` with modules replaced by their named parameters, and generators by lists."""
    if isinstance(tree, Tensor):  # which looks long for a name that it does not have
        return tree
    if hasattr(tree, "named_parameters"):
        return dict(tree.named_parameters())
    if isinstance(tree, Iterator):
        return list(tree)
    return tree


def leaves(tree: Tree) -> list[Tensor]:
    """The tensors of ``tree`` in order."""
    return [leaf for _, leaf in named_leaves(tree)]


def named_leaves(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of ``tree`` with their paths, such as ``momentum.0``."""
    if isinstance(tree, Tensor):
        yield prefix, tree
        return
    tree = as_tree(tree)
    if isinstance(tree, dict):
        for key, child in tree.items():
            yield from named_leaves(child, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(tree, (list, tuple)):
        for i, child in enumerate(tree):
            yield from named_leaves(child, f"{prefix}.{i}" if prefix else str(i))
    elif tree is not None:
        raise ArgumentError(f"expected tensors, or dicts and lists of them, got {type(tree).__name__}")


def rebuild(tree: Tree, values: Iterable[Any]) -> Tree:
    """A tree of the form of ``tree`` with ``values`` in place of its tensors."""
    return _rebuild(tree, iter(values))


def _rebuild(tree: Tree, values: Iterator[Any]) -> Tree:
    if isinstance(tree, Tensor):
        return next(values)
    tree = as_tree(tree)
    if isinstance(tree, dict):
        return {key: _rebuild(child, values) for key, child in tree.items()}
    if isinstance(tree, (list, tuple)):
        parts = [_rebuild(child, values) for child in tree]
        return tree._make(parts) if hasattr(tree, "_make") else type(tree)(parts)  # pyright: ignore[reportAttributeAccessIssue]
    return None


def tree_map(f: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """``f`` applied to each tensor of ``tree``, with the tensors at the same places of ``others``."""
    columns = zip(leaves(tree), *(leaves(t) for t in others), strict=True)
    return rebuild(tree, [f(*column) for column in columns])
