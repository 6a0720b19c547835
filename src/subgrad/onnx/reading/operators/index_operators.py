"""Operators that read and write at places."""

from __future__ import annotations

import math
import operator as python
from collections.abc import Callable

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Tensor, constant
from subgrad.onnx.reading.operator_table import Call, operator


@operator("Gather", weights=(0,))
def gather(call: Call, x: Tensor, indices: Tensor) -> Tensor:
    return ops.gather(x, indices, axes=call.get("axis", 0) % x.ndim)


@operator("GatherElements")
def gather_elements(call: Call, x: Tensor, indices: Tensor) -> Tensor:
    return x[tuple(_places(indices, call.get("axis", 0) % x.ndim))]


def _places(indices: Tensor, axis: int) -> list[Tensor]:
    """Integer arrays for all axes: the indices along one, the element's own place along the others."""
    own = [ops.arange(n).reshape(-1, *[1] * (indices.ndim - 1 - a)) for a, n in enumerate(indices.shape)]
    return [indices if a == axis else o for a, o in enumerate(own)]


@operator("GatherND")
def gather_nd(call: Call, x: Tensor, indices: Tensor) -> Tensor:
    b, k = call.get("batch_dims", 0), indices.shape[-1]
    lead = indices.ndim - 1
    own = [ops.arange(n).reshape(-1, *[1] * (lead - 1 - a)) for a, n in enumerate(x.shape[:b])]
    return x[(*own, *(indices[..., i] for i in range(k)))]


def _reduction(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """What becomes of an old and a new value."""
    if name in ("max", "min"):
        return ops.maximum if name == "max" else ops.minimum
    return {"none": lambda old, new: new, "add": python.add, "mul": python.mul}[name]


def scattered(x: Tensor, flat: np.ndarray, updates: Tensor, reduction: str) -> Tensor:
    """x with ``updates`` at the places ``flat`` (into x as a vector): of those that share a place, one after the other.

    Each element reads its update, so that gradients reach both.
    """
    if not flat.size:
        return x
    y, given = x.reshape(x.size), updates.reshape(updates.size)
    order = np.argsort(flat, kind="stable")
    first = np.searchsorted(flat[order], flat[order])
    turn = np.empty(flat.size, np.int64)
    turn[order] = np.arange(flat.size) - first
    turns = range(int(turn.max()) + 1) if reduction != "none" else [None]
    for t in turns:
        chosen = np.arange(flat.size) if t is None else np.flatnonzero(turn == t)
        source = np.full(x.size, -1)
        source[flat[chosen]] = chosen  # the last one stays
        new = given[np.maximum(source, 0)]
        y = ops.where(constant(source >= 0), _reduction(reduction)(y, new), y)
    return y.reshape(x.shape)


@operator("ScatterElements", "Scatter")
def scatter_elements(call: Call, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    axis, where = call.get("axis", 0) % x.ndim, call.values(indices)
    places = [np.asarray(p) for p in np.indices(where.shape)]
    places[axis] = np.where(where < 0, where + x.shape[axis], where)
    return scattered(x, _checked(call, places, x).ravel(), updates, call.get("reduction", "none"))


def _checked(call: Call, places: list[np.ndarray], x: Tensor) -> np.ndarray:
    if any(p.size and not 0 <= p.min() <= p.max() < n for p, n in zip(places, x.shape, strict=False)):
        raise call.refuse("an index is out of range")
    return np.asarray(np.ravel_multi_index(places, x.shape[: len(places)]))


@operator("ScatterND")
def scatter_nd(call: Call, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    where = call.values(indices)
    k = where.shape[-1]
    lengths = np.array(x.shape[:k], np.int64)
    where = np.where(where < 0, where + lengths, where)
    rest = math.prod(x.shape[k:])
    rows = _checked(call, [where[..., i] for i in range(k)], x) if k else np.zeros(where.shape[:-1], np.int64)
    flat = (rows[..., None] * rest + np.arange(rest)).ravel()
    return scattered(x, flat, updates, call.get("reduction", "none"))


@operator("TensorScatter")
def tensor_scatter(call: Call, past: Tensor, update: Tensor, written: Tensor | None = None) -> Tensor:
    """Rows of a cache from where each example has so many already."""
    axis = call.get("axis", -2) % past.ndim
    start = call.values(written) if written is not None else np.zeros(past.shape[0], np.int64)
    places = [np.asarray(p) for p in np.indices(update.shape)]
    steps = places[axis] + start.reshape(-1, *[1] * (update.ndim - 1))
    places[axis] = steps % past.shape[axis] if call.get("mode", "linear") == "circular" else steps
    return scattered(past, _checked(call, places, past).ravel(), update, "none")


@operator("OneHot")
def one_hot(call: Call, indices: Tensor, depth: Tensor, values: Tensor) -> Tensor:
    n = int(call.values(depth).item())
    axis = call.get("axis", -1) % (indices.ndim + 1)
    i = indices.astype("int64")
    found = ops.one_hot(ops.where(i < 0, i + n, i), n, "bool")
    return ops.moveaxis(ops.where(found, values[1], values[0]), -1, axis)


# What has as many elements as values say: only where these are known before the file runs


@operator("NonZero")
def non_zero(call: Call, x: Tensor) -> Tensor:
    return constant(np.array(np.nonzero(call.values(x)), np.int64).reshape(max(x.ndim, 1), -1))


@operator("Compress")
def compress(call: Call, x: Tensor, condition: Tensor) -> Tensor:
    kept, axis = np.flatnonzero(call.values(condition)), call.get("axis")
    return x.reshape(x.size)[kept] if axis is None else ops.gather(x, constant(kept), axes=axis % x.ndim)


@operator("Unique")
def unique(call: Call, x: Tensor) -> list[Tensor]:
    axis = call.get("axis")
    found, first, inverse, counts = np.unique(call.values(x), True, True, True, axis=axis)
    inverse = inverse.ravel()
    if not call.get("sorted", 1):
        order = np.argsort(first)
        found = found[order] if axis is None else np.take(found, order, axis)
        first, counts, inverse = first[order], counts[order], np.argsort(order)[inverse]
    return [constant(np.ascontiguousarray(v)) for v in (found, first.astype(np.int64), inverse.astype(np.int64),
                                                        counts.astype(np.int64))]  # fmt: skip


__all__ = ["scattered"]
