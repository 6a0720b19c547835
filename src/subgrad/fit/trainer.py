"""Training batch by batch, for data that come as a stream: one step a call, the optimiser's state stays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad import optim
from subgrad.compile.rooms import filled, room_for
from subgrad.compile.runtime.fallback import runnable
from subgrad.compile.runtime.threads import get_threads
from subgrad.errors import NonFiniteError
from subgrad.fit import options
from subgrad.fit.arrays import Part, as_batch
from subgrad.fit.diagnose import find_source
from subgrad.fit.kept import Table, kept
from subgrad.fit.several.batch_form import require_call
from subgrad.fit.several.several_outputs import looked_up, loss_for
from subgrad.fit.step import Forward, Signature, Step, check_values, initial_state, trace_forward, trace_step
from subgrad.graph.tensor import constant
from subgrad.graph.tree import leaves, rebuild
from subgrad.graph.values import assign_all, nodes_of
from subgrad.io.interrupts import Interrupts
from subgrad.nn.module import Module


class Trainer:
    """A model in training, for batches that come one by one; `subgrad.fit` is for a data set.

    Args:
        model: any module; its parameters change with each call of `partial_fit`.
        loss: a name, such as ``"cross_entropy"``, or a function ``loss(output, y)`` that returns a scalar tensor; for
            several outputs as in `subgrad.fit`.
        loss_weights: a factor for the loss of each output.
        optimizer: an optimiser, or the name of one with its default settings.
        seed: of dropout and other random numbers.
        accumulate: of how many batches the gradients are put together for one step of the optimiser, as one batch of
            all their samples has them. The parameters change with every so many-th call of `partial_fit`.

    Attributes:
        steps: how many batches were trained on.
        state: the optimiser's state, as its ``init`` and ``update`` make it; if it accumulates that is
            ``state["inner"]``, beside the sums.

    Raises:
        ArgumentError: for an argument that is not what is said above.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> net = sg.nn.Linear(3, 1, seed=0)
        >>> trainer = sg.Trainer(net, loss="squared", optimizer=sg.Adam(0.1))
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> losses = [trainer.partial_fit(batch, batch.sum(1)) for batch in np.split(np.tile(x, (40, 1)), 160)]
        >>> losses[-1] < 0.01, trainer.steps
        (True, 160)
    """

    def __init__(
        self, model: Module, *, loss: Any, loss_weights: Any = None, optimizer: str | optim.Optimizer = "adam",
        seed: int = 0, accumulate: int = 1,
    ) -> None:  # fmt: skip
        options.require_module("Trainer", model)
        self.model, self.loss, self.loss_weights = model, looked_up(loss), loss_weights
        self.optimizer = optim.get(optimizer)
        self.seed, self.steps = options.seed(seed), 0
        self.accumulate = options.count("accumulate", accumulate)
        self.state = initial_state(model, self.optimizer, self.accumulate > 1)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Take one step on one batch.

        Args:
            X: (n, ...) array, tensor or frame, or several, as for `subgrad.fit`.
            y: (n, ...) targets, as the loss takes them, or several.
            sample_weight: (n,) weights, given to the loss.

        Returns:
            The loss of the batch before the step.

        Raises:
            DataError: for NaN, inf or text in the data, or targets that do not fit the loss.
            ShapeError: if X and y differ in length, or an op in the model does not fit.
            NonFiniteError: if the loss or a new parameter is NaN or inf, with the op; the model is then as it was.
        """
        data = as_batch(self.model._dtype(), X, y, sample_weight)
        batch, form = data.arrays, data.form
        require_call(self.model, form.x)
        chosen = loss_for(self.loss, self.loss_weights, form.y)
        options.require_weighted(chosen, form.weighted)
        check_values(self.model, chosen, batch, form)
        if not self.model.training:
            self.model.train()
        way = _Ways(self, chosen, data).way(batch)
        step = way.step
        parameters = [p for _, p in self.model.named_state()]
        before = [*(n.numpy() for n in nodes_of(parameters)), *(s.numpy() for s in leaves(self.state))]
        last = [np.array(float((self.steps + 1) % self.accumulate == 0))] if step.accumulates else []
        first = [np.array([self.seed, self.steps]), *last, *way.numbers, *filled(batch, way.rows), *step.sizes]
        outputs = way.program([*first, *(v.copy() for v in before)])
        loss, values = float(outputs[0]), outputs[step.measured :]
        if not np.isfinite(loss) or not all(np.isfinite(v).all() for v in values if v.dtype.kind == "f"):
            source = find_source(step, [*first, *before]) or "every number is finite when the step is repeated"
            raise NonFiniteError(f"the loss or a parameter became NaN or inf in step {self.steps + 1}: {source}")
        with Interrupts() as interrupts, interrupts.later():  # parameters, state and their number belong together
            assign_all(parameters, [constant(v) for v in values[: len(parameters)]])
            self.state = rebuild(self.state, [constant(v) for v in values[len(parameters) :]])
            self.steps += 1
        return loss


