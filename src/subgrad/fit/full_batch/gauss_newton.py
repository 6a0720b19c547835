"""Levenberg and Marquardt's method on all samples, as an engine of a training run: an epoch is one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad.compile.runtime.fallback import runnable
from subgrad.compile.runtime.threads import get_threads
from subgrad.diff import jacobian, vmap
from subgrad.errors import ArgumentError
from subgrad.fit.full_batch.loss_of_all import LossOfAll
from subgrad.fit.full_batch.quasi_newton import QuasiNewton
from subgrad.fit.several.batch_form import Form, call
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.kinks.minimize.objective import Point
from subgrad.nn.functional_call import bound
from subgrad.nn.loss import squared_loss
from subgrad.nn.module import Module
from subgrad.nn.running import in_training
from subgrad.ops import concatenate, ones_like, sqrt

TRIES = 40  # of larger damping, before there is no lower point


class DampedGaussNewton(QuasiNewton):
    """As `QuasiNewton`, with steps that the Jacobian of the residuals gives."""

    def __init__(
        self, settings: Any, loss: LossOfAll, variables: Sequence[np.ndarray], trained: Sequence[bool],
        normal: NormalMatrix,
    ) -> None:  # fmt: skip
        super().__init__(settings, loss, variables, trained)
        self._normal = normal
        self._first, self._damping, self._growth = settings.damping, 0.0, 2.0

    def _next(self, batches: Sequence[np.ndarray], at: Point) -> Point | None:
        shares = self._loss.shares([*self._seen[id(at)][1]], batches)
        matrix = sum(s * self._normal(part, self.variables) for s, part in zip(shares, batches, strict=True))
        self._damping = self._damping or self._first * max(float(np.diag(matrix).max(initial=0)), 1e-30)
        for _ in range(TRIES):
            step = np.linalg.lstsq(matrix + self._damping * np.eye(len(at.x)), -at.gradient / 2, rcond=None)[0]
            found = self._look(batches, at.x + step)
            foreseen = -(at.gradient @ step + step @ matrix @ step)
            gain = (at.value - found.value) / foreseen if foreseen > 0 and np.isfinite(found.value) else -1.0
            if gain > 0:
                self._damping *= max(1 / 3, 1 - (2 * gain - 1) ** 3)
                self._growth = 2.0
                return found
            self._damping, self._growth = self._damping * self._growth, 2 * self._growth
        return None


class NormalMatrix:
    """The mean of j j' over all residuals of a part of the samples, j their gradients by the trained parameters."""

    def __init__(
        self, model: Module, form: Form, data: Sequence[np.ndarray], trained: Sequence[bool], programs: dict[Any, Any]
    ) -> None:
        self._model, self._form, self._data, self._trained = model, form, data, trained
        self._programs = programs

    def __call__(self, rows: np.ndarray, variables: Sequence[np.ndarray]) -> np.ndarray:
        key = "normal matrix", len(rows), *((a.shape[1:], a.dtype) for a in self._data), get_threads()
        if key not in self._programs:
            self._programs[key] = self._program(len(rows))
        return np.asarray(self._programs[key]([*(a[rows] for a in self._data), *variables])[0], np.float64)

    def _program(self, rows: int) -> Any:
        given = [placeholder((rows, *a.shape[1:]), a.dtype) for a in self._data]
        parameters = [p for _, p in self._model.named_state()]
        values = [placeholder(p.shape, p.dtype) for p in parameters]
        moving = [v for v, t in zip(values, self._trained, strict=True) if t]

        def slopes(*xs: Tensor) -> list[Tensor]:
            """Of one sample: (outputs, parameters) for each parameter."""
            with in_training(self._model), bound(parameters, values):
                out = call(self._model, self._form.inputs([x.reshape(1, *x.shape) for x in xs])).reshape(-1)
            return [j.reshape(len(out), -1) for j in jacobian(out, moving)]

        table = concatenate(vmap(slopes)(*self._form.inputs_of(given)), -1)
        weight = given[-1] if self._form.weighted else ones_like(table[:, 0, 0])
        table = table * sqrt(weight / weight.sum() / table.shape[1]).reshape(-1, 1, 1)
        table = table.reshape(-1, table.shape[-1])
        return runnable([*given, *values], [(table.T @ table).node])


def require_squared(loss: Callable[..., Any]) -> None:
    """Raise unless the loss is the mean of squares."""
    if loss is not squared_loss:
        raise ArgumentError('levenberg_marquardt is for least squares: it takes loss="squared"')
