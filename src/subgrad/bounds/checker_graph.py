"""The graph of a proof, for the checker of proofs: which operations there are, and what they do with balls of Arb.

A number that varies over a box is a row: its value at the middle, as a ball that also holds what is not linear, then
its slopes; one that does not vary is a ball. Functions are expanded to second order, unlike in the prover. Conditions
are True, False, or None where both may be; integers are places in tensors.
"""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false, reportIndexIssue=false
import functools
import hashlib
import json
import math

import numpy as np
from flint import arb, arb_mat, ctx

try:
    from subgrad.errors import FileError
except ImportError:  # the checker runs by itself as well
    FileError = ValueError

ctx.prec, LARGEST = 100, 2**24  # bits; how many numbers the graph of a proof may have

# A function that rises or falls, by the ends of a ball: Arb's exp or cosh of a wide one is infinite or NaN.
MONOTONE = lambda f: lambda z: f(z.lower()).union(f(z.upper()))  # noqa: E731
SOFTPLUS = MONOTONE(lambda z: z.max(0) + (-abs(z)).exp().log1p())
SIGMOID = MONOTONE(lambda z: 1 / (1 + (-z).exp()))
BELL = lambda z: 2 / arb.pi().sqrt() * (-z.abs_lower() ** 2).exp().union((-z.abs_upper() ** 2).exp())  # noqa: E731
CURVES = {  # a function; its first and its second derivative, as functions of z and of its value y there
    "exp": (MONOTONE(arb.exp), lambda z, y: y, lambda z, y: y),
    "log": (MONOTONE(arb.log), lambda z, y: 1 / z, lambda z, y: -1 / z / z),
    "sin": (arb.sin, lambda z, y: z.cos(), lambda z, y: -y),
    "cos": (arb.cos, lambda z, y: -z.sin(), lambda z, y: -y),
    "tanh": (MONOTONE(arb.tanh), lambda z, y: 1 - y * y, lambda z, y: -2 * y * (1 - y * y)),
    "sigmoid": (SIGMOID, lambda z, y: y * (1 - y), lambda z, y: y * (1 - y) * (1 - 2 * y)),
    "softplus": (SOFTPLUS, lambda z, y: SIGMOID(z), lambda z, y: SIGMOID(z) * SIGMOID(-z)),
    "erf": (MONOTONE(arb.erf), lambda z, y: BELL(z), lambda z, y: -2 * z * BELL(z)),
    "inverse": (lambda z: 1 / z, lambda z, y: -y * y, lambda z, y: 2 * y * y * y),
}


class CheckFailed(FileError):
    """The proof does not show what it claims, or has something that this checker does not understand."""


def require(condition, otherwise):
    if not condition:
        raise CheckFailed(f"not proven: {otherwise}")


def understood(condition, what):
    if not condition:
        raise ValueError(f"{what} is not what a proof has there")


def names(given, *wanted):
    understood(type(given) is dict and set(given) == set(wanted), f"a record without just {', '.join(wanted)}")


def real(value, infinite=False):
    """A number of the file; an infinite one is a word."""
    if infinite and value in ("inf", "-inf"):
        return float(value)
    understood(type(value) in (int, float) and math.isfinite(value) and float(value) == value, "a number")
    return float(value)


def whole(value, least=0):
    understood(type(value) is int and value >= least, "an integer")
    return value


def wholes(values, least=0):
    understood(type(values) is list, "a list of integers")
    return tuple(whole(v, least) for v in values)


def shape_of(values):
    found = wholes(values)
    understood(math.prod(found) <= LARGEST, "a size")
    return found


