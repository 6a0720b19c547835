"""Nodes that stand for several tensors, as a loop does, and the way to one of them.

A tensor of dtype ``object`` is such a node: its value is an array of arrays. It has a ``body`` among its attributes,
whose ``results`` are the shapes and dtypes of what it stands for. It never reaches a user: `part` takes a tensor out.
In backpropagation its cotangent is a `bundle` of the cotangents of its parts, in forward mode a bundle of tangents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from subgrad.graph.op import Kind, Op, apply, defop
from subgrad.graph.tensor import Tensor
from subgrad.ops import rules

SEVERAL = np.dtype(object)


def array_of(values: Sequence[np.ndarray]) -> np.ndarray:
    """The value of a node that stands for several tensors."""
    found = np.empty(len(values), object)
    for i, value in enumerate(values):
        found[i] = value
    return found


@defop(
    kind=Kind.CONTROL,
    prepare=lambda x, index: ([x], {"index": index}),
    shape=lambda x, *, index: x.attrs["body"].results[index],
    vjp=lambda g, y, x, *, index: (bundle(x.shape[0], {index: g}),),
    push=lambda rule, node, tangents: unbundled(tangents[0]).get(node.attrs["index"]),
    text="part of {0}",
    slopes=("1",),
)
def part(x, index):
    """Tensor number ``index`` of those that the node x stands for."""
    return x[index]


def _carried(*xs: np.ndarray, indices: Sequence[int], count: int) -> np.ndarray:
    given = dict(zip(indices, xs, strict=True))
    return array_of([given.get(i, np.zeros(())) for i in range(count)])


BUNDLE = Op(
    "bundle",
    ref=_carried,
    shape=lambda *_, indices, count: ((count,), SEVERAL),
    prepare=rules.unchanged,
)


def bundle(count: int, tensors: Mapping[int, Tensor]) -> Tensor:
    """A node that carries some of ``count`` tensors, by number; those that are missing are zero."""
    return apply(BUNDLE, tuple(tensors.values()), {"indices": tuple(tensors), "count": count})


def unbundled(node: Tensor) -> dict[int, Tensor]:
    """The tensors that a bundle carries, by number."""
    return dict(zip(node.attrs["indices"], node.inputs, strict=True))


def add(a: Tensor, b: Tensor) -> Tensor:
    """a + b, also of bundles."""
    if a.dtype != SEVERAL:
        return a + b
    total = unbundled(a)
    for i, x in unbundled(b).items():
        total[i] = total[i] + x if i in total else x
    return bundle(a.shape[0], total)


__all__ = ["SEVERAL", "add", "array_of", "bundle", "part", "unbundled"]
