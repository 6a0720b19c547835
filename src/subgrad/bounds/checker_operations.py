"""The operations that a proof may have, for the checker of proofs: what they do with numbers over a box.

`OPERATIONS` has all of them: a rule for the values, and what is known of their signs. Of each rule it is proven: at
every point of the box its result holds what the operation gives for the values that its inputs hold there. Conditions
are True, False, or None where both may be; integers are places in tensors.
"""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false, reportIndexIssue=false
import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from flint import arb

if __package__:
    from subgrad.bounds import checker_numbers as numbers
else:  # the checker is run by its path
    import checker_numbers as numbers

bell, monotone, sigmoid, softplus = numbers.bell, numbers.monotone, numbers.sigmoid, numbers.softplus
each, filled, real, shape_of = numbers.each, numbers.filled, numbers.real, numbers.shape_of
understood, whole, wholes = numbers.understood, numbers.whole, numbers.wholes


def constant(value):
    """A number among the attributes of a node."""
    return arb(real(value, infinite=True))


# Conditions


def less(graph, x, y):
    """x < y: whether y - x is positive. It is not where x is never negative and y is at most 0."""
    never_negative = graph.positives[0]

    def positive(v, end):
        z = graph.range(v)
        if z > 0:
            return True
        return False if z <= 0 or (never_negative and graph.range(end) <= 0) else None

    return each(positive, add(graph, y, neg(graph, x)), y)


def isfinite(graph, x):
    """Whether x is finite; it may not be where its range is not."""
    return each(lambda v: True if graph.range(v).is_finite() else None, x)


def logical_not(graph, c):
    """Not c."""
    return each(lambda v: None if v is None else not v, c)


def logical_and(graph, c, d):
    """c and d: False if one of them is, whatever the other."""

    def both(v, w):
        if v is False or w is False:
            return False
        return None if v is None or w is None else v & w

    return each(both, c, d)


def where(graph, c, x, y):
    """x where c holds, y elsewhere; the ranges of both where that is not known."""

    def chosen(v, a, b):
        understood(v is None or type(v) is bool, "a number in the place of a condition")
        if v is None:
            return graph.row(graph.range(a).union(graph.range(b)))
        return a if v else b

    return each(chosen, c, x, y)


# Operations on numbers


class Curve(NamedTuple):
    """A smooth function of one number.

    Attributes:
        value: of a ball, all values of the function on it.
        first, second: the derivatives, as functions of a ball z and of the function's value y there.
    """

    value: Callable
    first: Callable
    second: Callable

    def __call__(self, graph, x):
        return each(lambda v: graph.curve(v, *self), x)


RECIPROCAL = Curve(lambda z: 1 / z, lambda z, y: -y * y, lambda z, y: 2 * y * y * y)


def full(graph, shape, value, dtype):
    """One number everywhere; NaN, in the branch of a `where` that is not taken, is nothing that is bounded."""
    return filled(shape_of(shape), arb.nan() if value == "nan" else constant(value))


def add(graph, x, y):
    """x + y."""
    return each(graph.sum, x, y)


def neg(graph, x):
    """-x."""
    return each(lambda v: graph.times(v, -1), x)


def mul(graph, x, y):
    """x y."""
    return each(graph.product, x, y)


def div(graph, x, y):
    """x / y."""
    return mul(graph, x, RECIPROCAL(graph, y))


def relu(graph, x):
    """max(x, 0)."""
    return each(graph.relu, x)


def maximum(graph, x, y):
    """max(x, y)."""
    return each(graph.larger, x, y)


def magnitude(graph, x):
    """\\|x\\| = max(x, -x)."""
    return each(graph.magnitude, x)


def power(graph, x, p):
    """x^p."""
    exponent, positive = real(p), graph.positives[0]
    return each(lambda v: graph.power(v, exponent, positive), x)


@monotone
def cut_off(v):
    """v without its fraction."""
    return v.floor() if v >= 0 else v.ceil()


def cast(graph, x, dtype):
    """Integers are cut off towards 0; other dtypes change no number here."""
    understood(dtype in ("float32", "float64", "int32", "int64", "uint8"), "a dtype")

    def converted(v):
        if dtype.startswith("float"):
            return graph.row(v)
        return v if isinstance(v, int) else graph.row(cut_off(graph.range(v)))

    return each(converted, x)


def floor(graph, x):
    """The largest whole number that is not above x: the one that the range has, or x less a fraction."""

    def below(v):
        if isinstance(v, int):
            return v
        low, high = graph.range(v).lower().floor(), graph.range(v).upper().floor()
        return graph.row(low) if low == high else graph.sum(v, arb(-0.5, 0.5))

    return each(below, x)


