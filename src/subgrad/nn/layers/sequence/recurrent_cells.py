"""One step of a recurrence as a layer, for loops of one's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.graph.tree import Tree
from subgrad.nn import init, validation
from subgrad.nn.layers.recurrent import GRU, LSTM, RNN
from subgrad.nn.module import Module
from subgrad.ops import einsum, zeros


class _Cell(Module):
    gates: ClassVar[int] = 1
    tensors: ClassVar[int] = 1

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, *, seed: int | None = None) -> None:
        validation.sizes(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        random, rows, bound = init.generator(seed), self.gates * hidden_size, 1 / math.sqrt(hidden_size)
        start = partial(init.within, bound)
        self.weight_ih = init.parameter((rows, input_size), start, random)
        self.weight_hh = init.parameter((rows, hidden_size), start, random)
        self.bias_ih = init.parameter((rows,), start, random) if bias else None
        self.bias_hh = init.parameter((rows,), start, random) if bias else None

    def forward(self, x: TensorLike, state: Tree = None) -> Tree:
        """The state after x of shape (N, input_size), from the state before; zeros if it is None."""
        x = as_tensor(x, self.weight_ih.dtype)
        if x.ndim != 2 or x.shape[1] != self.input_size:
            raise ShapeError(f"{type(self).__name__} takes a shape (N, {self.input_size}), got {x.shape}")
        before = self._before(state, x)
        z, recurrent = einsum("ni,gi->ng", x, self.weight_ih), einsum("nh,gh->ng", before[0], self.weight_hh)
        if self.bias_ih is not None and self.bias_hh is not None:
            z, recurrent = z + self.bias_ih, recurrent + self.bias_hh
        return self._step(z, recurrent, before[0] if self.tensors == 1 else tuple(before))

    def _before(self, state: Tree, x: Tensor) -> Sequence[Tensor]:
        shape = x.shape[0], self.hidden_size
        if state is None:
            return [zeros(shape, x.dtype)] * self.tensors
        given = [state] if self.tensors == 1 else state
        if self.tensors > 1 and (not isinstance(state, (tuple, list)) or len(state) != self.tensors):
            raise ArgumentError(f"the state of {type(self).__name__} is a pair (h, c), got {type(state).__name__}")
        found = [as_tensor(s, x.dtype) for s in given]
        for s in found:
            if s.shape != shape:
                raise ShapeError(f"a state of this {type(self).__name__} has shape {shape}, got {s.shape}")
        return found

    def _gate(self, z: Tensor, k: int) -> Tensor:
        return z[:, k * self.hidden_size : (k + 1) * self.hidden_size]

    def _step(self, z: Tensor, recurrent: Tensor, state: Tree) -> Tree:
        raise NotImplementedError


class RNNCell(_Cell):
    """One step of `RNN`: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    Args:
        input_size: features of the input.
        hidden_size: features of the state h.
        bias: whether there are b_ih and b_hh.
        nonlinearity: tanh or relu.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight_ih: shape (hidden_size, input_size).
        weight_hh: shape (hidden_size, hidden_size).
        bias_ih, bias_hh: shape (hidden_size,), or None.

    Raises:
        ArgumentError: for sizes below 1, or another nonlinearity.
        ShapeError: when called, for an input or a state of another shape.

    Example:
        >>> import subgrad as sg
        >>> cell, h = sg.nn.RNNCell(3, 5), None
        >>> for x in sg.zeros((4, 2, 3)):
        ...     h = cell(x, h)
        >>> h.shape
        (2, 5)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", *,
        seed: int | None = None,
    ) -> None:  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"RNNCell has the nonlinearity tanh or relu, not {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias, seed=seed)

    _step = RNN._step  # pyright: ignore[reportAssignmentType]


class LSTMCell(_Cell):
    """One step of `LSTM`: its state is a pair (h, c), its rows of weights are those of four gates. Arguments and errors
    are those of `RNNCell`, but for the nonlinearity.

    >>> import subgrad as sg
    >>> h, c = sg.nn.LSTMCell(3, 5)(sg.zeros((2, 3)))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """

    gates: ClassVar[int] = 4
    tensors: ClassVar[int] = 2
    _step = LSTM._step  # pyright: ignore[reportAssignmentType]


class GRUCell(_Cell):
    """One step of `GRU`: its rows of weights are those of three gates. Arguments and errors are those of `RNNCell`, but
    for the nonlinearity.

    >>> import subgrad as sg
    >>> sg.nn.GRUCell(3, 5)(sg.zeros((2, 3))).shape
    (2, 5)
    """

    gates: ClassVar[int] = 3
    _step = GRU._step  # pyright: ignore[reportAssignmentType]


__all__ = ["GRUCell", "LSTMCell", "RNNCell"]