class Numbers:
    """Arithmetic with rows, on the box with the half sides ``deltas``, a column under a 1."""

    deltas: arb_mat

    def row(self, x):
        if isinstance(x, arb_mat):
            return x
        understood(isinstance(x, (arb, int)) and not isinstance(x, bool), "a condition in the place of a number")
        return arb_mat([[x, *[0] * (self.deltas.nrows() - 1)]])

    def range(self, x): return x if isinstance(x, arb) else (self.row(x) * self.deltas)[0, 0]

    def line(self, x, slope, at, value):
        """slope (x - at) + value."""
        found = x * slope
        found[0, 0] = (x[0, 0] - at) * slope + value
        return found

    def curve(self, x, f, first, second):
        """f(t) + f'(t) (x - t) + f''(range) (x - t)^2 / 2, or the range of f where that says more."""
        x, z = self.row(x), self.range(x)
        t, whole = x[0, 0].mid(), f(z)
        rest = second(z, whole) * arb(0).union((z - t).abs_upper() * (z - t).abs_upper()) / 2
        line = self.line(x, first(t, f(t)), t, f(t) + rest)
        return line if rest.is_finite() and self.range(line).rad() <= 2 * whole.rad() else self.row(whole)

    def relu(self, x):
        x, low, high = self.row(x), self.range(x).lower(), self.range(x).upper()
        if low >= 0 or high <= 0:
            return x if low >= 0 else self.row(arb(0))
        slope = (high / (high - low)).mid()  # the chord's
        return self.line(x, slope, 0, arb(0).union(-slope * low).union((1 - slope) * high))

    def larger(self, x, y):
        z, w = self.range(x), self.range(y)
        return x if z >= w else y if w >= z else self.sum(x, self.relu(self.sum(y, self.times(x, -1))))

    def sum(self, x, y):
        return x + y if isinstance(x, arb) and isinstance(y, arb) else self.row(x) + self.row(y)

    def times(self, x, factor): return x * factor if isinstance(x, arb) else self.row(x) * factor

    def product(self, x, y):
        """The product of two numbers; all but its linear part goes into the ball."""
        if not (isinstance(x, arb_mat) and isinstance(y, arb_mat)):
            x, y = (x, y) if isinstance(x, arb_mat) else (y, x)
            understood(not isinstance(y, bool) and y is not None, "a condition in the place of a number")
            return self.times(x, y)
        a, b = x[0, 0].mid(), y[0, 0].mid()
        off, away, found = self.range(x) - a, self.range(y) - b, x * b + y * a
        found[0, 0] += (off * away if x is not y else arb(0).union(off.abs_upper() * off.abs_upper())) - a * b
        return found

    def power(self, x, p, positive):
        """x to the power of p; where it is known to be ``positive`` or 0, its range is taken from 0 on."""
        if p in (0, 1):
            return x if p else self.row(arb(1))
        exact = int(p) if p == int(p) else arb(p)

        def to(k):
            """z to the power of p - k, by its ends and 0: it rises or falls on either side of 0."""
            q = exact - k

            def f(z):
                low, high = z.lower().max(0) if positive else z.lower(), z.upper()
                if not isinstance(q, int):
                    ends = [arb(0) if v == 0 and p > k else v**q if v > 0 else arb.nan() for v in (low, high)]
                elif q < 0 and not (low > 0 or high < 0):
                    return arb.nan()
                else:
                    ends = [low**q, high**q, *([arb(0)] if q > 0 and low < 0 < high else [])]
                return functools.reduce(arb.union, ends)

            return f

        p = arb(p)
        return self.curve(x, to(0), lambda z, y: p * to(1)(z), lambda z, y: p * (p - 1) * to(2)(z))


def each(f, *arrays):
    """f of the elements of arrays of one shape, as an array of objects."""
    understood(len({a.shape for a in arrays}) == 1, "an operation on tensors of several shapes")
    return np.frompyfunc(f, len(arrays), 1)(*arrays, out=np.empty(arrays[0].shape, object))


def element(v):
    """A number, an integer that counts as a place, or a condition."""
    return bool(v) if isinstance(v, (bool, np.bool_)) else int(v) if isinstance(v, (int, np.integer)) else arb(float(v))


def filled(shape, value):
    found = np.empty(shape, object)
    found.fill(value)
    return found


NEVER_NEGATIVE = {"exp", "relu", "abs", "softplus", "sigmoid"}
KEEP_SIGNS = {"reshape", "transpose", "broadcast_to", "slice", "place", "gather", "scatter_add", "slide", "concatenate",
              "sum", "cumsum", "add", "mul", "contract", "div", "power", "cast"}  # fmt: skip


