"""The NumPy interpreter: runs the reference of every op, in order. It is the oracle that native code is held to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.compile.runtime.turns import end_turn
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.evaluate import reference
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor


def takes(node: Tensor, array: np.ndarray, steps: Sequence[int] = ()) -> bool:
    """Whether the array can be the value of a placeholder, or one for each of so many ``steps``."""
    shape = (*steps, *node.shape)
    if node.attrs.get("open"):
        return (array.dtype, array.shape[1:]) == (node.dtype, shape[1:]) and array.ndim > 0 and len(array) > 0
    return (array.shape, array.dtype) == (shape, node.dtype)


class Interpreter:
    """A traced graph as a function of arrays.

    Args:
        inputs: the placeholders, in the order of the arguments.
        outputs: the nodes whose values are wanted.

    Example:
        >>> import numpy as np
        >>> from subgrad.graph.tensor import placeholder
        >>> x = placeholder((2,), "float32")
        >>> Interpreter([x], [x * 2])([np.ones(2, np.float32)])
        [array([2., 2.], dtype=float32)]
    """

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        order = toposort(outputs)
        known = set(inputs)
        missing = [n for n in order if n.op is INPUT and n not in known]
        if missing:
            raise ArgumentError(f"the graph needs {missing[0]!r}, which is not among its inputs")
        slot = {node: i for i, node in enumerate([*inputs, *(n for n in order if n not in known)])}
        self.inputs = list(inputs)
        self._outputs = [slot[o] for o in outputs]
        self._constants = [(slot[n], n.numpy()) for n in order if n.op is CONST and n not in known]
        computed = [n for n in order if n.op not in (CONST, INPUT)]
        self._steps = [(n, slot[n], [slot[i] for i in n.inputs]) for n in computed]
        self._dead = self._last_uses()
        self._size = len(slot)

    def _last_uses(self) -> list[list[int]]:
        """For each step the slots that nobody reads after it."""
        last = {s: i for i, (_, _, sources) in enumerate(self._steps) for s in sources}
        kept = {*self._outputs, *(s for s, _ in self._constants)}
        dead: list[list[int]] = [[] for _ in self._steps]
        for s, i in last.items():
            if s not in kept:
                dead[i].append(s)
        return dead

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The values of the outputs for ``arrays`` as the values of the inputs."""
        values = self._start(arrays)
        for (node, target, sources), dead in zip(self._steps, self._dead, strict=True):
            values[target] = reference(node, [values[s] for s in sources])  # pyright: ignore[reportArgumentType]
            for s in dead:
                values[s] = None
        end_turn()
        return [values[o] for o in self._outputs]  # pyright: ignore[reportReturnType]

    def trace(self, arrays: Sequence[np.ndarray]) -> dict[Tensor, np.ndarray]:
        """The value of every node: for finding out where something went wrong."""
        values = self._start(arrays)
        for node, target, sources in self._steps:
            values[target] = reference(node, [values[s] for s in sources])  # pyright: ignore[reportArgumentType]
        found = {node: values[target] for node, target, _ in self._steps}
        return {**dict(zip(self.inputs, arrays, strict=True)), **found}  # pyright: ignore[reportReturnType]

    def _start(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        values: list[np.ndarray | None] = [None] * self._size
        for i, (node, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            if not takes(node, array):
                raise ShapeError(f"expected {node.dtype}{node.shape}, got {array.dtype}{array.shape}")
            values[i] = array
        for i, array in self._constants:
            values[i] = array
        return values
