"""Roots of squares rewritten: sqrt(x^2) becomes \\|x\\|, sqrt(sum x^2) a norm.

At 0 the root has an infinite slope and the square has slope 0, so the chain rule gives no derivative of both.
The identities hold for all real numbers, so values, slopes and kinks are those of the function as it was written.
"""

from __future__ import annotations

from fractions import Fraction

from subgrad import ops
from subgrad.graph import source_location
from subgrad.graph.op import TABLE, apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor

Power = tuple[Tensor, float]
"""v and r, for a number that is \\|v\\|^r."""


def without_roots(output: Tensor) -> Tensor:
    """The graph of ``output`` with absolute values, their powers and norms in the place of roots of squares."""
    new: dict[Tensor, Tensor] = {}
    for node in toposort([output]):
        inputs = tuple(new[i] for i in node.inputs)
        with source_location.inherit(node.site, node.scope):
            found = _plainer(node, inputs)
            if found is None:
                same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
                found = node if same else apply(node.op, inputs, node.attrs)
        new[node] = found
    return new[output]


def _plainer(node: Tensor, inputs: tuple[Tensor, ...]) -> Tensor | None:
    """A root of a power, or of a sum of squares, in another form; None for anything else."""
    exponent = _root(node)
    if exponent is None:
        return None
    (x,) = inputs
    length = _length(x)
    v, r = (length, 2.0) if length is not None else _as_power(x)
    total = _product(r, exponent)
    return None if v is x or total is None or total < 1 else _power(v, total)


def _root(node: Tensor) -> float | None:
    """The exponent of a root or of a power with a fraction."""
    if node.op is ops.sqrt:
        return 0.5
    p = node.attrs["p"] if node.op is TABLE["power"] else 1.0
    return p if p > 0 and p % 1 else None


def _as_power(x: Tensor) -> Power:
    """v and r such that x is \\|v\\|^r; x itself and 1 if there are none."""
    r = 1.0
    while (exponent := _even(x)) is not None:
        total = _product(r, exponent)
        if total is None:
            break
        x, r = x.inputs[0], total
    return x, r


def _even(x: Tensor) -> float | None:
    """p, if x is \\|v\\|^p of its first input v."""
    if x.op is ops.abs:
        return 1.0
    if x.op is ops.square or (x.op is ops.mul and x.inputs[0] is x.inputs[1]):
        return 2.0
    p = x.attrs["p"] if x.op is TABLE["power"] else 0.0
    return p if p > 0 and (p % 2 == 0 or x.inputs[0].op is ops.norm or _even(x.inputs[0]) is not None) else None


def _product(p: float, q: float) -> float | None:
    """p times q; None if that is rounded, and the exponent of another function."""
    return p * q if Fraction(p) * Fraction(q) == Fraction(p * q) else None


def _length(x: Tensor) -> Tensor | None:
    """The norm whose square x is, if x is a sum of squares."""
    if x.op is not ops.sum:
        return None
    v, r = _as_power(x.inputs[0])
    return ops.norm(v, x.attrs["axis"], x.attrs["keepdims"]) if r == 2 else None


def _power(v: Tensor, r: float) -> Tensor:
    """\\|v\\|^r, r being at least 1."""
    size = v if v.op is ops.norm or r % 2 == 0 else ops.abs(v)
    return ops.pow(size, r)


__all__ = ["without_roots"]
