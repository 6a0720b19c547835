"""The affine nodes of ops: linear maps of inputs that vary, with factors made of those that do not.

A rule is ``rule(node, fixed)`` with the intervals of the inputs that do not vary, None for the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from subgrad.bounds.backward.affine import Affine, Part
from subgrad.graph.tensor import Tensor
from subgrad.intervals.arithmetic import Interval, inverse
from subgrad.ops.contract import LETTERS, contract, sizes_of
from subgrad.ops.convolution import CONVOLUTIONS, convolve, convolve_input
from subgrad.ops.rules import groups

Fixed = Sequence[Interval | None]
ALONE = 2**18  # products that OpenBLAS makes in one thread
FEW = 32  # rows below which blocks are of no use
MATRIX = 2**24  # elements of the matrix of a linear op that has no other rule


def same(x: np.ndarray) -> np.ndarray:
    """x as it is."""
    return x


SAME = Part(same, same, same, apart=True)
TURNED = Part(np.negative, np.negative, same, apart=True)


# Sums


def added(*signs: int) -> Callable[[Tensor, Fixed], Affine]:
    """A sum of the inputs with these signs; what does not vary is the constant."""

    def rule(node: Tensor, fixed: Fixed) -> Affine:
        parts, constant = [], None
        for k, (sign, held) in enumerate(zip(signs, fixed, strict=True)):
            if held is None:
                parts.append((k, SAME if sign > 0 else TURNED))
            else:
                constant = held if sign > 0 else Interval(-held.high, -held.low)
        return Affine(parts, constant)

    return rule


def summed(node: Tensor, fixed: Fixed) -> Affine:
    """Sums over axes."""
    x, axes = node.inputs[0], node.attrs["axis"]
    kept = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    along = tuple(a + 1 for a in axes)

    def forward(values: np.ndarray) -> np.ndarray:
        return values.sum(axis=along).reshape(len(values), *node.shape)

    def back(rows: np.ndarray) -> np.ndarray:
        return np.broadcast_to(rows.reshape(len(rows), *kept), (len(rows), *x.shape))

    return Affine([(0, Part(forward, back, forward, terms=groups(node).shape[1]))])


# Elements put elsewhere


def moved(node: Tensor, fixed: Fixed) -> Affine | None:
    """Elements of inputs at other places, and finite numbers beside them: the reference says which, given their
    numbers."""
    if any(f is None and i.dtype.kind != "f" for f, i in zip(fixed, node.inputs, strict=True)):
        return None
    starts = np.cumsum([0, *(i.size for i in node.inputs)])
    total = int(starts[-1])
    held = [None if f is None or i.dtype.kind == "f" else f.low for f, i in zip(fixed, node.inputs, strict=True)]

    def seen(shift: int) -> np.ndarray:
        numbers = [np.arange(s, s + i.size, dtype=np.float64).reshape(i.shape) + 1 + shift if h is None else h
                   for s, i, h in zip(starts, node.inputs, held, strict=False)]  # fmt: skip
        return np.asarray(node.op.ref(*numbers, **node.attrs), np.float64)

    near, far = seen(0), seen(total)
    if not np.isfinite(near).all():
        return None  # a product of 0 and a number beside that is infinite is no number
    comes = far - near == total  # and does not stand beside
    source = np.where(comes, near - 1, 0).astype(np.int64)
    parts, low, high = [], np.where(comes, 0.0, near), np.where(comes, 0.0, near)
    for k, (f, i) in enumerate(zip(fixed, node.inputs, strict=True)):
        own = comes & (source >= starts[k]) & (source < starts[k + 1])
        if f is None and own.any():
            parts.append((k, _picked(np.where(own, source - starts[k], -1), i.shape, node.shape)))
        elif f is not None and i.dtype.kind == "f":
            places = np.where(own, source - starts[k], 0)
            low, high = (np.where(own, e.ravel()[places], s) for e, s in zip(f, (low, high), strict=True))
    beside = not parts or np.any(low) or np.any(high)
    return Affine(parts, Interval(low, high) if beside else None)


def _picked(places: np.ndarray, of: tuple[int, ...], to: tuple[int, ...]) -> Part:
    """Elements number ``places`` of the input, 0 for -1."""
    places, count = places.ravel(), math.prod(of)
    if np.array_equal(places, np.arange(count)):
        return Part(lambda x: x.reshape(len(x), *to), lambda a: a.reshape(len(a), *of),
                    lambda x: x.reshape(len(x), *to), apart=True)  # fmt: skip
    there = np.flatnonzero(places >= 0)
    there = there[np.argsort(places[there], kind="stable")]
    used, first, times = np.unique(places[there], return_index=True, return_counts=True)
    most = int(times.max(initial=1))
    all_there = len(there) == len(places)

    def forward(x: np.ndarray) -> np.ndarray:
        found = x.reshape(len(x), count)[:, places]
        return (found if all_there else np.where(places >= 0, found, 0.0)).reshape(len(x), *to)

    def back(a: np.ndarray) -> np.ndarray:
        rows = a.reshape(len(a), len(places))[:, there]
        found = np.zeros((len(a), count))
        if len(used):
            found[:, used] = rows if most == 1 else np.add.reduceat(rows, first, axis=1)
        return found.reshape(len(a), *of)

    return Part(forward, back, forward, terms=0 if most == 1 else most, apart=most == 1)


# Products


def _middle(w: Interval) -> tuple[np.ndarray, np.ndarray | None]:
    """Factors, and how far they may be off; None for not at all."""
    if np.array_equal(w.low, w.high):
        return w.low, None
    with np.errstate(invalid="ignore"):  # the middle of infinite ends is NaN, and nothing is known then
        middle = w.low / 2 + w.high / 2
    return middle, np.nextafter(np.maximum(w.high - middle, middle - w.low), np.inf)


def multiplied(node: Tensor, fixed: Fixed) -> Affine | None:
    """Products with factors that do not vary; None if both do."""
    k = 0 if fixed[0] is None else 1
    w = fixed[1 - k]
    return None if w is None else Affine([(k, scaled_by(w))])


def scaled_by(w: Interval) -> Part:
    """Each element times its own factor."""
    factor, off = _middle(w)
    size = np.abs(factor)
    doubt = None if off is None else lambda x: x * off

    def forward(x: np.ndarray) -> np.ndarray:
        return x * factor

    return Part(forward, forward, forward if (w.low >= 0).all() else lambda x: x * size, doubt, 1, True)


def contracted(node: Tensor, fixed: Fixed) -> Affine | None:
    """Sums of products with factors that do not vary; None if both do."""
    k = 0 if fixed[0] is None else 1
    held = fixed[1 - k]
    if held is None:
        return None
    spec = node.attrs["spec"]
    terms, out = spec.split("->")
    x, w = (terms.split(",")[i] for i in (k, 1 - k))
    batch = next(c for c in LETTERS if c not in spec)
    factor, off = _middle(held)
    if len(w) == 2 and x[-1] in w and out[-1] in w and x[:-1] == out[:-1] and x[-1] != out[-1]:
        turned = w[0] != x[-1]
        m, doubt = (factor.T, None if off is None else off.T) if turned else (factor, off)
        return Affine([(k, _times(m, doubt, node.inputs[k].shape, node.shape))])
    sizes = sizes_of(spec, *node.inputs)
    count = max(math.prod(sizes[c] for c in set(w) - set(kept)) for kept in (out, x))

    def forward(values: np.ndarray, by: np.ndarray) -> np.ndarray:
        return contract.ref(values, by, spec=f"{batch}{x},{w}->{batch}{out}")

    def back(rows: np.ndarray) -> np.ndarray:
        return contract.ref(rows, factor, spec=f"{batch}{out},{w}->{batch}{x}")

    size = partial(forward, by=np.abs(factor))
    doubt = None if off is None else partial(forward, by=off)
    return Affine([(k, Part(partial(forward, by=factor), back, size, doubt, count))])


def _times(m: np.ndarray, off: np.ndarray | None, of: tuple[int, ...], to: tuple[int, ...]) -> Part:
    """Rows times a matrix, known up to ``off``."""

    def by(matrix: np.ndarray, shape: tuple[int, ...], values: np.ndarray) -> np.ndarray:
        return product(values.reshape(-1, len(matrix)), matrix).reshape(len(values), *shape)

    m, back = np.ascontiguousarray(m), np.ascontiguousarray(m.T)
    doubt = None if off is None else partial(by, np.ascontiguousarray(off), to)
    return Part(partial(by, m, to), partial(by, back, of), partial(by, np.abs(m), to), doubt, max(m.shape))


def product(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """x @ m, for small matrices in blocks that BLAS does not share among threads: waiting takes longer than they do."""
    block = ALONE // m.size
    if block < FEW or len(x) <= block:
        return x @ m
    whole = len(x) // block * block
    found = np.empty((len(x), m.shape[1]))
    np.matmul(x[:whole].reshape(-1, block, len(m)), m, out=found[:whole].reshape(-1, block, m.shape[1]))
    np.matmul(x[whole:], m, out=found[whole:])
    return found


def convolved(node: Tensor, fixed: Fixed) -> Affine | None:
    """A convolution, or a transposed one, with kernels that do not vary."""
    if fixed[0] is not None or fixed[1] is None or node.op is CONVOLUTIONS[2]:
        return matrix(node, fixed)
    x, attrs = node.inputs[0], dict(node.attrs)
    attrs.pop("sizes", None)
    factor, off = _middle(fixed[1])
    other = {**attrs, "sizes": x.shape[2:]} if node.op is convolve else attrs
    transpose = convolve_input if node.op is convolve else convolve

    def many(values: np.ndarray, op: object, by: np.ndarray, shape: tuple[int, ...], how: dict) -> np.ndarray:
        flat = values.reshape(-1, *values.shape[2:])  # the images of all boxes are images of one batch
        return op.ref(flat, by, **how).reshape(len(values), *shape)  # pyright: ignore[reportAttributeAccessIssue]

    forward = partial(many, op=node.op, shape=node.shape, how=node.attrs)
    back = partial(many, op=transpose, by=factor, shape=x.shape, how=other)
    count = factor.size  # no sum has two products with the same weight
    doubt = None if off is None else partial(forward, by=off)
    return Affine([(0, Part(partial(forward, by=factor), back, partial(forward, by=np.abs(factor)), doubt, count))])


def matrix(node: Tensor, fixed: Fixed) -> Affine | None:
    """Any op that adds elements up: the matrix of its reference, if it is not too large."""
    varying = [k for k, f in enumerate(fixed) if f is None]
    if len(varying) != 1 or any(f is not None and not np.array_equal(f.low, f.high) for f in fixed):
        return None
    x = node.inputs[varying[0]]
    if x.size * node.size > MATRIX or not node.op.is_linear_in([f is None for f in fixed]):
        return None
    given = [None if f is None else f.low for f in fixed]

    def at(values: np.ndarray) -> np.ndarray:
        return np.asarray(node.op.ref(*(values if g is None else g for g in given), **node.attrs), np.float64).ravel()

    rows = np.stack([at(row.reshape(x.shape)) for row in np.eye(x.size)])
    size = np.abs(rows)
    if not np.isin(rows, (0.0, 1.0, -1.0)).all() or np.any(at(np.zeros(x.shape))):
        return None  # its own rounding is not known

    def by(m: np.ndarray, shape: tuple[int, ...], values: np.ndarray) -> np.ndarray:
        return (values.reshape(len(values), -1) @ m).reshape(len(values), *shape)

    part = Part(partial(by, rows, node.shape), partial(by, rows.T, x.shape), partial(by, size, node.shape),
                terms=max(x.size, node.size))  # fmt: skip
    return Affine([(varying[0], part)])


def divided(node: Tensor, fixed: Fixed) -> Affine | None:
    """A quotient by what does not vary, and is not 0."""
    if fixed[0] is not None or fixed[1] is None:
        return None
    w = inverse(fixed[1])
    return Affine([(0, scaled_by(w))]) if np.isfinite(w.largest).all() else None


def chosen(node: Tensor, fixed: Fixed) -> Affine | None:
    """A choice by a condition that does not vary."""
    condition = fixed[0]
    if condition is None or not np.array_equal(condition.low, condition.high):
        return None
    parts, low, high = [], np.zeros(node.shape), np.zeros(node.shape)
    for k, mask in ((1, condition.low), (2, ~condition.low)):
        held = fixed[k]
        if held is None:
            parts.append((k, _masked(mask)))
        else:
            low, high = np.where(mask, held.low, low), np.where(mask, held.high, high)
    return Affine(parts, Interval(low, high))


def cast(node: Tensor, fixed: Fixed) -> Affine | None:
    """A number stays what it is in real arithmetic."""
    floats = node.dtype.kind == node.inputs[0].dtype.kind == "f"
    return Affine([(0, SAME)]) if floats else None


def _masked(mask: np.ndarray) -> Part:
    def keep(x: np.ndarray) -> np.ndarray:
        return np.where(mask, x, 0.0)

    return Part(keep, keep, keep, apart=True)


__all__ = [
    "Fixed", "added", "cast", "chosen", "contracted", "convolved", "divided", "matrix", "moved", "multiplied", "summed",
]  # fmt: skip
