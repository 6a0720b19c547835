"""An independent check of saved proofs, in the ball arithmetic of Arb: ``python -m subgrad.bounds.checker FILE``.

It shares no code with the prover: it needs python-flint, NumPy and safetensors (``pip install 'subgrad[approx]'``).
A proof holds a graph of operations on a point, a box, a limit, and small boxes with a bound each. Checked is that
these cover the box, that no bound is above the limit, and that the graph's values (or magnitudes) on each small box
are within its bound. Arb: F. Johansson, IEEE Transactions on Computers 66, 2017.

A number that varies over a box is a row: its value at the middle, as a ball that also holds what is not linear, then
its slopes. Functions are expanded to second order, unlike in the prover. Where that is not enough, the box is halved.
"""

# pyright: basic, reportMissingImports=false
import json
import sys

import numpy as np
from safetensors import safe_open

try:
    from flint import arb, arb_mat, ctx
except ImportError as error:
    stop = SystemExit if __name__ == "__main__" else ImportError
    raise stop("the checker needs python-flint, which is not installed: pip install 'subgrad[approx]'") from error

ctx.prec, HALVINGS = 100, 60

# A function that rises or falls, by the ends of a ball: Arb's exp or cosh of a wide one is infinite or NaN.
MONOTONE = lambda f: lambda z: f(z.lower()).union(f(z.upper()))  # noqa: E731
SOFTPLUS = MONOTONE(lambda z: z.max(0) + (-abs(z)).exp().log1p())
SIGMOID = MONOTONE(lambda z: 1 / (1 + (-z).exp()))
BELL = lambda z: 2 / arb.pi().sqrt() * (-z.abs_lower() ** 2).exp().union((-z.abs_upper() ** 2).exp())  # noqa: E731
CURVES = {  # a function; its first and its second derivative, as functions of z and of its value y there
    "exp": (MONOTONE(arb.exp), lambda z, y: y, lambda z, y: y),
    "log": (MONOTONE(arb.log), lambda z, y: 1 / z, lambda z, y: -1 / z / z),
    "sqrt": (MONOTONE(lambda z: z.max(0).sqrt()), lambda z, y: 1 / y / 2, lambda z, y: -1 / y / z / 4),
    "sin": (arb.sin, lambda z, y: z.cos(), lambda z, y: -y),
    "cos": (arb.cos, lambda z, y: -z.sin(), lambda z, y: -y),
    "tanh": (MONOTONE(arb.tanh), lambda z, y: 1 - y * y, lambda z, y: -2 * y * (1 - y * y)),
    "sigmoid": (SIGMOID, lambda z, y: y * (1 - y), lambda z, y: y * (1 - y) * (1 - 2 * y)),
    "softplus": (SOFTPLUS, lambda z, y: SIGMOID(z), lambda z, y: SIGMOID(z) * SIGMOID(-z)),
    "erf": (MONOTONE(arb.erf), lambda z, y: BELL(z), lambda z, y: -2 * z * BELL(z)),
    "inverse": (lambda z: 1 / z, lambda z, y: -y * y, lambda z, y: 2 * y * y * y),
}


class CheckFailed(ValueError):
    """The proof does not show what it claims, or has an operation that this checker does not know."""


def check(path):
    """What the proof in a file shows, in words; raises `CheckFailed` if it does not, any error if it is no proof."""
    with safe_open(path, "np") as file:
        header = json.loads(file.metadata()["subgrad"])
        data = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    box, limit, low, high, bound = np.array(header["box"]), header["limit"], data["low"], data["high"], data["bound"]
    require(low.shape == high.shape == (len(bound), len(box)) and np.isfinite([low, high]).all(), "these are no boxes")
    require((bound <= limit).all(), "a bound is above the limit")
    cover(box[:, 0], box[:, 1], low, high)
    graph = Graph(header["graph"], data, header["magnitudes"])
    for corners in zip(low, high, bound, strict=True):
        graph.require_below(*corners, HALVINGS)
    return f"{header['claim']}: {len(bound):,} boxes cover {box.tolist()}, and none exceeds {limit!r}"


def require(condition, otherwise):
    if not condition:
        raise CheckFailed(otherwise)


def cover(a, b, low, high):
    """The boxes cover the box from a to b: it is cut where no box crosses, until one of them holds the part."""
    pending = [(a, b, np.arange(len(low)))]
    while pending:
        a, b, some = pending.pop()
        if ((low[some] <= a) & (b <= high[some])).all(axis=1).any():
            continue
        axis, at = place_to_cut(low[some], high[some])
        to, start = (np.where(np.arange(len(a)) == axis, at, end) for end in (b, a))
        pending += [(a, to, some[high[some, axis] <= at]), (start, b, some[low[some, axis] >= at])]


def place_to_cut(low, high):
    best = (0, 0, 0.0)
    for axis in range(low.shape[1]):
        order = np.argsort(low[:, axis], kind="stable")
        reach, start = np.maximum.accumulate(high[order, axis])[:-1], low[order[1:], axis]
        cuts = np.flatnonzero((reach == start) & (low[order[:-1], axis] < start))
        best = max([best, *((min(k + 1, len(low) - k - 1), axis, float(start[k])) for k in cuts)])
    require(best[0], "the boxes do not cover the box")
    return best[1:]


