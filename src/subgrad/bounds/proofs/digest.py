"""Digests of networks: the names by which checked proofs call them."""

from __future__ import annotations

from subgrad.bounds.proofs.proof import digests, written
from subgrad.bounds.traced import Function, traced
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64
from subgrad.graph.tensor import placeholder


def network_digest(net: Function, dimensions: int) -> str:
    """The SHA-256 digest by which ``python -m subgrad.bounds.checker`` names a network: 64 hexadecimal digits.

    It is that of the operations on a point, with all weights as they are stored: a proof speaks of a network if it has
    this digest.

    Args:
        net: a module (taken in evaluation mode) or another function of tensors, from points (N, d).
        dimensions: the d.

    Raises:
        ArgumentError: for anything else.
        ShapeError: if the network does not take such points.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.bounds import network_digest
        >>> one, other = (sg.nn.Linear(2, 1, seed=s) for s in (0, 1))
        >>> network_digest(one, 2) == network_digest(one, 2), network_digest(one, 2) == network_digest(other, 2)
        (True, False)
    """
    if isinstance(dimensions, bool) or not isinstance(dimensions, int) or dimensions < 1:
        raise ArgumentError(f"a network has 1 or more inputs, got {dimensions!r}")
    point = placeholder((1, dimensions), float64, "a point")
    found = traced(net, point, "the network")
    nodes, constants, (place,) = written([found.output], point, dict(zip(found.weights, found.values, strict=True)))
    return digests(nodes, constants)[place]


__all__ = ["network_digest"]
