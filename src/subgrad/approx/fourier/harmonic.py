"""From the graph of a function to its Fourier transform, element by element, as far as rules go."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.approx.fourier import elementary
from subgrad.approx.fourier.elementary import COSINE, ERROR_FUNCTION, LOGISTIC, SINE, TANH, Ridge
from subgrad.approx.fourier.polynomial import Polynomial
from subgrad.approx.fourier.spectrum import Spectrum, constant
from subgrad.approx.pointwise import Pointwise
from subgrad.graph.op import TABLE, Kind
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.graph.transform import Transform
from subgrad.ops import indexing, singular
from subgrad.ops.shape import cast


class Unknown:
    """No rule applies.

    Attributes:
        reason: to what.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason


Known = Polynomial | Spectrum | Unknown
Rule = Callable[..., Any]


class Harmonic:
    """The element of a graph at one place: a polynomial, a function with a known transform, or unknown.

    Sums and products are operators, so NumPy's own functions can add up and multiply arrays of such elements.

    Attributes:
        known: which of these.
        half: half the widths of the box whose constants are wanted.
    """

    def __init__(self, known: Known, half: np.ndarray) -> None:
        self.known, self.half = known, half

    def _new(self, known: Known | None, reason: str = "") -> Harmonic:
        return Harmonic(Unknown(reason) if known is None else known, self.half)

    def __add__(self, other: Harmonic) -> Harmonic:
        a, b = self.known, other.known
        if isinstance(a, Polynomial) and isinstance(b, Polynomial):
            return self._new(a + b)
        f, g = self.transform(), other.transform()
        if isinstance(f, Unknown) or isinstance(g, Unknown):
            return self._new(f if isinstance(f, Unknown) else g)
        return self._new(f + g)

    def __radd__(self, zero: int) -> Harmonic:
        """NumPy's sums of products start with the number 0."""
        return self

    def __mul__(self, other: Harmonic) -> Harmonic:
        a, b = self.known, other.known
        if isinstance(a, Polynomial) and isinstance(b, Polynomial) and a.degree + b.degree <= 2:
            return self._new(a * b)
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Polynomial) and x.degree == 0 and isinstance(y, Spectrum):
                return self._new(y.times(x.c))
        f, g = self.transform(), other.transform()
        if isinstance(f, Unknown) or isinstance(g, Unknown):
            return self._new(f if isinstance(f, Unknown) else g)
        if math.isinf(f.mass) or math.isinf(g.mass):
            return self._new(None, "a product with a factor whose transform has no finite mass")
        return self._new(f * g)

    def times(self, factor: float) -> Harmonic:
        """It, times a number."""
        known = self.known
        return self if isinstance(known, Unknown) else self._new(known.times(factor))

    def transform(self) -> Spectrum | Unknown:
        """Its transform; for a polynomial, as far as it has one."""
        known = self.known
        if not isinstance(known, Polynomial):
            return known
        if known.degree == 0:
            return constant(known.c, len(known.a))
        return elementary.linear(known, self.half) if known.degree == 1 else Unknown("a polynomial of degree 2")

    def exp(self) -> Harmonic:
        known = self.known
        if isinstance(known, Polynomial):
            if known.degree == 0:
                return self._new(Polynomial(math.exp(known.c), known.a, known.A))
            return self._new(elementary.gaussian(known, self.half), "exp of what grows without bound")
        return self._through("exp", math.exp, math.exp, math.exp)

    def ridge(self, name: str, f: Ridge, *series: Callable[[float], float]) -> Harmonic:
        """A wave or a sigmoid of it.

        ``series`` is the power series of f with the sizes of its coefficients, and the first and the second derivative
        of that; without it nothing is known of f of what is not linear.
        """
        known = self.known
        if isinstance(known, Polynomial) and known.degree <= 1:
            return self._new(elementary.ridge(name, f, known, self.half))
        return self._through(name, *series) if series else self._new(None, f"{name} of what is not linear")

    def power(self, p: float) -> Harmonic:
        known = self.known
        if 1 <= p <= 64 and p == int(p):
            found = self
            for _ in range(int(p) - 1):
                found = found * self
            return found
        if isinstance(known, Polynomial) and p < 0:
            if known.degree == 0 and known.c:
                return self._new(Polynomial(known.c**p, known.a, known.A))
            return self._new(elementary.inverse_power(known, -p, self.half), "a power of what may be 0")
        return self._new(None, f"the power {p:g} of what is no polynomial")

    def _through(self, name: str, *h: Callable[[float], float]) -> Harmonic:
        inner = self.transform()
        if isinstance(inner, Unknown):
            return self._new(inner)
        if inner.mass > 700:  # math.exp has no larger numbers
            return self._new(None, f"{name} of a function whose transform has no finite mass")
        rule = f"{name} of g: by its power series, with the mass of g"
        h0, h1, h2 = (f(inner.mass) for f in h)
        return self._new(inner.through(h0, h1, h2, rule))


