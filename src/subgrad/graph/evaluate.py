"""Values on demand: runs the NumPy reference of each op that a value needs, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from subgrad.graph.order import toposort

if TYPE_CHECKING:
    from subgrad.graph.tensor import Tensor


def evaluate(outputs: Iterable[Tensor]) -> None:
    """Give every node that ``outputs`` need a value, if it has none yet."""
    for node in toposort(outputs, is_leaf=lambda n: n._value is not None):
        if node._value is None:
            value = reference(node, [i._value for i in node.inputs])  # pyright: ignore[reportArgumentType]
            value.flags.writeable = False
            node._value = value


def reference(node: Tensor, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """The value of ``node`` by its op's NumPy reference, for ``inputs`` as the values of its inputs."""
    with np.errstate(all="ignore"):  # inf and NaN are values; who wants them reported asks for a check
        value = np.asarray(node.op.ref(*inputs, **node.attrs), dtype=node.dtype)
    return value.view()
