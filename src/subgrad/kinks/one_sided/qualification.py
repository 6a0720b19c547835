"""Qualification failures: points where first derivatives do not determine an op's behaviour nearby, as a root at 0."""

from __future__ import annotations

import numpy as np

from subgrad.diff.conditions import CONDITIONS, ENDS, at_root
from subgrad.diff.custom import custom
from subgrad.errors import GradientError
from subgrad.graph import source_location
from subgrad.graph.kink import Cone, Kink
from subgrad.graph.op import TABLE
from subgrad.graph.tensor import Tensor
from subgrad.kinks.certify.enclosure import everywhere
from subgrad.kinks.one_sided.corners import on_kink
from subgrad.ops.rules import groups


def qualification_failure(node: Tensor, reached: np.ndarray, flows: set[Tensor]) -> str:
    """Why the first-order behaviour of ``node`` is not known; empty if it is.

    Args:
        node: with values.
        reached: the elements that the result depends on, in the node's shape.
        flows: the nodes that depend on the variables differentiably.

    Raises:
        GradientError: if the result has an infinite slope.
    """
    root = at_root(node)
    if root is not None:
        return _root(node, root.numpy() & ~_is_level(node, flows), reached)
    if isinstance(node.op.kink, Cone):
        at_zero = (node.numpy() == 0) & reached
        sphere = groups(node).shape[1] > 1 and at_zero.any()
        return f"the norm at {node.site} is at 0, where its gradients fill a sphere" if sphere else ""
    if node.op is custom:
        return f"the derivative of the custom_vjp at {node.site} is written by hand"
    if _kink_by_hand(node):
        return f"{node.op.name} at {node.site} sits on a kink of which no linear pieces are known"
    return ""


def _root(node: Tensor, steep: np.ndarray, reached: np.ndarray) -> str:
    where = "1 or -1" if CONDITIONS[node.op] is ENDS else "0"
    if (steep & reached).any():
        with source_location.inherit(node.site, node.scope):
            raise GradientError(
                f"{node.op.name} at {where} has an infinite slope, or is at the end of its domain: as far as first "
                "derivatives tell, the function is not Lipschitz here"
            )
    # A factor of 0 hides the slope at the point itself, and says nothing of the points nearby.
    return f"{node.op.name} at {node.site} is at {where}, where its slope is infinite" if steep.any() else ""


def _is_level(node: Tensor, flows: set[Tensor]) -> np.ndarray:
    """Where a power is differentiable at 0: its exponent is whole, or above 1 with a base that is never negative."""
    if node.op not in (TABLE["power"], TABLE["pow"]):
        return np.zeros(node.shape, bool)
    base, p = node.inputs[0], np.asarray(node.attrs["p"] if "p" in node.attrs else node.inputs[1].numpy())
    whole = (p >= 1) & (p == np.trunc(p)) & (node.inputs[-1] is base or node.inputs[-1] not in flows)
    return whole | ((p > 1) & (everywhere(base, flows).low >= 0))


def _kink_by_hand(node: Tensor) -> bool:
    """Whether an op is on a kink for which only a test, and no slopes, was given."""
    by_hand = type(node.op.kink) is Kink
    return by_hand and bool(on_kink(node, [i.numpy() for i in node.inputs]).any())
