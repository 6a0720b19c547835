"""Values on demand: runs the NumPy reference of each op that a value needs, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from subgrad.errors import ShapeError, SubgradError
from subgrad.graph import source_location
from subgrad.graph.order import toposort
from subgrad.graph.out_of_range import OutOfRange

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
    """The value of ``node`` by its op's NumPy reference, for ``inputs`` as the values of its inputs.

    Raises `ShapeError`, at the line that made the node, for an index that turns out to be out of range (`DataError` for
    a class), and for a reference that does not keep to its shape rule.
    """
    try:
        with np.errstate(all="ignore"):  # inf and NaN are values; who wants them reported asks for a check
            value = np.asarray(node.op.ref(*inputs, **node.attrs), dtype=node.dtype)
    except IndexError as error:
        raise _located(node, error) from None
    if value.shape != node.shape:
        wrong = f"the reference of {node.op.name} gave {value.shape}, its rule says {node.shape}"
        raise _located(node, IndexError(wrong))
    return value.view()


def _located(node: Tensor, error: IndexError) -> SubgradError:
    with source_location.inherit(node.site, node.scope):
        return error.located() if isinstance(error, OutOfRange) else ShapeError(str(error))