def each(f, *arrays):
    """f of the elements, as an array of objects."""
    return np.frompyfunc(f, len(arrays), 1)(*arrays, out=np.empty(np.broadcast_shapes(*map(np.shape, arrays)), object))


class Graph:
    def __init__(self, nodes, data, magnitudes):
        self.nodes, self.magnitudes, self.left = nodes, magnitudes, 10_000 + 50 * len(data["bound"])
        self.fixed = {k: each(lambda v: arb(float(v)), x) for k, x in data.items()}

    def require_below(self, low, high, bound, halvings):
        """The values over a box are at most ``bound``; halved where this cannot be seen at once."""
        if all(z <= float(bound) and (not self.magnitudes or -z <= float(bound)) for z in self.ranges(low, high)):
            return
        self.left -= 1
        require(self.left, "this takes too many more boxes")
        axis = np.argmax(high - low)
        middle = low[axis] / 2 + high[axis] / 2
        require(halvings > 0 and low[axis] < middle < high[axis], f"{bound!r} may be exceeded from {low} to {high}")
        to, start = (np.where(np.arange(len(low)) == axis, middle, end) for end in (high, low))
        self.require_below(low, to, bound, halvings - 1)
        self.require_below(start, high, bound, halvings - 1)

    def ranges(self, low, high):
        middle = np.clip(low / 2 + high / 2, low, high)
        sides = [(arb(a) - arb(m)).union(arb(b) - arb(m)) for a, m, b in zip(low, middle, high, strict=True)]
        self.deltas, found = arb_mat([[arb(1)], *[[s] for s in sides]]), []
        unit = [arb_mat([[arb(m), *[int(i == j) for j in range(len(low))]]]) for i, m in enumerate(middle)]
        self.point = each(unit.__getitem__, np.arange(len(low))[None])
        for node in self.nodes:
            op, attrs, inputs = node["op"], node["attrs"], [found[k] for k in node["inputs"]]
            curve, rule = CURVES.get(op, ()), getattr(self, f"op_{op}", None)
            require(curve or rule, f"this checker does not know the operation {op}")
            found.append(rule(*inputs, **attrs) if rule else each(lambda x, c=curve: self.curve(x, *c), *inputs))
        return [self.range(x) for x in found[-1].ravel()]

    def row(self, x): return x if isinstance(x, arb_mat) else arb_mat([[x, *[0] * (self.deltas.nrows() - 1)]])
    def range(self, x): return (self.row(x) * self.deltas)[0, 0]

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

    def product(self, x, y):
        """The product of two numbers; all but its linear part goes into the ball."""
        if not (isinstance(x, arb_mat) and isinstance(y, arb_mat)):
            return x * y if isinstance(x, arb_mat) else y * x
        a, b = x[0, 0].mid(), y[0, 0].mid()
        off, away, found = self.range(x) - a, self.range(y) - b, x * b + y * a
        found[0, 0] += (off * away if x is not y else arb(0).union(off.abs_upper() * off.abs_upper())) - a * b
        return found

    def positive(self, x): return True if self.range(x) > 0 else False if self.range(x) <= 0 else None  # None: both
    def chosen(self, c, x, y):
        return x if c is True else y if c is False else self.row(self.range(x).union(self.range(y)))

    def op_point(self): return self.point
    def op_constant(self, name): return self.fixed[name]
    def op_full(self, shape, value, dtype): return each(lambda v: arb(float(v)), np.full(shape, value))
    def op_add(self, x, y): return each(self.row, x) + each(self.row, y)
    def op_neg(self, x): return each(lambda v: v * -1, x)
    def op_mul(self, x, y): return each(self.product, x, y)
    def op_div(self, x, y): return self.op_mul(x, each(lambda v: self.curve(v, *CURVES["inverse"]), y))
    def op_relu(self, x): return each(self.relu, x)
    def op_maximum(self, x, y): return self.op_add(x, self.op_relu(self.op_add(y, self.op_neg(x))))
    def op_less(self, x, y): return each(self.positive, self.op_add(y, self.op_neg(x)))
    def op_logical_not(self, c): return each(lambda v: None if v is None else not v, c)
    def op_where(self, c, x, y): return each(self.chosen, c, x, y)
    def op_reshape(self, x, shape): return x.reshape(shape)
    def op_transpose(self, x, axes): return x.transpose(axes)
    def op_broadcast_to(self, x, shape): return np.broadcast_to(x, shape)
    def op_slice(self, x, steps): return x[tuple(slice(*s) for s in steps)]
    def op_concatenate(self, *x, axis): return np.concatenate(x, axis)
    def op_sum(self, x, axis, keepdims): return each(lambda v: v, np.add.reduce(x, axis=tuple(axis), keepdims=keepdims))

    def op_contract(self, x, y, spec):
        terms, out = spec.split("->")
        every = out + "".join(dict.fromkeys(c for c in terms if c.isalpha() and c not in out))
        x, y = (
            v.transpose([t.index(c) for c in every if c in t])[tuple(slice(None) if c in t else None for c in every)]
            for v, t in zip((x, y), terms.split(","), strict=True)
        )
        return self.op_sum(self.op_mul(x, y), range(len(out), len(every)), False)


if __name__ == "__main__":
    try:
        print("checked:", check(sys.argv[1]) if sys.argv[1:] else sys.exit("usage: checker FILE"))
    except Exception as error:
        sys.exit(f"not proven: {error}" if isinstance(error, CheckFailed) else f"this is no proof: {error!r}")