class Graph(Numbers):
    """The operations; each rule is a method ``op_name`` of the values of the inputs, and of attributes by name."""

    def __init__(self, nodes, data, box):
        understood(type(nodes) is list and nodes, "the graph")
        self.nodes, self.box, self.signs, self.digests, constants = nodes, box, [], [], set()
        for k, node in enumerate(nodes):
            names(node, "op", "attrs", "inputs")
            op, attrs = node["op"], node["attrs"]
            understood(type(op) is str and type(attrs) is dict and type(node["inputs"]) is list, "a node")
            require(op in CURVES or hasattr(self, f"op_{op}"), f"this checker does not know the operation {op[:40]!r}")
            understood(op not in CURVES or (len(node["inputs"]) == 1 and not attrs), f"an operation {op}")
            understood(all(whole(i) < k for i in node["inputs"]), "an input of a node")
            array = data[attrs["name"]] if op == "constant" else None
            constants |= {attrs["name"]} if op == "constant" else set()
            self.signs.append(self.never_negative(node, array))
            self.digests.append(self.digest(node, array))
        understood(constants == set(data), "an array that no node uses")
        for array in data.values():
            understood(array.dtype.kind in "fiub" and array.size <= LARGEST and np.isfinite(array).all(), "an array")
        self.fixed = {name: each(element, array) for name, array in data.items()}

    def place(self, k):
        understood(whole(k) < len(self.nodes), "a node of a claim")
        return k

    def digest(self, node, array):
        """A name that only the same function of the point has."""
        own = [array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).hexdigest()] if array is not None else []
        parts = [node["op"], own or node["attrs"], [self.digests[i] for i in node["inputs"]]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def never_negative(self, node, array):
        """Whether no number of a node is negative, whatever the point, so that roots of them are known down to 0."""
        op, inputs = node["op"], [self.signs[i] for i in node["inputs"]]
        if op == "point":
            return bool((self.box >= 0).all())
        if op == "constant":
            return bool((array >= 0).all())
        if op in ("full", "pad"):
            return real(node["attrs"]["value"], infinite=True) >= 0 and all(inputs)
        if op == "maximum":
            return any(inputs)
        squared = len(set(node["inputs"])) == 1 and (op == "mul" or self.is_square(node))
        return op in NEVER_NEGATIVE or squared or (op in KEEP_SIGNS and all(inputs))

    def is_square(self, node):
        terms = node["attrs"]["spec"].split("->")[0].split(",") if node["op"] == "contract" else []
        return (len(terms) == 2 and terms[0] == terms[1]) or (node["op"] == "power" and node["attrs"]["p"] % 2 == 0)

    def values(self, low, high):
        """What each node holds over a box."""
        middle = np.clip(low / 2 + high / 2, low, high)
        sides = [(arb(a) - arb(m)).union(arb(b) - arb(m)) for a, m, b in zip(low, middle, high, strict=True)]
        self.deltas, found, size = arb_mat([[arb(1)], *[[s] for s in sides]]), [], 0
        unit = [arb_mat([[arb(m), *[int(i == j) for j in range(len(low))]]]) for i, m in enumerate(middle)]
        self.point = filled((1, len(low)), None)
        self.point[0, :] = unit
        for node in self.nodes:
            op, self.positives = node["op"], [self.signs[i] for i in node["inputs"]]
            inputs = [found[k] for k in node["inputs"]]
            curve = CURVES.get(op)
            rule = functools.partial(self.curves, curve) if curve else getattr(self, f"op_{op}")
            found.append(rule(*inputs, **node["attrs"]))
            size += found[-1].size
            understood(size <= LARGEST, "a graph of so many numbers")
        return found

    # Conditions

    def positive(self, x): return True if self.range(x) > 0 else False if self.range(x) <= 0 else None  # None: both

    def chosen(self, c, x, y):
        understood(c is None or type(c) is bool, "a number in the place of a condition")
        return x if c is True else y if c is False else self.row(self.range(x).union(self.range(y)))

    def op_less(self, x, y): return each(self.positive, self.op_add(y, self.op_neg(x)))
    def op_isfinite(self, x): return each(lambda v: True if self.range(v).is_finite() else None, x)
    def op_logical_not(self, c): return each(lambda v: None if v is None else not v, c)
    def op_logical_and(self, c, d):
        return each(lambda v, w: False if v is False or w is False else None if v is None or w is None else v & w, c, d)
    def op_where(self, c, x, y): return each(self.chosen, c, x, y)

    # Operations on numbers

    def curves(self, curve, x): return each(lambda v: self.curve(v, *curve), x)
    def op_point(self): return self.point
    def op_constant(self, name): return self.fixed[name]
    def op_full(self, shape, value, dtype): return filled(shape_of(shape), self.constant(value))
    def constant(self, value): return arb(real(value, infinite=True))
    def op_add(self, x, y): return each(self.sum, x, y)
    def op_neg(self, x): return each(lambda v: self.times(v, -1), x)
    def op_mul(self, x, y): return each(self.product, x, y)
    def op_div(self, x, y): return self.op_mul(x, self.curves(CURVES["inverse"], y))
    def op_relu(self, x): return each(self.relu, x)
    def op_maximum(self, x, y): return each(self.larger, x, y)
    def op_abs(self, x): return each(lambda v: self.larger(v, self.times(v, -1)), x)
    def op_power(self, x, p):
        p, positive = real(p), self.positives[0]
        return each(lambda v: self.power(v, p, positive), x)

    def op_cast(self, x, dtype):
        """Integers are cut off towards 0; other dtypes change no number here."""
        understood(dtype in ("float32", "float64", "int32", "int64", "uint8"), "a dtype")
        cut = MONOTONE(lambda v: v.floor() if v >= 0 else v.ceil())
        keep = dtype.startswith("float")
        return each(lambda v: self.row(v) if keep else v if isinstance(v, int) else self.row(cut(self.range(v))), x)

    def op_sum(self, x, axis, keepdims):
        axes = wholes(axis)
        kept = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
        rest = [i for i in range(x.ndim) if i not in axes]
        rows = x.transpose([*axes, *rest]).reshape(-1 if x.size else 0, *(x.shape[i] for i in rest))
        parts = [rows[i : i + 1] for i in range(len(rows))] or [filled((1, *rows.shape[1:]), arb(0))]
        return functools.reduce(self.op_add, parts).reshape(kept)

    def op_cumsum(self, x, axis, reverse):
        rows = np.moveaxis(x, whole(axis), 0)[:: -1 if reverse else 1].copy()
        for i in range(1, len(rows)):
            rows[i : i + 1] = self.op_add(rows[i - 1 : i], rows[i : i + 1])
        return np.moveaxis(rows[:: -1 if reverse else 1], 0, axis)

    def op_contract(self, x, y, spec):
        terms, out = spec.split("->")
        every = out + "".join(dict.fromkeys(c for c in terms if c.isalpha() and c not in out))
        first, second = terms.split(",")
        sizes = {**dict(zip(first, x.shape, strict=True)), **dict(zip(second, y.shape, strict=True))}
        shape = shape_of([sizes[c] for c in every])
        x, y = (
            np.broadcast_to(
                v.transpose([t.index(c) for c in every if c in t]).reshape([sizes[c] if c in t else 1 for c in every]),
                shape,
            )
            for v, t in ((x, first), (y, second))
        )
        return self.op_sum(self.op_mul(x, y), list(range(len(out), len(every))), False)

    # Operations that only move

    def op_reshape(self, x, shape): return x.reshape(shape_of(shape))
    def op_transpose(self, x, axes): return x.transpose(wholes(axes))
    def op_broadcast_to(self, x, shape): return np.broadcast_to(x, shape_of(shape))
    def op_slice(self, x, steps): return x[tuple(slice(*s) for s in steps)]
    def op_concatenate(self, *x, axis): return np.concatenate(x, whole(axis))

    def op_pad(self, x, widths, value):
        widths = [wholes(w) for w in widths]
        found = filled(shape_of([a + n + b for (a, b), n in zip(widths, x.shape, strict=True)]),
                       self.constant(value))  # fmt: skip
        found[tuple(slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True))] = x
        return found

    def op_place(self, x, steps, shape):
        found = filled(shape_of(shape), arb(0))
        at = tuple(slice(*s) for s in steps)
        understood(found[at].shape == x.shape, "a place")
        found[at] = x
        return found

    def places(self, shape, indices, axes):
        """Where in a tensor of a shape integers point to, as a key of NumPy's."""
        key = [slice(None)] * len(shape)
        for axis, index in zip(wholes(axes), indices, strict=True):
            for i in index.ravel():
                understood(type(i) is int and -shape[axis] <= i < shape[axis], "an index")
            key[axis] = index.astype(np.int64)
        shape_of([index.size, *(n for k, n in zip(key, shape, strict=True) if isinstance(k, slice))])
        return tuple(key)

    def op_gather(self, x, *indices, axes): return x[self.places(x.shape, indices, axes)]

    def op_scatter_add(self, x, *indices, axes, shape):
        found = filled(shape_of(shape), arb(0))
        where = np.arange(found.size).reshape(found.shape)[self.places(found.shape, indices, axes)]
        understood(where.shape == x.shape, "a place")
        flat = found.ravel()
        for place, v in zip(where.ravel(), x.ravel(), strict=True):
            flat[place] = self.sum(flat[place], v)
        return flat.reshape(found.shape)

    def op_slide(self, x, axes, sizes, strides, dilations):
        how = zip(wholes(axes), wholes(sizes, 1), wholes(strides, 1), wholes(dilations, 1), strict=True)
        for axis, size, stride, dilation in sorted(how, reverse=True):
            count = (x.shape[axis] - (size - 1) * dilation - 1) // stride + 1
            understood(count > 0, "a window")
            shape_of([x.size // x.shape[axis], count, size])
            x = np.take(x, np.arange(count)[:, None] * stride + np.arange(size) * dilation, axis)
        return x
