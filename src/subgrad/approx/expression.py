"""Formulas as text, such as ``exp(-x**2) * sin(5*x)``: read with a grammar of their own, and never evaluated as Python.

    formula    = number | variable | constant | formula op formula | -formula | function(formula, ...) | (formula)
    op         = + - * / **           also < <= > >=, in the first argument of where
    variable   = x y z, or x1 x2 x3 ...
    constant   = pi e
    function   = those of `FUNCTIONS`

Numbers are floats, and what holds no variable is computed in float64. Python's own parser makes the tree; every node
that is not in this grammar is refused.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.tensor import Tensor, as_tensor, placeholder

LONGEST = 2000  # characters; deeper trees than such a text can have would be hard on Python's parser
DEEPEST = 100

FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "abs": (ops.abs, 1), "cos": (ops.cos, 1), "elu": (ops.elu, 1), "erf": (ops.erf, 1), "exp": (ops.exp, 1),
    "expm1": (ops.expm1, 1), "gelu": (ops.gelu, 1), "log": (ops.log, 1), "log1p": (ops.log1p, 1),
    "relu": (ops.relu, 1), "sigmoid": (ops.sigmoid, 1), "silu": (ops.silu, 1), "sin": (ops.sin, 1),
    "softplus": (ops.softplus, 1), "sqrt": (ops.sqrt, 1), "square": (ops.square, 1), "tanh": (ops.tanh, 1),
    "max": (ops.maximum, 2), "min": (ops.minimum, 2), "pow": (ops.pow, 2), "where": (ops.where, 3),
}  # fmt: skip
"""The functions of the grammar, with their numbers of arguments."""

CONSTANTS = {"pi": math.pi, "e": math.e}

_BINARY = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


class Expression:
    """A formula in x, y, z (or x1, x2, ...) as a function of points.

    Args:
        text: the formula; the module's docstring has the grammar.

    Attributes:
        text: as it was given.
        dimensions: how many variables a point must have at least.

    Raises:
        ArgumentError: if the text is no formula of the grammar; the message has the place.

    Example:
        >>> import numpy as np
        >>> from subgrad.approx.expression import Expression
        >>> f = Expression("exp(-x**2) * max(y, 0)")
        >>> f(np.array([[0.0, 2.0], [1.0, -1.0]])).tolist()
        [2.0, 0.0]
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = _parsed(text)
        self.dimensions = max(1, _checked(self._tree, text))
        self(placeholder((1, self.dimensions), float64, "a point"))  # whether its numbers are numbers

    def __call__(self, x: Any) -> Tensor:
        """The values at points of shape (N, d), as a tensor of shape (N,), in float64 unless x is a float32 tensor."""
        x = as_tensor(x, float64)
        if x.ndim != 2 or x.shape[1] < self.dimensions:
            raise ShapeError(f"{self.text!r} takes points of shape (N, {self.dimensions}), got {x.shape}")
        with using_dtype(x.dtype):
            found = _value(self._tree, functools.partial(_column, x))
            return found if isinstance(found, Tensor) and found.shape else ops.full(x.shape[:1], found)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


# From text to a tree that has been checked


def _parsed(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ArgumentError(f"a formula has at most {LONGEST} characters, this one has {len(text)}")
    try:
        with warnings.catch_warnings(action="ignore"):  # Python's advice about its own syntax
            return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise _refused(text, (error.offset or 1) - 1, "a formula", error.msg) from None
    except (ValueError, RecursionError, MemoryError):
        raise ArgumentError(f"this is no formula, or it is nested too deeply: {_short(text)}") from None


def _checked(node: ast.AST, text: str, depth: int = 0) -> int:
    """How many variables the tree needs; raises for what the grammar does not have."""
    if depth > DEEPEST:
        raise ArgumentError(f"a formula is nested at most {DEEPEST} deep: {_short(text)}")
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            _number(node, text)
            return 0
        case ast.Name(id=name):
            return 0 if name in CONSTANTS else _place(name, node, text) + 1
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=part):
            parts = [part]
        case ast.BinOp(left=a, op=op, right=b) if type(op) in _BINARY:
            parts = [a, b]
        case ast.Call(func=ast.Name(id="where"), args=[ast.Compare(ops=[op]) as c, a, b], keywords=[]):
            parts = [c.left, c.comparators[0], a, b]
            if type(op) not in _BINARY:
                raise _refused(text, c.col_offset, "one of < <= > >=", ast.unparse(c))
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in FUNCTIONS and name != "where":
            if len(parts) != FUNCTIONS[name][1]:
                raise _refused(text, node.col_offset, f"{name} with {FUNCTIONS[name][1]} argument(s)", len(parts))
        case _:
            raise _unknown(node, text)
    return max(_checked(part, text, depth + 1) for part in parts)


