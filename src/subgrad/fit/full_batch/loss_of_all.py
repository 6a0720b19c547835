"""The loss of all samples and its gradient, a part of the samples at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad.compile.runtime.fallback import runnable
from subgrad.compile.runtime.threads import get_threads
from subgrad.diff.reverse import gradients
from subgrad.errors import ArgumentError
from subgrad.fit.engine import is_worth_compiling, work
from subgrad.fit.measuring.measured import Term
from subgrad.fit.step import Forward, Signature, Step
from subgrad.graph.order import toposort
from subgrad.graph.tensor import INPUT
from subgrad.ops import random

LOOKS = 100
"""How often a loss is looked at in a run, at least."""


class LossOfAll:
    """A function of the parameters; what its parts are made of is traced once for each length.

    Args:
        forward: what a part measures, and the parameters after it, traced for its shapes.
        data: arrays with an axis of samples.
        trained: which of the parameters have a gradient.
        programs: where programs are kept, and found.
        name: of the method, for messages.

    Attributes:
        terms: what the measured numbers of a part are.

    Raises:
        ArgumentError: if the model draws random numbers or changes itself as it runs: that is no function.
    """

    def __init__(
        self, forward: Callable[[Sequence[Signature]], Forward], data: Sequence[np.ndarray], trained: Sequence[bool],
        programs: dict[Any, Any], name: str,
    ) -> None:  # fmt: skip
        self.data = data
        self.terms: list[Term] = []
        self._forward, self._trained, self._programs, self._name = forward, trained, programs, name

    def __call__(
        self, rows: Sequence[np.ndarray], variables: Sequence[np.ndarray]
    ) -> tuple[float, list[np.ndarray], np.ndarray]:
        """The loss of all ``rows`` (the numbers of each part's samples), its gradient, and what each part measures."""
        measured, slopes = [], []
        for part in rows:
            step, program = self._program(len(part), len(rows))
            outputs = program([*(a[part] for a in self.data), *variables])
            numbers = np.array([float(v) for v in outputs[: step.measured]])
            measured.append(numbers)
            slopes.append(outputs[step.measured :])
        shares = self.shares(measured, rows)
        loss = sum(share * numbers[0] for share, numbers in zip(shares, measured, strict=True))
        total: list[Any] = [
            sum(share * s for share, s in zip(shares, of_parts, strict=True)) for of_parts in zip(*slopes, strict=True)
        ]
        return float(loss), total, np.array(measured)

    def shares(self, measured: Sequence[np.ndarray], rows: Sequence[np.ndarray]) -> list[float]:
        """By what the loss of each part counts, given what the parts have measured."""
        found = [self._share(numbers, len(part)) for numbers, part in zip(measured, rows, strict=True)]
        whole = sum(found)
        return [share / whole for share in found] if self._means() and whole else [1.0] * len(found)

    def _means(self) -> bool:
        return not next(term for term in self.terms if term.name == "loss").added

    def _share(self, measured: np.ndarray, rows: int) -> float:
        weight = next(term for term in self.terms if term.name == "loss").weight
        return rows if weight is None else float(measured[weight])

    def _program(self, rows: int, parts: int) -> tuple[Step, Any]:
        key = "loss of all", rows, *((a.shape[1:], a.dtype) for a in self.data), get_threads()
        if key not in self._programs:
            step = self._traced(rows)
            worth = is_worth_compiling(LOOKS * parts * work(step))
            self._programs[key] = step, runnable(step.inputs, step.outputs) if worth else step.interpreter()
        found = self._programs[key]
        self.terms = found[0].terms
        return found

    def _traced(self, rows: int) -> Step:
        made = self._forward([((rows, *a.shape[1:]), a.dtype) for a in self.data])
        inputs, outputs = made.graph.inputs, made.graph.outputs
        at, first = len(outputs) - len(self._trained), len(inputs) - len(self._trained)
        what = f"{self._name} minimises one function of the parameters"
        remedy = "take an optimiser for batches, such as 'adam'"
        if any(n.op is random.uniform for n in toposort(outputs)):
            raise ArgumentError(f"{what}, and this model draws random numbers: {remedy}")
        if {n for n in toposort(outputs) if n.op is INPUT} - {*inputs}:
            raise ArgumentError(f"{what}, and this loss changes with the number of the step: {remedy}")
        if any(a is not b for a, b in zip(inputs[first:], outputs[at:], strict=True)):
            raise ArgumentError(f"{what}, and this model changes itself as it runs, as BatchNorm does: {remedy}")
        wrt = [n for n, t in zip(inputs[first:], self._trained, strict=True) if t]
        return Step(inputs, [*outputs[:at], *gradients(outputs[0], wrt)], made.terms, at, first)
