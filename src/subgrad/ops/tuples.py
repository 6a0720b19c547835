"""Tuples: nodes whose value is several tensors, such as those of a loop, and the op `part` that takes one of them.

The dtype of such a node is ``object``; its value is an array of arrays. Its attribute ``body`` has the shapes and
dtypes of the tensors as ``results``. A tuple never reaches a user: `part` takes a tensor out of it. Its cotangent is a
tuple of the cotangents of its elements, made by `make_tuple`; its tangent is one of their tangents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from subgrad.graph.op import Kind, Op, apply, defop
from subgrad.graph.tensor import Tensor
from subgrad.ops import rules

TUPLE = np.dtype(object)


def array_of(values: Sequence[np.ndarray]) -> np.ndarray:
    """The value of a tuple with these elements."""
    found = np.empty(len(values), object)
    for i, value in enumerate(values):
        found[i] = value
    return found


@defop(
    kind=Kind.CONTROL,
    prepare=lambda x, index: ([x], {"index": index}),
    shape=lambda x, *, index: x.attrs["body"].results[index],
    vjp=lambda g, y, x, *, index: (make_tuple(x.shape[0], {index: g}),),
    push=lambda rule, node, tangents: tuple_elements(tangents[0]).get(node.attrs["index"]),
    text="part of {0}",
    slopes=("1",),
)
def part(x, index):
    """Element number ``index`` of the tuple x."""
    return x[index]


def _carried(*xs: np.ndarray, indices: Sequence[int], count: int) -> np.ndarray:
    given = dict(zip(indices, xs, strict=True))
    return array_of([given.get(i, np.zeros(())) for i in range(count)])


TUPLE_OP = Op(
    "make_tuple",
    ref=_carried,
    shape=lambda *_, indices, count: ((count,), TUPLE),
    prepare=rules.unchanged,
)


def make_tuple(count: int, tensors: Mapping[int, Tensor]) -> Tensor:
    """A tuple of ``count`` elements, of which ``tensors`` has some by number; those that are missing are zero."""
    return apply(TUPLE_OP, tuple(tensors.values()), {"indices": tuple(tensors), "count": count})


def tuple_elements(node: Tensor) -> dict[int, Tensor]:
    """The elements that `make_tuple` was given, by number."""
    return dict(zip(node.attrs["indices"], node.inputs, strict=True))


def add(a: Tensor, b: Tensor) -> Tensor:
    """a + b, also of tuples."""
    if a.dtype != TUPLE:
        return a + b
    total = tuple_elements(a)
    for i, x in tuple_elements(b).items():
        total[i] = total[i] + x if i in total else x
    return make_tuple(a.shape[0], total)


__all__ = ["TUPLE", "add", "array_of", "make_tuple", "part", "tuple_elements"]