def summed(graph, x, axis, keepdims):
    """The sum over some axes; 0 of no numbers. Conditions count those that hold."""
    axes, x = wholes(axis), numbers.counted(x)
    kept = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
    rest = [i for i in range(x.ndim) if i not in axes]
    rows = x.transpose([*axes, *rest]).reshape(-1 if x.size else 0, *(x.shape[i] for i in rest))
    parts = [rows[i : i + 1] for i in range(len(rows))] or [filled((1, *rows.shape[1:]), arb(0))]
    return functools.reduce(functools.partial(add, graph), parts).reshape(kept)


def cumsum(graph, x, axis, reverse):
    """Sums of all elements up to each along an axis, or from each on."""
    direction = -1 if reverse else 1
    rows = np.moveaxis(x, whole(axis), 0)[::direction].copy()
    for i in range(1, len(rows)):
        rows[i : i + 1] = add(graph, rows[i - 1 : i], rows[i : i + 1])
    return np.moveaxis(rows[::direction], 0, axis)


def contract(graph, x, y, spec):
    """Sums of products, as Einstein writes them: both over all letters, the product, the sum over those not wanted."""
    terms, out = spec.split("->")
    first, second = terms.split(",")
    every = out + "".join(dict.fromkeys(c for c in terms if c.isalpha() and c not in out))
    sizes = {**dict(zip(first, x.shape, strict=True)), **dict(zip(second, y.shape, strict=True))}
    shape = shape_of([sizes[c] for c in every])

    def over_all(v, letters):
        ordered = v.transpose([letters.index(c) for c in every if c in letters])
        return np.broadcast_to(ordered.reshape([sizes[c] if c in letters else 1 for c in every]), shape)

    products = mul(graph, over_all(x, first), over_all(y, second))
    return summed(graph, products, list(range(len(out), len(every))), False)


# Operations that only move


def reshape(graph, x, shape):
    """The same elements in another shape."""
    return x.reshape(shape_of(shape))


def transpose(graph, x, axes):
    """The axes in another order."""
    return x.transpose(wholes(axes))


def broadcast_to(graph, x, shape):
    """Elements repeated."""
    return np.broadcast_to(x, shape_of(shape))


def sliced(graph, x, steps):
    """Part of the elements."""
    return x[tuple(slice(*s) for s in steps)]


def concatenate(graph, *x, axis):
    """Tensors one after the other."""
    return np.concatenate(x, whole(axis))


def pad(graph, x, widths, value):
    """A number around x."""
    widths = [wholes(w) for w in widths]
    shape = shape_of([before + n + after for (before, after), n in zip(widths, x.shape, strict=True)])
    found = filled(shape, constant(value))
    found[tuple(slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))] = x
    return found


def placed(graph, x, steps, shape):
    """x at its place among zeros."""
    found = filled(shape_of(shape), arb(0))
    at = tuple(slice(*s) for s in steps)
    understood(found[at].shape == x.shape, "a place")
    found[at] = x
    return found


def places(shape, indices, axes):
    """Where in a tensor of a shape integers point to, as a key of NumPy's."""
    key = [slice(None)] * len(shape)
    for axis, index in zip(wholes(axes), indices, strict=True):
        for i in index.ravel():
            understood(type(i) is int and -shape[axis] <= i < shape[axis], "an index")
        key[axis] = index.astype(np.int64)
    shape_of([index.size, *(n for k, n in zip(key, shape, strict=True) if isinstance(k, slice))])
    return tuple(key)


def gather(graph, x, *indices, axes):
    """The elements that integers point to."""
    return x[places(x.shape, indices, axes)]


def scatter_add(graph, x, *indices, axes, shape):
    """x added up at the places that integers point to."""
    found = filled(shape_of(shape), arb(0))
    at = np.arange(found.size).reshape(found.shape)[places(found.shape, indices, axes)]
    understood(at.shape == x.shape, "a place")
    flat = found.ravel()
    for place, v in zip(at.ravel(), x.ravel(), strict=True):
        flat[place] = graph.sum(flat[place], v)
    return flat.reshape(found.shape)


