"""Points at which an op without a kink has no derivative along a direction: roots of 0, and the jump of the sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from subgrad.graph.op import TABLE, Op
from subgrad.graph.tensor import Tensor
from subgrad.kinks.thresholds import at_root, undecided
from subgrad.ops import sign, sqrt

Tangents = Sequence[Tensor | None]
Trouble = tuple[np.ndarray, str] | None

_ROOT = (
    "of 0 its slope is infinite, or, as of sqrt(x * x + x**4), not decided by first derivatives "
    "(the length of a vector is sg.norm)"
)
_EDGE = "of 0, and the direction leads out of its domain"


def trouble(node: Tensor, tangents: Tangents, still: Sequence[bool]) -> Trouble:
    """Where ``node`` has no derivative, and why; None if it has one.

    Args:
        node: an op with values.
        tangents: of its inputs.
        still: for each input, whether a tangent of 0 means that it does not move: it is affine along the direction.
    """
    rule = _RULES.get(node.op)
    if rule is None or all(t is None for t in tangents):
        return None
    bad, why = rule(node, [np.zeros(()) if t is None else t.numpy() for t in tangents], still)
    return (bad, why) if np.any(bad) else None


def _at_zero(node: Tensor, tangent: np.ndarray, still: bool) -> np.ndarray:
    """Where the first input is 0, a root or a jump, and may move."""
    found = at_root(node)
    found = undecided(node) if found is None else found
    return (found is not None and found.numpy()) & ~(still & (tangent == 0))


def _sqrt(node: Tensor, ts: Sequence[np.ndarray], still: Sequence[bool]) -> tuple[np.ndarray, str]:
    return _at_zero(node, ts[0], still[0]), _ROOT


def _sign(node: Tensor, ts: Sequence[np.ndarray], still: Sequence[bool]) -> tuple[np.ndarray, str]:
    return _at_zero(node, ts[0], still[0]), "it jumps at 0"


def _power(node: Tensor, ts: Sequence[np.ndarray], still: Sequence[bool]) -> tuple[np.ndarray, str]:
    """x^p for a number p: a root for 0 < p < 1; for other fractions the domain ends at 0."""
    p = node.attrs["p"]
    if 0 < p < 1:
        return _at_zero(node, ts[0], still[0]), _ROOT
    return (p % 1 != 0) & _at_zero(node, ts[0], still[0]) & (ts[0] < 0), _EDGE


def _pow(node: Tensor, ts: Sequence[np.ndarray], still: Sequence[bool]) -> tuple[np.ndarray, str]:
    """x^p for a tensor p; at x = p = 0 it jumps if p moves."""
    moves, p = _at_zero(node, ts[0], still[0]), node.inputs[1].numpy()
    root = moves & (p > 0) & (p < 1)
    jump = (node.inputs[0].numpy() == 0) & (p == 0) & (ts[1] != 0)
    edge = moves & (ts[0] < 0) & ((p != np.trunc(p)) | (ts[1] != 0))
    return root | jump | edge, _ROOT if root.any() else _EDGE if edge.any() else "0 to the power of 0 jumps"


_RULES: dict[Op, Callable[..., tuple[np.ndarray, str]]] = {
    sqrt: _sqrt,
    sign: _sign,
    TABLE["power"]: _power,
    TABLE["pow"]: _pow,
}

__all__ = ["trouble"]
