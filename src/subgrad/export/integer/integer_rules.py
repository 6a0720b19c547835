"""The registry's transform to integers of 8 bits: a rule makes of a node of floats codes or sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from subgrad import ops
from subgrad.compile.passes.batch_innermost import aligned, lengths, terms
from subgrad.errors import ArgumentError
from subgrad.export.integer.fixed_point import (
    CODES,
    Codes,
    Sums,
    added,
    as_sums,
    compact,
    grid_in,
    grid_of,
    looked_up,
    on_grid,
    requantized,
    signed,
    signed_bytes,
)  # fmt: skip
from subgrad.export.routine import Grid
from subgrad.graph.op import TABLE, Kind, again
from subgrad.graph.tensor import Tensor, as_tensor, constant
from subgrad.graph.transform import Transform
from subgrad.intervals.arithmetic import exactly
from subgrad.intervals.interval_rules import has_interval, interval_of
from subgrad.ops import indexing
from subgrad.ops.shape import cast

Number = Codes | Sums | np.ndarray
"""What a float tensor is here; arrays are those that do not depend on what the network is given."""

LARGEST_WEIGHT = 127


@dataclass
class At:
    """A node, what its inputs are, and the numbers that tensors had in calibration, from least to largest; whether
    errors are those of inputs with which all numbers stay ``inside`` of these ranges; and who reads a tensor."""

    node: Tensor
    inputs: Sequence[Number]
    ranges: Mapping[Tensor, tuple[float, float]]
    inside: bool
    readers: Callable[[Tensor], Sequence[Tensor]]

    @property
    def largest_alone(self) -> bool:
        """Whether nothing is made of the result but the largest of its elements, at other places perhaps."""
        found, left = True, [self.node]
        while left and found:
            readers = self.readers(left.pop())
            left += [r for r in readers if r.op.kind is Kind.VIEW]
            found = bool(readers) and all(r.op is ops.max or r.op.kind is Kind.VIEW for r in readers)
        return found

    @property
    def moving(self) -> list[int]:
        """The inputs that depend on what the network is given."""
        return [k for k, x in enumerate(self.inputs) if not isinstance(x, np.ndarray)]

    def codes(self, k: int) -> Codes:
        """Input k as codes of any numbers."""
        x = self.inputs[k]
        assert not isinstance(x, np.ndarray)
        return x if isinstance(x, Codes) else self.requantized(x, self.grid(self.node.inputs[k]))

    def gridded(self, k: int) -> Codes:
        """Input k as codes on a grid."""
        x = self.codes(k)
        return x if x.grid is not None else looked_up(x, self.grid(self.node.inputs[k]))

    def sums(self, k: int) -> Sums:
        """Input k as sums."""
        x = self.inputs[k]
        return x if isinstance(x, Sums) else as_sums(self.gridded(k))

    def array(self, k: int) -> np.ndarray:
        x = self.inputs[k]
        assert isinstance(x, np.ndarray)
        return x

    def grid(self, node: Tensor | None = None) -> Grid:
        """The grid for what a tensor had in calibration."""
        return grid_of(*self.ranges[self.node if node is None else node])

    def requantized(self, x: Sums, grid: Grid, positive: bool = False) -> Codes:
        return requantized(x, grid, positive, self.inside)

    def refused(self, why: str) -> ArgumentError:
        return ArgumentError(f"int8: {self.node.op.name} of {self.node.scope or self.node.site} {why}")


Rule = Callable[[At], Number]


def gridded(x: Codes, grid: Grid) -> Codes:
    """Codes on a grid: on their own, if they have one."""
    return x if x.grid is not None else looked_up(x, grid)


# Sums of products


def _contract(at: At) -> Number:
    if len(at.moving) != 1:
        raise at.refused("multiplies two tensors that both depend on the input: one has to be weights")
    (k,) = at.moving
    x, weights = at.gridded(k), at.array(1 - k)
    assert x.grid is not None
    letters = terms(at.node)
    given, mine, out = letters[k], letters[1 - k], letters[2]
    summed = [c for c in given if c not in out]
    axes = tuple(i for i, c in enumerate(mine) if c not in out)
    scale = np.abs(weights).max(axis=axes, keepdims=True, initial=0) / LARGEST_WEIGHT
    scale = np.where(scale > 0, scale, 1.0)
    whole = np.rint(weights / scale)
    lost = np.abs(weights - scale * whole)
    sizes = lengths(at.node)
    innermost = sorted(summed, key=sizes.__getitem__)  # the longest: its loop is the one that is written out
    order = [*(c for c in out if c not in mine), *innermost, *(c for c in out if c in mine)]
    own = [c for c in order if c in mine]
    kernel = signed_bytes(whole.transpose([mine.index(c) for c in own]))
    products = ops.mul(
        cast(aligned(x.node, given, order, sizes), "int32"), signed(aligned(kernel, "".join(own), order, sizes))
    )
    total = ops.sum(products, [order.index(c) for c in summed], dtype="int32")
    made = [c for c in order if c in out]
    node = ops.transpose(total, [made.index(c) for c in out])

    def channels(a: np.ndarray) -> np.ndarray:
        """What there is for each channel, as it broadcasts to the result."""
        mine_left = [c for c in mine if c in out]
        a = a.reshape([sizes[c] for c in mine_left]).transpose([mine_left.index(c) for c in out if c in mine_left])
        return a.reshape([sizes[c] if c in mine_left else 1 for c in out])

    unit = channels(scale) * x.grid.scale
    zeros = channels(whole.sum(axes)) * x.grid.zero
    error = channels(np.abs(weights).sum(axes)) * x.error + channels(lost.sum(axes)) * np.abs(x.values).max()
    low, high = (channels(f(whole, 0).sum(axes)) * 255.0 for f in (np.minimum, np.maximum))
    factors = x.whole, constant(whole)
    in_real = again(at.node, factors if k == 0 else factors[::-1])
    return Sums(node, in_real, unit, -unit * zeros, low, high, error)


def _sum(at: At) -> Number:
    x = at.gridded(0)
    assert x.grid is not None
    n = x.node.size // max(1, at.node.size)
    node = ops.sum(x.node, at.node.attrs["axis"], at.node.attrs["keepdims"], dtype="int32")
    one = np.ones((1,) * at.node.ndim)
    scale, zero = x.grid
    in_real = again(at.node, (x.whole,))
    return Sums(node, in_real, scale * one, -scale * zero * n * one, 0 * one, 255.0 * n * one, n * x.error * one)


# Elementwise functions


def _function(at: At) -> Number:
    """A function of one tensor, element by element: of each of its 256 codes."""
    found = [at.codes(k) for k in at.moving]
    constants = {k: compact(x) for k, x in enumerate(at.inputs) if isinstance(x, np.ndarray)}
    if any(c.node is not found[0].node for c in found) or any(x.size != 1 for x in constants.values()):
        raise at.refused("takes several tensors that depend on the input, or constants that differ by elements")
    if not has_interval(at.node.op):
        raise at.refused("has no rule for int8")
    taken = dict(zip(at.moving, found, strict=True))
    real = [taken[k].real if k in taken else exactly(np.full(256, constants[k].item())) for k in range(len(at.inputs))]
    points = [taken[k].values if k in taken else np.full(256, constants[k].item()) for k in range(len(at.inputs))]
    with np.errstate(all="ignore"):
        nodes = [as_tensor(p.astype(i.dtype)) for p, i in zip(points, at.node.inputs, strict=True)]
        one = again(at.node, tuple(nodes))
        values = np.asarray(at.node.op.ref(*points, **at.node.attrs))
        bounds = interval_of(one, dict(zip(nodes, real, strict=True)))
    if values.shape != CODES.shape:
        raise at.refused("is no function of one number")
    grid = grid_in(values)
    inputs = [taken[k].number if k in taken else constant(at.array(k)) for k in range(len(at.inputs))]
    return Codes(
        found[0].node, found[0].whole, values, bounds, grid, again(at.node, tuple(inputs)) if grid is None else None
    )


def _relu(at: At) -> Number:
    """What is below 0 is cut off with what no code stands for."""
    x = at.inputs[0]
    return at.requantized(x, at.grid(), positive=True) if isinstance(x, Sums) else _function(at)


def _linear(rule: Callable[[At, int, Sums], Sums]) -> Rule:
    """Sums, scaled and moved by constants; codes stay codes where one constant is for all."""

    def found(at: At) -> Number:
        if len(at.moving) != 1:
            return _function(at)
        (k,) = at.moving
        constants = [compact(x) for x in at.inputs if isinstance(x, np.ndarray)]
        if isinstance(at.inputs[k], Codes) and all(c.size == 1 for c in constants):
            return _function(at)
        return rule(at, k, at.sums(k))

    return found


def _added(sign: int) -> Rule:
    """x + y, or x - y."""

    def shifted(at: At, k: int, x: Sums) -> Sums:
        c = compact(at.array(1 - k))
        x = _scaled(x, np.full((1,) * x.node.ndim, float(sign))) if k else x
        return replace(x, bias=x.bias + (c if k else sign * c))

    def found(at: At) -> Number:
        if len(at.moving) == 1:
            return _linear(shifted)(at)
        a, b = at.inputs
        if isinstance(a, Codes) and isinstance(b, Codes) and a.node is b.node:
            return _function(at)
        b = at.sums(1)
        return added(at.sums(0), b if sign > 0 else _scaled(b, np.full((1,) * b.node.ndim, -1.0)))

    return found


def _scaled(x: Sums, c: np.ndarray) -> Sums:
    return replace(x, scale=x.scale * c, bias=x.bias * c, error=x.error * np.abs(c))


def _divided(at: At, k: int, x: Sums) -> Sums:
    if k:
        raise at.refused("divides by sums: expected a constant")
    return _scaled(x, 1 / compact(at.array(1)))


# Moves


def _moved(at: At) -> Number:
    """Elements at other places; places of a look-up are constants."""
    if at.moving != [0]:
        raise at.refused("reads places that depend on the input")
    x = at.inputs[0]
    constants = [at.array(k) for k in range(1, len(at.inputs))]

    def moved(t: Tensor) -> Tensor:
        return again(at.node, (t, *map(as_tensor, constants)))

    if isinstance(x, Codes):
        return x.moved(moved)
    assert isinstance(x, Sums)
    return x.moved(moved, lambda a: at.node.op.ref(a, *constants, **at.node.attrs))


def _padded(at: At) -> Number:
    """What is around images stays below all numbers for a pooling of the largest, of which one at least is a number."""
    x = at.gridded(0)
    assert x.grid is not None
    (scale, zero), value = x.grid, at.node.attrs["value"]
    if value == -math.inf and scale > 0 and at.largest_alone:
        code = 0
    else:
        code = round(max(-256, min(value / scale, 256))) + zero
        if not 0 <= code <= 255 or abs(scale * (code - zero) - value) > 1e-9 * abs(scale):
            raise at.refused(f"puts {value:g} around numbers, which is none of their codes")
    return x.moved(lambda t: ops.pad(t, at.node.attrs["widths"], code))


def _extreme(at: At) -> Number:
    x = at.gridded(0)
    assert x.grid is not None
    if x.grid.scale < 0:
        raise at.refused("is of codes that fall")
    return x.moved(lambda t: again(at.node, (t,)))


def _concatenated(at: At) -> Number:
    """All parts on one grid: that of what they become."""
    grid, parts = at.grid(), []
    for k, x in enumerate(at.inputs):
        if isinstance(x, np.ndarray):
            raise at.refused("joins constants to numbers that depend on the input")
        part = at.requantized(x, grid) if isinstance(x, Sums) else x if x.grid == grid else looked_up(at.codes(k), grid)
        parts.append(part)
    node, whole = (again(at.node, tuple(each)) for each in zip(*((p.node, p.whole) for p in parts), strict=True))
    return on_grid(node, whole, grid, max(p.error for p in parts))


def _converted(at: At) -> Number:
    if at.node.dtype.kind != "f":
        return _function(at)
    x = at.inputs[0]
    assert not isinstance(x, np.ndarray)
    return x


INTEGER: Transform[Rule] = Transform(
    "int8",
    "codes of 8 bits and sums of them, for microcontrollers",
    {
        ops.contract: _contract,
        ops.sum: _sum,
        ops.relu: _relu,
        ops.add: _added(1),
        ops.sub: _added(-1),
        ops.mul: _linear(lambda at, k, x: _scaled(x, compact(at.array(1 - k)))),
        ops.scale: _linear(lambda at, k, x: _scaled(x, compact(at.array(1 - k)))),
        ops.div: _linear(_divided),
        ops.neg: _linear(lambda at, k, x: _scaled(x, -np.ones((1,) * x.node.ndim))),
        ops.max: _extreme,
        ops.min: _extreme,
        ops.pad: _padded,
        ops.concatenate: _concatenated,
        indexing.slice_: _moved,
        indexing.gather: _moved,
        cast: _converted,
    },
    by_kind={Kind.VIEW: _moved, Kind.ELEMENTWISE: _function, Kind.CHOICE: _function},
)
INTEGER.unsupported.update({op: "not known in 8 bits" for op in TABLE.values() if INTEGER.way(op) == "none"})


def number(at: At) -> Number:
    """What a node becomes, by its rule."""
    rule = INTEGER.get(at.node.op)
    if rule is None:
        raise at.refused("has no rule for int8")
    return rule(at)


__all__ = ["INTEGER", "At", "Number", "gridded", "number"]