def slide(graph, x, axes, sizes, strides, dilations):
    """Windows over some axes: each becomes one of the windows' places and one inside of them."""
    how = zip(wholes(axes), wholes(sizes, 1), wholes(strides, 1), wholes(dilations, 1), strict=True)
    for axis, size, stride, dilation in sorted(how, reverse=True):
        count = (x.shape[axis] - (size - 1) * dilation - 1) // stride + 1
        understood(count > 0, "a window")
        shape_of([x.size // x.shape[axis], count, size])
        x = np.take(x, np.arange(count)[:, None] * stride + np.arange(size) * dilation, axis)
    return x


# Signs: whether no number of a node is negative, from the node and from what is known of its inputs


def unknown(node, inputs):
    """Some may be."""
    return False


def never(node, inputs):
    """A square, an exponential, a magnitude."""
    return True


def if_all(node, inputs):
    """None is where none of the inputs' is: sums, products, and what only moves elements."""
    return all(inputs)


def if_any(node, inputs):
    """The larger of two numbers."""
    return any(inputs)


def if_all_and_value(node, inputs):
    """A number of the node's own, perhaps around others."""
    value = node["attrs"]["value"]
    return value != "nan" and real(value, infinite=True) >= 0 and all(inputs)


def of_product(node, inputs):
    """A product is a square if both factors are one node."""
    return len(set(node["inputs"])) == 1 or all(inputs)


def of_contraction(node, inputs):
    """It sums squares if both factors are one node with the same letters."""
    terms = node["attrs"]["spec"].split("->")[0].split(",")
    squares = len(terms) == 2 and terms[0] == terms[1] and len(set(node["inputs"])) == 1
    return squares or all(inputs)


def of_power(node, inputs):
    """An even power is not negative, whatever it is of."""
    return node["attrs"]["p"] % 2 == 0 or all(inputs)


class Operation(NamedTuple):
    """What the checker knows of an operation.

    Attributes:
        rule: ``rule(graph, *inputs, **attributes)``: the values of a node over the graph's box.
        sign: ``sign(node, inputs)``: whether no number of the node is negative, given that of each input.
    """

    rule: Callable
    sign: Callable = unknown


OPERATIONS = {
    "point": Operation(lambda graph: graph.point),
    "constant": Operation(lambda graph, name: graph.fixed[name]),
    "full": Operation(full, if_all_and_value),
    "exp": Operation(Curve(monotone(arb.exp), lambda z, y: y, lambda z, y: y), never),
    "log": Operation(Curve(monotone(arb.log), lambda z, y: 1 / z, lambda z, y: -1 / z / z)),
    "sin": Operation(Curve(arb.sin, lambda z, y: z.cos(), lambda z, y: -y)),
    "cos": Operation(Curve(arb.cos, lambda z, y: -z.sin(), lambda z, y: -y)),
    "tanh": Operation(Curve(monotone(arb.tanh), lambda z, y: 1 - y * y, lambda z, y: -2 * y * (1 - y * y))),
    "sigmoid": Operation(Curve(sigmoid, lambda z, y: y * (1 - y), lambda z, y: y * (1 - y) * (1 - 2 * y)), never),
    "softplus": Operation(Curve(softplus, lambda z, y: sigmoid(z), lambda z, y: sigmoid(z) * sigmoid(-z)), never),
    "erf": Operation(Curve(monotone(arb.erf), lambda z, y: bell(z), lambda z, y: -2 * z * bell(z))),
    "inverse": Operation(RECIPROCAL),
    "add": Operation(add, if_all),
    "neg": Operation(neg),
    "mul": Operation(mul, of_product),
    "div": Operation(div, if_all),
    "power": Operation(power, of_power),
    "relu": Operation(relu, never),
    "abs": Operation(magnitude, never),
    "maximum": Operation(maximum, if_any),
    "cast": Operation(cast, if_all),
    "floor": Operation(floor, if_all),
    "less": Operation(less),
    "isfinite": Operation(isfinite),
    "logical_not": Operation(logical_not),
    "logical_and": Operation(logical_and),
    "where": Operation(where),
    "sum": Operation(summed, if_all),
    "cumsum": Operation(cumsum, if_all),
    "contract": Operation(contract, of_contraction),
    "reshape": Operation(reshape, if_all),
    "transpose": Operation(transpose, if_all),
    "broadcast_to": Operation(broadcast_to, if_all),
    "slice": Operation(sliced, if_all),
    "concatenate": Operation(concatenate, if_all),
    "pad": Operation(pad, if_all_and_value),
    "place": Operation(placed, if_all),
    "gather": Operation(gather, if_all),
    "scatter_add": Operation(scatter_add, if_all),
    "slide": Operation(slide, if_all),
}
"""All operations that a proof may have."""