def _number(node: ast.Constant, text: str) -> None:
    try:
        finite = math.isfinite(float(node.value))  # pyright: ignore[reportArgumentType]
    except OverflowError:
        finite = False
    if not finite:
        raise _refused(text, node.col_offset, "a number that floats hold", "a larger one")


def _place(name: str, node: ast.Name, text: str) -> int:
    """The number of a variable: 0 for x and x1."""
    if name in ("x", "y", "z"):
        return "xyz".index(name)
    if re.fullmatch(r"x[1-9]\d?", name):
        return int(name[1:]) - 1
    expected = "a variable x, y, z, x1, x2, ..., or pi, e"
    raise _refused(text, node.col_offset, f"{name}(...)" if name in FUNCTIONS else expected, repr(name))


def _unknown(node: ast.AST, text: str) -> ArgumentError:
    at = getattr(node, "col_offset", 0)
    match node:
        case ast.Call(func=ast.Name(id="where")):
            return _refused(text, at, "where(a < b, then, else)", ast.unparse(node))
        case ast.Call(func=ast.Name(id=name)):
            return _refused(text, at, f"a function out of {', '.join(sorted(FUNCTIONS))}", repr(name))
        case ast.BinOp(op=ast.BitXor()):
            return _refused(text, at, "** for a power", "^")
    return _refused(text, at, "numbers, variables, functions and + - * / **", ast.unparse(node)[:40])


def _refused(text: str, at: int, expected: str, got: object) -> ArgumentError:
    return ArgumentError(f"no formula at character {at + 1} of {_short(text)}: expected {expected}, got {got}")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


# From the tree to a graph


def _column(x: Tensor, name: str) -> Tensor:
    return x[:, "xyz".index(name) if name in "xyz" else int(name[1:]) - 1]


def _value(node: ast.expr, variable: Callable[[str], Tensor]) -> Any:
    """A tensor, or a Python number where no variable is involved; raises for one that is not finite."""
    found = _found(node, variable)
    if isinstance(found, float) and not math.isfinite(found):
        raise ArgumentError(f"a formula is made of finite numbers, {_short(ast.unparse(node))} is {found}")
    return found


def _found(node: ast.expr, variable: Callable[[str], Tensor]) -> Any:
    match node:
        case ast.Constant(value=number):
            return float(number)  # pyright: ignore[reportArgumentType]
        case ast.Name(id=name):
            return CONSTANTS[name] if name in CONSTANTS else variable(name)
        case ast.UnaryOp(op=op, operand=part):
            inner = _value(part, variable)
            return -inner if isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right):
            return _combined(_BINARY[type(op)], _value(left, variable), _value(right, variable))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _combined(_BINARY[type(op)], _value(left, variable), _value(right, variable))
        case ast.Call(func=ast.Name(id=name), args=parts):
            return _combined(FUNCTIONS[name][0], *(_value(part, variable) for part in parts))
    raise AssertionError(node)  # _checked has let nothing else through


def _combined(f: Callable[..., Any], *arguments: Any) -> Any:
    """``f`` of tensors; of numbers alone, a number in float64."""
    if any(isinstance(a, Tensor) for a in arguments):
        return f(*arguments)
    with using_dtype(float64), np.errstate(all="ignore"):
        found = f(*(as_tensor(a) for a in arguments)).numpy()
    return found.item()
