"""The invariants of a graph, as code: run between compiler passes, if ``SUBGRAD_CHECK`` asks for it, and in tests."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from subgrad.errors import CheckError
from subgrad.graph.dtype import KNOWN
from subgrad.graph.order import toposort

if TYPE_CHECKING:
    from subgrad.graph.tensor import Tensor


def is_wanted() -> bool:
    """Whether ``SUBGRAD_CHECK`` asks for graphs and programs to be checked, when they are made and when they run."""
    return os.environ.get("SUBGRAD_CHECK", "") not in ("", "0", "off")


def check_graph(outputs: Iterable[Tensor], known: set[Tensor] | None = None) -> None:
    """Raise `CheckError` unless every node has the shape and dtype that its op's rule gives for its inputs.

    A node never changes: one that is ``known`` is not looked at again, and those that are looked at become known.
    """
    known = set() if known is None else known
    seen: set[Tensor] = set()
    for node in toposort(outputs):
        if node in known:
            seen.add(node)
            continue
        if node.op.name == "loop":
            check_graph(node.attrs["body"].outputs, known)
        late = [i for i in node.inputs if i not in seen]
        if late:
            raise CheckError(f"{node.site.after(node.op.name)} comes before its input {late[0].op.name}")
        seen.add(node)
        if node.dtype not in KNOWN and node.dtype.kind != "O":
            raise CheckError(f"{node.site.after(node.op.name)} has the dtype {node.dtype}")
        if node.inputs:
            _check_rule(node)
        if node._value is not None and (node._value.shape, node._value.dtype) != (node.shape, node.dtype):
            raise CheckError(
                f"{node.site.after(node.op.name)} is {node.dtype}{node.shape} "
                f"but its value is {node._value.dtype}{node._value.shape}"
            )
        known.add(node)


def _check_rule(node: Tensor) -> None:
    expected = node.op.shape(*node.inputs, **node.attrs)
    if expected != (node.shape, node.dtype):
        raise CheckError(
            f"{node.site.after(node.op.name)} is {node.dtype}{node.shape}, its rule says {expected[1]}{expected[0]}"
        )