class _Ways:
    """The programs of a trainer, for batches of one form and loss: kept with the model."""

    def __init__(self, trainer: Trainer, loss: Callable[..., Any], batch: Part) -> None:
        self._parts, self._accumulates = (trainer.model, loss, trainer.optimizer, trainer.state), trainer.accumulate > 1
        self._forms, self._nested = [(a.shape[1:], a.dtype) for a in batch.arrays], batch.form
        programs = kept(trainer.model, loss, trainer.optimizer)
        key = batch.form, *self._forms, get_threads(), self._accumulates
        self._rooms, self._ways = (_entry(programs, (what, *key)) for what in ("programs of one step", "one step"))

    def way(self, batch: list[np.ndarray]) -> _Way:
        """How a batch is trained on: in a program that takes so many rows, or more."""
        rows, rooms = len(batch[0]), self._rooms
        if rows not in self._ways:
            takes_fewer = all(made.step.shorter is not None for room, made in rooms.items() if room > 1)
            room = room_for(rows, [*rooms]) if takes_fewer else rows
            self._ways[rows] = self._in_room(rows, room) or self._in_room(rows, rows)
        return self._ways[rows]

    def _in_room(self, rows: int, room: int) -> _Way | None:
        """In the program for ``room`` rows, if that takes so few."""
        if room not in self._rooms:
            self._rooms[room] = self._made(room)
        way = self._rooms[room]
        if rows == room:
            return way
        numbers = None if way.step.shorter is None else way.step.numbers_for(self._forward(rows))
        return None if numbers is None else way._replace(numbers=[np.array(n) for n in numbers])

    def _made(self, rows: int) -> _Way:
        short = self._forward(rows - 1) if rows > 1 else None
        step = trace_step(*self._parts, self._of_length(rows), {}, False, short, self._nested, self._accumulates)
        program = runnable(step.inputs, step.outputs, step.variables)
        return _Way(step, program, rows, [np.array(n) for n in step.numbers])

    def _forward(self, rows: int) -> Forward | None:
        """None if it fails: if batches of so many rows come, their own trace says why."""
        with contextlib.suppress(Exception):
            return trace_forward(*self._parts[:2], self._of_length(rows), {}, self._nested, self._accumulates)
        return None

    def _of_length(self, rows: int) -> list[Signature]:
        return [((rows, *shape), dtype) for shape, dtype in self._forms]


class _Way(NamedTuple):
    """How a batch of some length is trained on: in a program for ``rows`` rows, which is told how many count."""

    step: Step
    program: Any
    rows: int
    numbers: Sequence[np.ndarray]


def _entry(programs: dict[Any, Any], key: Any) -> Table:
    if key not in programs:
        programs[key] = Table()
    return programs[key]


__all__ = ["Trainer"]
