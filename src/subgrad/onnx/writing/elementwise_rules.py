"""How elementwise ops and choices are written."""

from __future__ import annotations

import numpy as np

from subgrad import ops
from subgrad.onnx.writing.at import At
from subgrad.onnx.writing.onnx_graph import element_type
from subgrad.onnx.writing.onnx_transform import ONNX, single
from subgrad.ops import kinked, singular
from subgrad.ops.shape import cast


@ONNX.register(ops.not_equal)
def _not_equal(at: At) -> str:
    return at.add("Not", [at.add("Equal", at.repeating())])


@ONNX.register(ops.isfinite)
def _isfinite(at: At) -> str:
    x = at.input(0)
    return at.add("Not", [at.add("Or", [at.add("IsInf", [x]), at.add("IsNaN", [x])])])


@ONNX.register(ops.scale)
def _scale(at: At) -> str:
    c, d = at.repeating()
    zero = at.constant(0)
    return at.add("Where", [at.add("Equal", [c, zero]), zero, at.add("Mul", [c, d])])


@ONNX.register(ops.remainder)
def _remainder(at: At) -> str:
    """``Mod`` has the sign of a for floats, and that of b is wanted."""
    a, b = at.repeating()
    if at.node.dtype.kind != "f":
        return at.add("Mod", [a, b])
    left, zero = at.add("Mod", [a, b], fmod=1), at.constant(0)
    other_sign = at.add("Less", [at.add("Mul", [left, b]), zero])
    return at.add("Where", [other_sign, at.add("Add", [left, b]), left])


@ONNX.register(ops.square)
def _square(at: At) -> str:
    return at.add("Mul", [at.input(0)] * 2)


@ONNX.register(singular._power)
def _power(at: At) -> str:
    return at.add("Pow", [at.input(0), at.constant(at.same("p"))])


@ONNX.register(ops.exp)
def _exp(at: At) -> str:
    """A softmax is the exponential of a log-softmax here."""
    scores = at.behind(0, ops.log_softmax)
    if scores is not None:
        return at.add("Softmax", [scores.input(0)], axis=scores.same("axis"))
    return at.add("Exp", [at.input(0)])


@ONNX.register(ops.expm1)
def _expm1(at: At) -> str:
    """(u - 1) x / ln u for u = exp(x), whose two errors cancel; x itself where u is 1, u - 1 where it is 0 or inf."""
    x, one = at.input(0), at.constant(1)
    u = at.add("Exp", [x])
    less = at.add("Sub", [u, one])
    quotient = at.add("Mul", [less, at.add("Div", [x, at.add("Log", [u])])])
    ends = at.add("Or", [at.add("Equal", [less, at.constant(-1)]), at.add("IsInf", [u])])
    return at.add("Where", [at.add("Equal", [u, one]), x, at.add("Where", [ends, less, quotient])])


@ONNX.register(ops.log1p)
def _log1p(at: At) -> str:
    """ln u x / (u - 1) for u = 1 + x, whose two errors cancel; x itself where u is 1, ln u where it is 0 or inf."""
    x, one = at.input(0), at.constant(1)
    u = at.add("Add", [x, one])
    log = at.add("Log", [u])
    quotient = at.add("Mul", [log, at.add("Div", [x, at.add("Sub", [u, one])])])
    ends = at.add("Or", [at.add("Equal", [u, at.constant(0)]), at.add("IsInf", [u])])
    return at.add("Where", [at.add("Equal", [u, one]), x, at.add("Where", [ends, log, quotient])])


@ONNX.register(kinked._clip)
def _clip(at: At) -> str:
    return at.add("Clip", [at.input(0), at.constant(at.same("low")), at.constant(at.same("high"))])


@ONNX.register(ops.erf)
def _erf(at: At) -> str:
    """ONNX Runtime has that of float32 alone."""
    x = at.input(0)
    if at.node.dtype == np.float32:
        return at.add("Erf", [x])
    found = at.add("Erf", [at.add("Cast", [x], to=element_type(np.dtype(np.float32)))])
    return at.add("Cast", [found], to=element_type(at.node.dtype))


@ONNX.register(ops.leaky_relu)
@single
def _leaky_relu(at: At) -> str:
    return at.add("LeakyRelu", [at.input(0)], alpha=at.same("slope"))


@ONNX.register(ops.elu)
@single
def _elu(at: At) -> str:
    return at.add("Elu", [at.input(0)], alpha=at.same("alpha"))


@ONNX.register(cast)
def _cast(at: At) -> str:
    return at.add("Cast", [at.input(0)], to=element_type(at.node.dtype))


@ONNX.register(ops.one_hot)
def _one_hot(at: At) -> str:
    """A comparison with 0..n-1, since ``OneHot`` takes negative integers from the end."""
    i = at.inputs(0)[0]
    places = at.constant(np.arange(at.same("n")), i.dtype)
    found = at.add("Equal", [at.add("Unsqueeze", [at.input(0), at.axes([-1])]), places])
    return at.add("Cast", [found], to=element_type(at.node.dtype))


__all__: list[str] = []
