"""The two native programs of a model for tables: many training steps, and scores of many rows.

Both gather their rows by number, for each member others, from an array of any length: so one program is for all tables
of the same columns, for training, for the rows that a member has not seen, and for predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from subgrad import ops, optim
from subgrad.compile.runtime.fallback import runnable
from subgrad.diff.reverse import gradients
from subgrad.graph.dtype import float32, int64
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor, constant, placeholder
from subgrad.graph.tree import leaves, rebuild
from subgrad.graph.values import assign_all
from subgrad.nn.functional_call import bound
from subgrad.nn.running import evaluating
from subgrad.ops import gather, random
from subgrad.tabular.defaults import Settings
from subgrad.tabular.network import TabularNetwork

CACHED = 2**18  # numbers in the widest layer of all members that are computed at a time
LARGEST = 2**24  # numbers in the inputs of all members at a time, of which a wide table has far more
FEW = 8  # rows that have a program of their own: one row is answered in a fraction of the time that many take


class Trainer:
    """Training steps of all members, each on rows of its own.

    Args:
        net: what is trained; it gets its new values by `publish`.
        data: features (n, d), targets (n,) and, if they differ, weights (n,) of the rows.
        settings: see there.
        seed: of dropout.
        quantiles: what the outputs are of numbers, in the place of their mean.
    """

    def __init__(
        self, net: TabularNetwork, data: Sequence[np.ndarray], settings: Settings, batch: int, seed: int,
        quantiles: Sequence[float] = (),
    ) -> None:  # fmt: skip
        self.net, self.data, self.batch, self.seed, self.steps = net, list(data), batch, seed, 0
        self._settings, self._classes, self._quantiles = settings, data[1].dtype.kind == "i", quantiles
        self._optimizer = optim.AdamW(1.0, betas=(0.9, 0.95), weight_decay=settings.weight_decay)
        self._state = self._optimizer.init([p.node for p in net.parameters()])
        self.variables = [a.copy() for a in (*self.values(), *(s.numpy() for s in leaves(self._state)))]

    def values(self) -> list[np.ndarray]:
        """The values of the network's parameters."""
        return list(self.net.state_dict().values())

    def run(self, rows: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Take a step for each of ``rows`` (steps, members, batch), of the step ``sizes`` (steps,).

        Returns the losses (steps,), means over the members.
        """
        steps = len(rows)
        numbers = np.arange(self.steps, self.steps + steps)
        seeds = np.stack([np.full_like(numbers, self.seed), numbers], axis=1)
        arrays = [seeds, rows.reshape(steps, -1), sizes.astype(np.float32), *self.data]
        self.steps += steps
        return self._program([*arrays, *self.variables], steps)[0]

    def publish(self) -> None:
        """Give the network the values that the steps have led to."""
        parameters = self.net.parameters()
        self.take([v.copy() for v in self.variables[: len(parameters)]])

    def take(self, values: Sequence[np.ndarray]) -> None:
        """Give the network these values."""
        assign_all(self.net.parameters(), [constant(v) for v in values])

    @cached_property
    def _program(self) -> Any:
        seed, rows = placeholder((2,), int64, "seed"), placeholder((self.net.members * self.batch,), int64, "rows")
        size = placeholder((), float32, "step size")
        names = ("x", "y", "weight")[: len(self.data)]
        data = [placeholder((len(rows), *a.shape[1:]), a.dtype, name, open=True)
                for name, a in zip(names, self.data, strict=True)]  # fmt: skip
        held = [placeholder(p.shape, p.dtype, name) for name, p in self.net.named_parameters()]
        state = rebuild(self._state, [placeholder(s.shape, s.dtype, "state") for s in leaves(self._state)])
        batch = [_shared(apply(gather, (d, rows), {"axes": (0,)}), self.net.members) for d in data]
        with random.seeded(seed), bound(self.net.parameters(), held):
            loss = self._loss(self.net(batch[0]), *batch[1:])
        updates, after = self._optimizer.update(gradients(loss, held), state, held, loss)
        new = [p + (size * rate) * u for p, u, rate in zip(held, updates, self.net.rates(), strict=True)]
        inputs = [seed, rows, size, *data, *held, *leaves(state)]
        outputs = [n.node for n in (loss / self.net.members, *new, *leaves(after))]
        first = 3 + len(data)
        variables = {1 + i: first + i for i in range(len(inputs) - first)}
        return runnable(inputs, outputs, variables, stepped=range(3), measured=[0])

    def _loss(self, out: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """The sum over the members of the mean over their rows."""
        if self._classes:
            smooth, classes = self._settings.label_smoothing, out.shape[-1]
            right = ops.one_hot(y, classes, out.dtype) * (1 - smooth) + smooth / classes
            losses = -(right * ops.log_softmax(out)).sum(-1)
        elif self._quantiles:
            above, levels = y.reshape(*y.shape, 1) - out, constant(np.array(self._quantiles, np.float32))
            losses = ops.maximum(levels * above, (levels - 1) * above).mean(-1)
        else:
            losses = (out[:, :, 0] - y) ** 2
        return (losses if weight is None else losses * weight).mean(1).sum()


class Scorer:
    """Scores of rows by the members of a network."""

    def __init__(self, net: TabularNetwork) -> None:
        self.net = net
        self._programs: dict[int, Any] = {}

    def of_all(self, x: np.ndarray) -> np.ndarray:
        """Scores of all rows of the features (n, d) by each member: (members, n, outputs)."""
        return self.of(x, [np.arange(len(x))] * self.net.members)

    def of(self, x: np.ndarray, rows: Sequence[np.ndarray]) -> np.ndarray:
        """Scores (members, longest, outputs) of the rows that each member is given; what is behind them is nothing."""
        longest = max(map(len, rows))
        batch = FEW if longest <= FEW else self._batch
        steps = -(-longest // batch)
        order = np.zeros((self.net.members, steps * batch), np.int64)
        for i, own in enumerate(rows):
            order[i, : len(own)] = own
        order = order.reshape(self.net.members, steps, batch).transpose(1, 0, 2).reshape(steps, -1)
        values = list(self.net.state_dict().values())
        found = self._program(batch)([np.ascontiguousarray(order), np.ascontiguousarray(x), *values], steps)[0]
        found = found.transpose(1, 0, 2, 3)
        return found.reshape(self.net.members, -1, found.shape[-1])[:, :longest]

    @cached_property
    def _batch(self) -> int:
        widest = max(w.shape[2] for w in self.net.weights) * self.net.members
        most = LARGEST // (self.net.weights[0].shape[1] * self.net.members)
        return max(16, min(CACHED // widest, most) // 16 * 16)

    def _program(self, batch: int) -> Any:
        if batch not in self._programs:
            self._programs[batch] = self._made(batch)
        return self._programs[batch]

    def _made(self, batch: int) -> Any:
        rows = placeholder((self.net.members * batch,), int64, "rows")
        x = placeholder((len(rows), self.net.features), float32, "x", open=True)
        held = [placeholder(p.shape, p.dtype, name) for name, p in self.net.named_parameters()]
        with evaluating(self.net), bound(self.net.parameters(), held):
            out = self.net(_shared(apply(gather, (x, rows), {"axes": (0,)}), self.net.members))
        return runnable([rows, x, *held], [out.node], {}, stepped=[0], measured=[0])


def _shared(batch: Tensor, members: int) -> Tensor:
    """The rows of all members as (members, rows, ...)."""
    return batch.reshape(members, -1, *batch.shape[1:])


__all__ = ["Scorer", "Trainer"]
