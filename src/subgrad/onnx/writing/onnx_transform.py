"""The registry's transform to ONNX: a rule writes a node of a graph as nodes of a file, and names their result.

Here are the ops that ONNX has under names of its own; the rules of others stand in the files of their families.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from subgrad import ops
from subgrad.graph.transform import Transform
from subgrad.ops import singular
from subgrad.ops.random import uniform
from subgrad.ops.special import whole_numbers

if TYPE_CHECKING:
    from subgrad.onnx.writing.at import At

Rule = Callable[["At"], str]


_single: set[Rule] = set()


def single(rule: Rule) -> Rule:
    """Decorate a rule whose operators ONNX Runtime has for float32 alone, or whose numbers are attributes, which are
    float32: what is float64 is written as what it is made of."""
    _single.add(rule)
    return rule


def is_single(rule: Rule | None) -> bool:
    """Whether a rule is for float32 alone."""
    return rule in _single


def _named(name: str) -> Rule:
    return lambda at: at.add(name, at.repeating())


ONNX: Transform[Rule] = Transform(
    "onnx",
    "nodes of an ONNX file",
    {
        ops.abs: _named("Abs"),
        ops.acos: single(_named("Acos")),
        ops.acosh: single(_named("Acosh")),
        ops.asin: single(_named("Asin")),
        ops.asinh: single(_named("Asinh")),
        ops.atan: single(_named("Atan")),
        ops.atanh: single(_named("Atanh")),
        ops.cos: _named("Cos"),
        ops.cosh: single(_named("Cosh")),
        ops.div: _named("Div"),
        ops.equal: _named("Equal"),
        ops.floor: _named("Floor"),
        ops.isnan: _named("IsNaN"),
        ops.less: _named("Less"),
        ops.less_equal: _named("LessOrEqual"),
        ops.log: _named("Log"),
        ops.logical_and: _named("And"),
        ops.logical_not: _named("Not"),
        ops.logical_or: _named("Or"),
        ops.maximum: _named("Max"),
        ops.minimum: _named("Min"),
        ops.mul: _named("Mul"),
        ops.neg: _named("Neg"),
        ops.relu: _named("Relu"),
        ops.sigmoid: _named("Sigmoid"),
        ops.sign: _named("Sign"),
        ops.sin: _named("Sin"),
        ops.sinh: single(_named("Sinh")),
        ops.softplus: _named("Softplus"),
        ops.sqrt: _named("Sqrt"),
        ops.sub: _named("Sub"),
        ops.tan: single(_named("Tan")),
        ops.tanh: _named("Tanh"),
        ops.where: _named("Where"),
        singular._pow: _named("Pow"),
        whole_numbers._round: _named("Round"),
    },
    unsupported={
        uniform: "ONNX has no generator of random numbers that gives the same ones",
        ops.right_shift: "ONNX shifts numbers without a sign alone",
    },
)

_when_read: set[Rule] = set()


def when_read(rule: Rule) -> Rule:
    """Decorate a rule that is followed where another one asks for its result, since that one often does not."""
    _when_read.add(rule)
    return rule


def waits(rule: Rule | None) -> bool:
    """Whether nothing is written until somebody reads it."""
    return rule in _when_read


__all__ = ["ONNX", "Rule", "is_single", "single", "waits", "when_read"]
