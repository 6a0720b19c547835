"""The position of a node's inputs relative to its kink: on it or not, the distance, and how to move onto it and off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.errors import GradientError
from subgrad.graph import source_location
from subgrad.graph.kink import Kink
from subgrad.graph.tensor import Tensor

Arrays = Sequence[np.ndarray]


def on_kink(node: Tensor, xs: Arrays) -> np.ndarray:
    """Where ``node`` is on its kink if its inputs are ``xs``."""
    with np.errstate(all="ignore"):
        return np.asarray(_kink(node).at(*xs, **node.attrs), dtype=bool)


def margin(node: Tensor, xs: Arrays) -> np.ndarray:
    """The distance of ``node`` from its kink: 0 on it, inf if there is none or the distance is not known."""
    with np.errstate(all="ignore"):
        found = np.asarray(_kink(node).margin(*xs, **node.attrs))
    return np.where(np.isnan(found), np.inf, found)


def snapped(node: Tensor, xs: Arrays, tau: float) -> Arrays:
    """The inputs of ``node`` with those within ``tau`` of its kink on it."""
    return _kink(node).snap(tau, *xs, **node.attrs)


def nudged(node: Tensor, xs: Arrays, ts: Arrays) -> Arrays:
    """The inputs of ``node`` with those on its kink moved off it, along the tangents.

    Raises `GradientError` for an op of several variables whose kink was made by hand.
    """
    found = _kink(node).nudge(xs, ts, **node.attrs)
    if found is None:
        with source_location.inherit(node.site, node.scope):
            raise GradientError(f"how to leave the kink of {node.op.name} is not known: use mode='random'")
    return found


def _kink(node: Tensor) -> Kink:
    assert node.op.kink is not None
    return node.op.kink
