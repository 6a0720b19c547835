"""Recurrent layers: `RNN`, `LSTM` and `GRU`, with PyTorch's parameters, by `subgrad.scan`.

The products with the inputs of all steps are one product before the loop; in the loop is only what waits for the step
before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph.dtype import bool_
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.graph.tree import Tree, leaves, tree_map
from subgrad.nn import init, validation
from subgrad.nn.layers.dropout import Dropout
from subgrad.nn.module import Module
from subgrad.ops import concatenate, contract, einsum, relu, sigmoid, stack, tanh, where, zeros
from subgrad.recur import scan

_RETURNS = ("both", "sequence", "last")


class _Recurrent(Module):
    """What the three have in common: layers, directions, masks; a subclass has the step of one layer."""

    gates: ClassVar[int] = 1
    tensors: ClassVar[int] = 1  # that the state of a layer consists of
    adds: ClassVar[bool] = True  # whether the recurrent bias is only added, and may be so before the loop

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        batch_first: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        returns: str = "both",
        seed: int | None = None,
    ) -> None:
        validation.sizes(type(self).__name__, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        if returns not in _RETURNS:
            raise ArgumentError(f"{type(self).__name__} returns one of {', '.join(_RETURNS)}, not {returns!r}")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.batch_first, self.bidirectional, self.returns = batch_first, bidirectional, returns
        self.dropout = Dropout(dropout).p
        random, rows, bound = init.generator(seed), self.gates * hidden_size, 1 / math.sqrt(hidden_size)
        for layer, suffix in self._directions():
            width = hidden_size * (1 + bidirectional) if layer else input_size
            shapes = {"weight_ih": (rows, width), "weight_hh": (rows, hidden_size)}
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
            for name, shape in shapes.items():
                setattr(self, f"{name}{suffix}", init.parameter(shape, partial(init.within, bound), random))

    def forward(self, x: TensorLike, state: Tree = None, *, mask: TensorLike | None = None) -> Any:
        y, last = self.run(x, state, mask=mask)
        if self.returns == "last":
            return self._ends(last)
        return y if self.returns == "sequence" else (y, last)

    def run(self, x: TensorLike, state: Tree = None, *, mask: TensorLike | None = None) -> tuple[Tensor, Tree]:
        """The outputs and the last state, whatever the layer ``returns``: to go on where a sequence ended."""
        x = self._checked(as_tensor(x, self._dtype()))
        batch, steps = x.shape[0], x.shape[1]
        valid = None
        if mask is not None:
            valid = self._checked_mask(as_tensor(mask), (batch, steps))
            x = where(valid[:, :, None], x, 0)  # what fills up a sequence may be NaN: 0 times it is no 0
        first, last = iter(self._first(state, batch, x)), []
        for layer in range(self.num_layers):
            x = Dropout(self.dropout).train(self.training)(x) if layer else x
            suffixes = [s for at, s in self._directions() if at == layer]
            runs = [self._run(suffix, x, next(first), valid) for suffix in suffixes]
            last += [state for state, _ in runs]
            x = concatenate([ys for _, ys in runs], 2) if len(runs) > 1 else runs[0][1]
        x = x if self.batch_first else x.transpose(1, 0, 2)
        return x, self._state([stack(column) for column in zip(*map(leaves, last), strict=True)])

    def _ends(self, state: Tree) -> Tensor:
        """The last h of the last layer, of both directions if there are two."""
        h = leaves(state)[0]
        return concatenate([h[-2], h[-1]], 1) if self.bidirectional else h[-1]

    def _directions(self) -> Iterator[tuple[int, str]]:
        """The layer and the suffix of the parameters of each run through the steps."""
        ways = ["", "_reverse"] if self.bidirectional else [""]
        return ((layer, f"_l{layer}{way}") for layer in range(self.num_layers) for way in ways)

    def _run(self, suffix: str, x: Tensor, state: Tree, valid: Tensor | None) -> tuple[Tree, Tensor]:
        """One layer in one direction: its last state, and its outputs, examples first."""
        w_ih, w_hh = getattr(self, f"weight_ih{suffix}"), getattr(self, f"weight_hh{suffix}")
        b_ih, b_hh = getattr(self, f"bias_ih{suffix}", None), getattr(self, f"bias_hh{suffix}", None)
        z = contract(x, w_ih.node, spec="bti,gi->tbg")
        if b_ih is not None:
            z, b_hh = (z + (b_ih + b_hh), None) if self.adds else (z + b_ih, b_hh)

        def step(state: Tree, row: Any) -> tuple[Tree, Tensor]:
            z, here = row
            recurrent = einsum("bh,gh->bg", leaves(state)[0], w_hh)
            new = self._step(z, recurrent if b_hh is None else recurrent + b_hh, state)
            if here is None:
                return new, leaves(new)[0]
            new = tree_map(lambda a, b: where(here, a, b), new, state)
            return new, where(here, leaves(new)[0], 0)

        rows = z, None if valid is None else valid.T[:, :, None]
        last, ys = scan(step, state, rows, reverse=suffix.endswith("_reverse"))
        return last, ys.transpose(1, 0, 2)

    def _step(self, z: Tensor, recurrent: Tensor, state: Any) -> Tree:
        """The state after a step, from W_ih x + b_ih, W_hh h + b_hh and the state before."""
        raise NotImplementedError

    def _gate(self, z: Tensor, k: int) -> Tensor:
        return z[:, k * self.hidden_size : (k + 1) * self.hidden_size]

    # Arguments and results

    def _checked(self, x: Tensor) -> Tensor:
        """The input with examples first."""
        owner = f"{type(self).__name__}({self.input_size}, {self.hidden_size})"
        if x.ndim != 3:
            order = "(examples, steps, features)" if self.batch_first else "(steps, examples, features)"
            raise ShapeError(f"{owner} takes a shape {order}, got {x.shape}")
        validation.last_axes(owner, x, (self.input_size,))
        return x if self.batch_first else x.transpose(1, 0, 2)

    def _checked_mask(self, mask: Tensor, shape: tuple[int, int]) -> Tensor:
        if mask.dtype != bool_:
            raise DTypeError(f"a mask is bool, True at the steps that count; got {mask.dtype}")
        mask = mask if self.batch_first else mask.T
        if mask.shape != shape:
            raise ShapeError(f"a mask has a shape (examples, steps) = {shape} here, got {mask.shape}")
        return mask

    def _first(self, state: Tree, batch: int, x: Tensor) -> list[Tree]:
        """The first state of each run."""
        shape = self.num_layers * (1 + self.bidirectional), batch, self.hidden_size
        given = [zeros(shape, x.dtype)] * self.tensors
        if state is not None:
            given = [as_tensor(s, x.dtype) for s in self._tensors(state)]
        for s in given:
            if s.shape != shape:
                raise ShapeError(f"a first state of this {type(self).__name__} has shape {shape}, got {s.shape}")
        return [self._state([s[k] for s in given]) for k in range(shape[0])]

    def _tensors(self, state: Tree) -> Sequence[TensorLike]:
        return [state]

    def _state(self, tensors: Sequence[Tensor]) -> Tree:
        return tensors[0]


class RNN(_Recurrent):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), step by step (Elman 1990, "Finding structure in time").

    All starts uniformly between -1/sqrt(hidden_size) and 1/sqrt(hidden_size). Parameters, their shapes and their order
    are PyTorch's, so that a state can be carried over.

    Args:
        input_size: features of the input.
        hidden_size: features of the state h, and of the output in each direction.
        num_layers: layers, each of which reads the outputs of the one before.
        bias: whether there are b_ih and b_hh.
        nonlinearity: tanh or relu.
        batch_first: inputs and outputs are (examples, steps, features), as everywhere here; False for PyTorch's
            default, (steps, examples, features).
        dropout: with which probability an output of a layer is 0 for the next layer, in training mode.
        bidirectional: a second run goes from the last step to the first, and the two outputs are joined.
        returns: ``"both"``, the outputs of all steps and the last state; ``"sequence"``, the outputs alone
            (many to many); ``"last"``, the last layer's h after the last step (many to one), of each direction.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight_ih_l0: W_ih of layer 0, shape (hidden_size, input_size); ``_l1`` and so on, ``_l0_reverse``.
        weight_hh_l0: W_hh, shape (hidden_size, hidden_size).
        bias_ih_l0: b_ih, shape (hidden_size,).
        bias_hh_l0: b_hh, the same.

    Called with:
        x: the inputs.
        state: the first state, (num_layers * directions, examples, hidden_size); zeros if it is None.
        mask: bool, (examples, steps), True at the steps that an example has: others leave its state as it is, and
            their output is 0. So sequences of several lengths go together, filled up at the end, with whatever it is.

    Raises:
        ArgumentError: for sizes below 1, or an unknown ``returns``.
        ShapeError: when called, for an input, a state or a mask of another shape.
        DTypeError: when called, for a mask that is not bool.

    Example:
        >>> import subgrad as sg
        >>> rnn = sg.nn.RNN(3, 5)
        >>> outputs, last = rnn(sg.zeros((2, 7, 3)))
        >>> outputs.shape, last.shape
        ((2, 7, 5), (1, 2, 5))
        >>> sg.nn.Sequential(sg.nn.RNN(3, 5, returns="last"), sg.nn.Linear(5, 1))(sg.zeros((2, 7, 3))).shape
        (2, 1)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        nonlinearity: str = "tanh",
        batch_first: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        returns: str = "both",
        seed: int | None = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"RNN has the nonlinearity tanh or relu, not {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size, hidden_size, num_layers, bias=bias, batch_first=batch_first, dropout=dropout,
            bidirectional=bidirectional, returns=returns, seed=seed,
        )  # fmt: skip

    def _step(self, z: Tensor, recurrent: Tensor, state: Tensor) -> Tensor:
        return tanh(z + recurrent) if self.nonlinearity == "tanh" else relu(z + recurrent)


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter, Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735; the forget gate is of
    Gers, Schmidhuber, Cummins 2000).

    With (i, f, g, o) = W_ih x + b_ih + W_hh h + b_hh: c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c').

    Arguments (but for the nonlinearity), attributes, the call and its errors are those of `RNN`. The state is a pair
    (h, c), and the rows of the gates i, f, g and o follow each other in a weight or bias: ``weight_ih_l0`` has shape
    (4 * hidden_size, input_size). This order is PyTorch's.

    Example:
        >>> import subgrad as sg
        >>> lstm = sg.nn.LSTM(3, 5, bidirectional=True)
        >>> outputs, (h, c) = lstm(sg.zeros((2, 7, 3)))
        >>> outputs.shape, h.shape, c.shape
        ((2, 7, 10), (2, 2, 5), (2, 2, 5))
    """

    gates: ClassVar[int] = 4
    tensors: ClassVar[int] = 2

    def _step(self, z: Tensor, recurrent: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        i, f, g, o = (self._gate(z + recurrent, k) for k in range(4))
        c = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    def _tensors(self, state: Tree) -> Sequence[TensorLike]:
        if not isinstance(state, (tuple, list)) or len(state) != 2:
            raise ArgumentError(f"the first state of an LSTM is a pair (h, c), got {type(state).__name__}")
        return state

    def _state(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(tensors)


class GRU(_Recurrent):
    """Gated recurrent unit (Cho et al. 2014, arXiv 1406.1078), with the reset gate behind the product, as PyTorch's.

    With (r, z, n) = W_ih x + b_ih and (r', z', n') = W_hh h + b_hh: u = σ(z + z'),
    h' = (1 - u) tanh(n + σ(r + r') n') + u h.

    Arguments (but for the nonlinearity), attributes, the call and its errors are those of `RNN`. The rows of the gates
    r, z and n follow each other in a weight or bias: ``weight_ih_l0`` has shape (3 * hidden_size, input_size). This
    order is PyTorch's.

    Example:
        >>> import subgrad as sg
        >>> gru = sg.nn.GRU(3, 5, num_layers=2, returns="sequence")
        >>> gru(sg.zeros((2, 7, 3))).shape
        (2, 7, 5)
    """

    gates: ClassVar[int] = 3
    adds: ClassVar[bool] = False

    def _step(self, z: Tensor, recurrent: Tensor, state: Tensor) -> Tensor:
        reset, update = (sigmoid(self._gate(z, k) + self._gate(recurrent, k)) for k in range(2))
        new = tanh(self._gate(z, 2) + reset * self._gate(recurrent, 2))
        return (1 - update) * new + update * state


__all__ = ["GRU", "LSTM", "RNN"]
