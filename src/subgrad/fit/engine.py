"""Runs training steps on arrays: the part of a run that a compiled program can take over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from subgrad.compile.interpret import Interpreter
from subgrad.fit.diagnose import find_source
from subgrad.fit.step import Signature, Step

TraceFor = Callable[[Sequence[Signature]], Step]


class NonFiniteLoss(Exception):
    """Inside of a run: the batch whose loss was not finite, and where that came from."""

    def __init__(self, batch: int, source: str) -> None:
        super().__init__(source)
        self.batch, self.source = batch, source


class Interpreted:
    """Training steps on the NumPy interpreter, one program for each batch size that occurs.

    Args:
        trace: gives the step for the shapes of a batch.
        data: arrays with an axis of samples, such as (X, y).
        variables: parameters and optimiser state at the start.
    """

    def __init__(self, trace: TraceFor, data: Sequence[np.ndarray], variables: Sequence[np.ndarray]) -> None:
        self.data, self.variables = data, list(variables)
        self._trace = trace
        self._steps: dict[int, tuple[Step, Interpreter]] = {}
        self._before: list[np.ndarray] | None = None

    def run(self, batches: Sequence[np.ndarray], seed: int, first_step: int, first_batch: int = 0) -> np.ndarray:
        """Take one step for each array of sample numbers; the loss and the metrics of each, before its update.

        Raises `NonFiniteLoss` at the first loss that is NaN or inf; the variables are then those from before it.
        """
        rows = [self._one(rows, seed, first_step + i, first_batch + i) for i, rows in enumerate(batches)]
        return np.asarray(rows, np.float64)

    def _one(self, rows: np.ndarray, seed: int, number: int, batch: int) -> list[float]:
        step, program = self._program(len(rows))
        arrays = [np.array([seed, number]), *(a[rows] for a in self.data), *self.variables]
        outputs = program(arrays)
        measured = [float(v) for v in outputs[: len(step.names)]]
        if not np.isfinite(measured[0]):
            raise NonFiniteLoss(batch, self._explain(step, arrays))
        self._before, self.variables = arrays, outputs[len(step.names) :]
        return measured

    def _explain(self, step: Step, arrays: Sequence[np.ndarray]) -> str:
        """Where the NaN or inf came from: this step, or the update before it if that spoiled a parameter."""
        spoiled = any(v.dtype.kind == "f" and not np.isfinite(v).all() for v in self.variables)
        if spoiled and self._before is not None:
            rows = len(self._before[1])
            earlier = find_source(self._program(rows)[0], self._before)
            if earlier:
                return f"{earlier}, in the step before"
        return find_source(step, arrays) or "every number of the step is finite when it is repeated"

    def _program(self, rows: int) -> tuple[Step, Interpreter]:
        if rows not in self._steps:
            step = self._trace([((rows, *a.shape[1:]), a.dtype) for a in self.data])
            self._steps[rows] = step, step.interpreter()
        return self._steps[rows]