def harmonic(f: Pointwise, box: np.ndarray) -> Spectrum | Unknown:
    """The transform of f around the middle of a box, with the constants of the box."""
    try:
        with np.errstate(all="ignore"):
            found = _transform(f, box)
    except OverflowError:
        return Unknown("its constants are too large for floats")
    if isinstance(found, Unknown) or (all(map(math.isfinite, (found.first, found.box))) and found.curved >= 0):
        return found
    return Unknown("its constants are too large for floats")


def _transform(f: Pointwise, box: np.ndarray) -> Spectrum | Unknown:
    half, middle = (box[:, 1] - box[:, 0]) / 2, box[:, 0] + (box[:, 1] - box[:, 0]) / 2
    d, nothing = len(box), np.zeros((len(box), len(box)))
    known: dict[Tensor, np.ndarray] = {f.point: np.empty(d, object)}
    for i, unit in enumerate(np.eye(d)):
        known[f.point][i] = Harmonic(Polynomial(float(middle[i]), unit, nothing), half)

    def number(x: float) -> Harmonic:
        return Harmonic(Polynomial(float(x), np.zeros(d), nothing), half)

    _compute([f.value], known, number)
    found = known[f.value].item() if f.value in known else number(f.value.item())
    return found.transform()


def _compute(outputs: list[Tensor], known: dict[Tensor, np.ndarray], number: Callable[[float], Harmonic]) -> None:
    """Adds to ``known`` what ``outputs`` are made of, as far as it depends on what is known."""
    for node in toposort(outputs, is_leaf=known.__contains__):
        if node in known or not any(i in known for i in node.inputs):
            continue
        rule, expansion = FOURIER.get(node.op), FOURIER.expansion(node.op)
        if rule is not None:
            inputs = [known[i] if i in known else np.vectorize(number, [object])(i.numpy()) for i in node.inputs]
            known[node] = _array(rule(node, *inputs), node)
        elif expansion is not None:
            made = expansion(*node.inputs, **node.attrs)
            _compute([made], known, number)
            known[node] = known[made]
        else:
            unknown = Harmonic(Unknown(f"{node.op.name} has no rule"), number(0).half)
            known[node] = np.full(node.shape, unknown, object)


def _array(found: Any, node: Tensor) -> np.ndarray:
    array = np.empty(node.shape, object)
    array[...] = found
    return array


def _quotient(a: Harmonic, b: Harmonic) -> Harmonic:
    return a * b.power(-1)


def _by_element(f: Callable[..., Harmonic]) -> Rule:
    return lambda node, *xs: np.frompyfunc(f, len(xs), 1)(*xs)


def _by_reference(node: Tensor, *xs: np.ndarray) -> Any:
    """Elements that move or are added up, which NumPy does with objects as well."""
    return node.op.ref(*xs, **node.attrs)


FOURIER: Transform[Rule] = Transform(
    "fourier",
    "the Fourier transform, for Barron's constant",
    {
        ops.add: _by_element(lambda a, b: a + b),
        ops.sub: _by_element(lambda a, b: a + b.times(-1)),
        ops.neg: _by_element(lambda a: a.times(-1)),
        ops.mul: _by_element(lambda a, b: a * b),
        ops.scale: _by_element(lambda a, b: a * b),
        ops.square: _by_element(lambda a: a * a),
        ops.div: _by_element(_quotient),
        ops.exp: _by_element(lambda a: a.exp()),
        ops.sin: _by_element(lambda a: a.ridge("sin", SINE, math.sinh, math.cosh, math.sinh)),
        ops.cos: _by_element(lambda a: a.ridge("cos", COSINE, math.cosh, math.sinh, math.cosh)),
        ops.tanh: _by_element(lambda a: a.ridge("tanh", TANH)),
        ops.sigmoid: _by_element(lambda a: a.ridge("sigmoid", LOGISTIC)),
        ops.erf: _by_element(lambda a: a.ridge("erf", ERROR_FUNCTION)),
        singular._power: lambda node, x: np.frompyfunc(lambda e: e.power(node.attrs["p"]), 1, 1)(x),
        ops.contract: lambda node, x, y: np.einsum(node.attrs["spec"], x, y, optimize=False),
        ops.concatenate: _by_reference,
        ops.sum: _by_reference,
    },
    by_kind={Kind.VIEW: _by_reference},
    unsupported={
        **dict.fromkeys(
            [ops.relu, ops.abs, ops.maximum, ops.minimum, ops.max, ops.min, ops.sign, ops.sqrt],
            "kinks and jumps: Barron's constant is infinite, or found by other means",
        ),
        **dict.fromkeys(
            [ops.log, ops.log1p, ops.expm1, ops.softplus, ops.remainder, ops.right_shift, singular._pow],
            "no transform in closed form is known here",
        ),
        **dict.fromkeys(
            [op for op in TABLE.values() if op.kind in (Kind.CHOICE, Kind.SOURCE, Kind.CONTROL) and not op.expand],
            "of conditions or indices, or without inputs: formulas have none of them",
        ),
        **dict.fromkeys(
            [ops.cumsum, ops.pad, cast, indexing.place, indexing.gather, indexing.scatter_add],
            "formulas are made of elementwise functions and sums",
        ),
    },
)
