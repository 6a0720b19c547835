"""Whether a program is computed rightly: native against interpreted, gradients against finite differences."""

from __future__ import annotations

import contextlib
import functools
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

import subgrad as sg
from subgrad.compile import machine_code
from subgrad.compile.code_target import Target
from subgrad.compile.runtime.cpu import host
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.errors import ArgumentError, SubgradError
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, placeholder

from .generate import Case
from .oracle import Expected, Oracle, difference

STEP = 1e-4  # of finite differences
NO_SLOPE = {"stop_gradient", "custom"}  # whose derivative is another than that of their value


class Traced(NamedTuple):
    """A program as a graph: its results, then the gradients of ``loss``."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    loss: Tensor | None


def trace(case: Case) -> Traced:
    """The graph of a program; for its dtype as the default one."""
    inputs = [placeholder(a.shape, a.dtype, f"x{i}") for i, a in enumerate(case.arrays)]
    values = case.block.run(inputs)
    outputs = [values[k].node for k in case.outputs]
    if not case.wrt:
        return Traced(inputs, outputs, None)
    loss = total(outputs, case)
    wrt = [inputs[i] for i in case.wrt]
    gradients = list(sg.grad(loss, wrt))
    if case.twice:
        gradients += list(sg.grad(sum((g * g).sum() for g in gradients), wrt))
    return Traced(inputs, [*outputs, loss, *gradients], loss)


def total(outputs: list[Tensor], case: Case) -> Tensor:
    """A loss of all results: their means, or in two of three programs sums with weights."""
    floats = [o.astype(case.dtype) for o in outputs if o.dtype.kind == "f"]
    if case.number % 3 == 0:
        return sum((o.mean() for o in floats if o.size), sg.zeros((), case.dtype))
    weights = [sg.tensor(np.cos(np.arange(o.size)).reshape(o.shape), case.dtype) for o in floats]
    return sum(((o * w).sum() for o, w in zip(floats, weights, strict=True)), sg.zeros((), case.dtype))


WIDE = "wide"
"""This machine's processor, with vectors of 512 bits, which LLVM puts together from those that there are."""


def cpus() -> list[str]:
    """The names of the processors that this machine can stand for; the empty name is itself."""
    found = ["", "", WIDE]
    for name in ("avx512", "avx2", "sse2", "neon"):
        try:
            _host(name)
        except ArgumentError:
            continue
        found.append(name)
    return found


def _host(name: str) -> Target:
    if name == WIDE:
        return _host("")._replace(vector_bits=512)
    with _setting("SUBGRAD_CPU", name):
        return host()


@contextlib.contextmanager
def _setting(variable: str, value: str) -> Iterator[None]:
    before = os.environ.get(variable)
    os.environ[variable] = value
    try:
        yield
    finally:
        os.environ.pop(variable)
        if before is not None:
            os.environ[variable] = before


@contextlib.contextmanager
def unoptimised() -> Iterator[None]:
    """Machine code as LLVM makes it of the text at once: a fifth of the time, and another look at the same text."""
    before = machine_code.machine, machine_code.optimised
    machine_code.machine, machine_code.optimised = _quick_machine, lambda ir, machine: _parsed(ir)
    try:
        with _setting("SUBGRAD_CACHE", "off"):  # nobody else shall find such code
            yield
    finally:
        machine_code.machine, machine_code.optimised = before


def _parsed(ir: str):
    llvm = machine_code.llvm()
    return llvm.parse_assembly(ir, llvm.create_context())


@functools.cache
def _quick_machine(cpu: Target):
    target = machine_code.llvm().Target.from_triple(cpu.triple)
    return target.create_target_machine(cpu=cpu.name, features=cpu.features, opt=0, reloc="pic", codemodel="small")


def judge(case: Case, seen: Counter[str] | None = None) -> str | None:
    """What is wrong with how a program is computed, or None. ``seen`` counts what was looked at."""
    seen = Counter() if seen is None else seen
    with sg.using_dtype(case.dtype), np.errstate(all="ignore"):
        traced = trace(case)
        variables = dict(case.variables)
        oracle = Oracle(traced.inputs, traced.outputs)
        raises: type[SubgradError] | None = None
        expected: list[Expected] = []
        try:
            expected = oracle.expected(case.arrays, variables, case.steps, case.number)
        except SubgradError as error:  # an index is out of range, in a step after the first
            raises = type(error)
        with contextlib.nullcontext() if case.optimised else unoptimised():
            program = Program(
                traced.inputs, traced.outputs, variables=variables, n_threads=case.threads, cpu=_host(case.cpu)
            )
        try:
            found = program([a.copy() for a in case.arrays], case.steps)
        except SubgradError as error:
            return None if type(error) is raises else f"raises {error!r}, the interpreter {raises}"
        if raises is not None:
            return f"raises nothing, the interpreter {raises}"
        for k, (e, f) in enumerate(zip(expected, found, strict=True)):
            seen["unsteady" if e.tolerance is None else "compared"] += 1
            wrong = difference(f, e)
            if wrong is not None:
                return f"result {k} {wrong}"
        return _slopes(case, traced, seen) if case.wrt and case.dtype == "float64" else None


def _slopes(case: Case, traced: Traced, seen: Counter[str]) -> str | None:
    """The gradients along one direction against differences, off the grid and its kinks."""
    assert traced.loss is not None
    if NO_SLOPE & {n.op.name for n in toposort([traced.loss])} or _is_cut_in_a_loop(traced.loss):
        return None
    rng = np.random.default_rng(case.number)
    first = len(case.outputs) + 1
    wrt = list(case.wrt)
    point = [a + 0.1 * rng.standard_normal(a.shape) if i in wrt else a for i, a in enumerate(case.arrays)]
    along = {i: rng.standard_normal(case.arrays[i].shape) for i in wrt}
    gradients = Interpreter(traced.inputs, traced.outputs[first : first + len(wrt)])
    slope = float(sum((g * along[i]).sum() for g, i in zip(gradients(point), wrt, strict=True)))
    loss = Interpreter(traced.inputs, [traced.loss])

    def at(h: float) -> float:
        return float(loss([a + h * along[i] if i in along else a for i, a in enumerate(point)])[0])

    wide, middle, narrow = ((at(h) - at(-h)) / (2 * h) for h in (STEP, STEP / 2, STEP / 4))
    one, two = (4 * middle - wide) / 3, (4 * narrow - middle) / 3
    size = 1 + abs(two)
    if not np.isfinite(two) or abs(one - two) > 1e-6 * size:
        seen["no slope to compare"] += 1  # a jump, a kink, or too steep
        return None
    seen["slopes"] += 1
    if abs(slope - two) <= 1e-4 * size:
        return None
    return f"the gradient along a direction is {slope!r}, differences say {two!r}"


def _is_cut_in_a_loop(loss: Tensor) -> bool:
    bodies: Sequence[Tensor] = [n for n in toposort([loss]) if n.op.name == "loop"]
    while bodies:
        inner = [n for b in bodies for n in toposort(b.attrs["body"].outputs)]
        if NO_SLOPE & {n.op.name for n in inner}:
            return True
        bodies = [n for n in inner if n.op.name == "loop"]
    return False
