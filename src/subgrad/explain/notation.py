"""Formulas and values as text: an op's notation with the names of its inputs, an array in a few characters."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np

from subgrad.explain.node_names import is_leaf
from subgrad.graph.op import Op
from subgrad.graph.tensor import INPUT, Tensor
from subgrad.ops.contract import contract
from subgrad.ops.tuples import TUPLE

CONTRACT: Op = contract
Names = dict[Tensor, str]

_OUTPUT = re.compile(r"(?<![A-Za-z_{])y(?![A-Za-z0-9_}])")
"""``y`` in a slope is the node itself: a letter of its own, as in ``2y`` and ``1 - y²``, not part of a word."""


def formula(node: Tensor, names: Names) -> str:
    """How ``node`` is computed, such as ``max(x3, 0)``; for a leaf, what it is.

    >>> import subgrad as sg
    >>> x, y = sg.tensor([1.0, 2.0]), sg.tensor([3.0, 4.0])
    >>> formula(z := x / y, {x: "x1", y: "x2", z: "x3"})
    'x1 / x2'
    """
    if is_leaf(node):
        return "argument" if node.op is INPUT else "data" if node.owner is None else "parameter"
    if node.op is CONTRACT:
        return _contraction(node.attrs["spec"], *(names[i] for i in node.inputs))
    if node.dtype == TUPLE:
        return f"loop of {node.attrs['body'].length} steps({', '.join(names[i] for i in node.inputs)})"
    filled = _fill(node.op.text, node, names) if "{" in node.op.text else None
    if filled is None:
        filled = f"{node.op.text or node.op.name}({', '.join(names[i] for i in node.inputs)})"
    return filled + _attributes(node)


def slope(node: Tensor, k: int, names: Names) -> str:
    """The local derivative of ``node`` by its input number ``k``, such as ``1 - x3²``.

    That of a contraction is written as its product with g, the cotangent of the node: ``g @ x4ᵀ``.
    """
    if node.op is CONTRACT:
        left, right, out = re.split(",|->", node.attrs["spec"])
        a, b = (names[i] for i in node.inputs)
        return _contraction(*((f"{left},{out}->{right}", a, "g") if k else (f"{out},{right}->{left}", "g", b)))
    slopes = node.op.slopes * len(node.inputs) if len(node.op.slopes) == 1 else node.op.slopes  # one holds for all
    known = slopes[k] if k < len(slopes) else ""
    filled = _fill(_OUTPUT.sub("{y}", known), node, names) if known else None
    return filled or f"∂{names[node]}/∂{names[node.inputs[k]]}"


def as_factor(text: str) -> str:
    """A formula as it stands in a product: sums and negative ones in parentheses.

    >>> as_factor("1 - x²"), as_factor("x(1 - x)"), as_factor("-1")
    ('(1 - x²)', 'x(1 - x)', '(-1)')
    """
    outside = re.sub(r"\([^()]*\)|\[[^]]*\]", "", text)
    return f"({text})" if outside.startswith("-") or " " in outside else text


def _fill(template: str, node: Tensor, names: Names) -> str | None:
    """``template`` with names for ``{0}``, ``{1}``, ..., ``{y}``, and attributes; None if it asks for anything else."""
    try:
        return template.format(*(names[i] for i in node.inputs), **{**node.attrs, "y": names[node]})
    except (AttributeError, IndexError, KeyError, ValueError):
        return None


def _contraction(spec: str, a: str, b: str) -> str:
    """A contraction as a product of matrices, or as a sum of products over the subscripts that vanish.

    >>> _contraction("ij,jk->ik", "x", "w"), _contraction("ai,oi->ao", "x", "w"), _contraction("ij,kj->ki", "x", "w")
    ('x @ w', 'x @ wᵀ', 'w @ xᵀ')
    >>> _contraction("ij,ij->", "x", "w"), _contraction("i,j->ij", "x", "w")
    ('Σij x[ij]·w[ij]', 'x[i]·w[j]')
    """
    left, right, out = re.split(",|->", spec)
    inner = "".join(c for c in left if c in right and c not in out)
    for x, y, first, second in ((a, b, left, right), (b, a, right, left)):
        lead = "".join(c for c in first if c in second and c in out)
        rows, cols = ("".join(c for c in t if c not in inner + lead) for t in (first, second))
        x, y = _factor(x, first, lead, rows, inner), _factor(y, second, lead, inner, cols)
        if len(inner) == 1 and out == lead + rows + cols and x and y:
            return f"{x} @ {y}"
    a, b = (f"{name}[{term}]" if term else name for name, term in ((a, left), (b, right)))
    return f"Σ{inner} {a}·{b}" if inner else f"{a}·{b}"


def _factor(name: str, term: str, lead: str, rows: str, cols: str) -> str:
    """``name`` or its transpose as a matrix of ``rows`` by ``cols``; empty if it is neither."""
    return name if term == lead + rows + cols else f"{name}ᵀ" if term == lead + cols + rows else ""


def _attributes(node: Tensor) -> str:
    """The numbers that the notation leaves out, and the axes of a reduction."""
    shown = [f"{k} = {v:.6g}" for k, v in node.attrs.items() if _is_number(v) and f"{{{k}" not in node.op.text]
    axis = node.attrs.get("axis")
    if isinstance(axis, tuple) and len(axis) < node.inputs[0].ndim:
        shown.append("axis = " + ", ".join(map(str, axis)))
    return f"  ({'; '.join(shown)})" if shown else ""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape in a few characters.

    >>> shape_text((4, 2)), shape_text((3,)), shape_text(())
    ('4×2', '3', 'scalar')
    """
    return "×".join(map(str, shape)) or "scalar"


def summary(value: np.ndarray | None) -> str:
    """An array in a few characters: its numbers in order if they are few, else least, mean and largest.

    >>> summary(np.array([[1.0], [-0.5]])), summary(np.arange(100.0)), summary(np.ones(9)), summary(np.array(2.0))
    ('[1, -0.5]', '0 … 49.5 … 99', 'all 1', '2')
    """
    if value is None:
        return "?"
    if value.dtype.kind == "O":
        return f"{value.size} tensors"
    if value.size <= 4:
        numbers = ", ".join(map(_digits, value.ravel()))
        return f"[{numbers}]" if value.shape else numbers
    if value.dtype.kind == "b":
        return f"{int(value.sum())} of {value.size} true"
    finite = value[np.isfinite(value)]
    spoiled = f"{value.size - finite.size} not finite, " if finite.size < value.size else ""
    if not finite.size:
        return spoiled.rstrip(", ")
    low, mean, high = map(_digits, (finite.min(), finite.mean(dtype=np.float64), finite.max()))
    return spoiled + (f"all {low}" if low == high else f"{low} … {mean} … {high}")


def _digits(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else str(value)


def whole(n: int) -> str:
    """A count: all its digits, or three of them where it is beyond imagination.

    >>> whole(12345), whole(2**200)
    ('12,345', '1.61e+60')
    """
    return f"{n:,}" if n < 10**12 else f"{Decimal(n):.2e}"
