"""Training batch by batch, for data that come as a stream: one step a call, the optimiser's state stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from subgrad import optim
from subgrad.compile.runtime.fallback import runnable
from subgrad.compile.runtime.threads import get_threads
from subgrad.errors import NonFiniteError
from subgrad.fit import options
from subgrad.fit.arrays import as_batch
from subgrad.fit.diagnose import find_source
from subgrad.fit.kept import kept
from subgrad.fit.step import Step, check_values, initial_state, signature, trace_step
from subgrad.graph.tensor import constant
from subgrad.graph.tree import leaves, rebuild
from subgrad.graph.values import assign_all, nodes_of
from subgrad.nn import loss as losses
from subgrad.nn.module import Module


class Trainer:
    """A model in training, for batches that come one by one; `subgrad.fit` is for a data set.

    Args:
        model: any module; its parameters change with each call of `partial_fit`.
        loss: a name, such as ``"cross_entropy"``, or a function ``loss(output, y)`` that returns a scalar tensor.
        optimizer: an optimiser, or the name of one with its default settings.
        seed: of dropout and other random numbers.

    Attributes:
        steps: how many steps were taken.
        state: the optimiser's state, as its ``init`` and ``update`` make it.

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
        self, model: Module, *, loss: str | Callable[..., Any], optimizer: str | optim.Optimizer = "adam", seed: int = 0
    ) -> None:
        options.require_module("Trainer", model)
        self.model, self.loss, self.optimizer = model, losses.get(loss), optim.get(optimizer)
        self.seed, self.steps = options.seed(seed), 0
        self.state = initial_state(model, self.optimizer)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Take one step on one batch.

        Args:
            X: (n, ...) array, tensor or frame, as for `subgrad.fit`.
            y: (n, ...) targets, as the loss takes them.
            sample_weight: (n,) weights, given to the loss.

        Returns:
            The loss of the batch before the step.

        Raises:
            DataError: for NaN, inf or text in the data, or targets that do not fit the loss.
            ShapeError: if X and y differ in length, or an op in the model does not fit.
            NonFiniteError: if the loss or a new parameter is NaN or inf, with the op; the model is then as it was.
        """
        options.require_weighted(self.loss, sample_weight is not None)
        batch = as_batch(self.model._dtype(), X, y, sample_weight)
        check_values(self.model, self.loss, batch)
        self.model.train()
        step, program = self._program(batch)
        parameters = [p for _, p in self.model.named_state()]
        before = [*(n.numpy() for n in nodes_of(parameters)), *(s.numpy() for s in leaves(self.state))]
        first = [np.array([self.seed, self.steps]), *batch, *step.sizes]
        outputs = program([*first, *(v.copy() for v in before)])
        loss, values = float(outputs[0]), outputs[step.measured :]
        if not np.isfinite(loss) or not all(np.isfinite(v).all() for v in values if v.dtype.kind == "f"):
            source = find_source(step, [*first, *before]) or "every number is finite when the step is repeated"
            raise NonFiniteError(f"the loss or a parameter became NaN or inf in step {self.steps + 1}: {source}")
        assign_all(parameters, [constant(v) for v in values[: len(parameters)]])
        self.state = rebuild(self.state, [constant(v) for v in values[len(parameters) :]])
        self.steps += 1
        return loss

    def _program(self, batch: list[np.ndarray]) -> tuple[Step, Any]:
        programs = kept(self.model, self.loss, self.optimizer)
        signatures = [signature(a) for a in batch]
        key = ("one step", *signatures, get_threads())
        if key not in programs:
            step = trace_step(self.model, self.loss, self.optimizer, self.state, signatures, {})
            programs[key] = step, runnable(step.inputs, step.outputs, step.variables)
        return programs[key]


__all__ = ["Trainer"]
