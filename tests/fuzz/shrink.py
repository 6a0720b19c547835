"""A smaller program that is still computed wrongly, and a program as Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

import subgrad as sg

from .block import IMPORTS, Block, lines
from .generate import Case
from .judge import WIDE

TRIES = 150


def shrunk(case: Case, is_wrong: Callable[[Case], bool]) -> Case:
    """``case`` with as much taken away as leaves it wrong."""
    tries = 0
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(case):
            tries += 1
            if tries > TRIES:
                return case
            if is_wrong(candidate):
                case, smaller = candidate, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Programs with one thing less, the boldest first."""
    if len(case.outputs) > 1 and not case.variables:
        for k in case.outputs:
            yield _used(replace(case, outputs=(k,)))
    if case.wrt:
        yield replace(case, wrt=(), twice=False)
        if case.twice:
            yield replace(case, twice=False)
        for i in case.wrt:
            if len(case.wrt) > 1:
                yield replace(case, wrt=(i,))
    if case.variables:
        yield replace(case, variables=(), steps=1)
        for pair in case.variables:
            if len(case.variables) > 1:
                yield replace(case, variables=tuple(p for p in case.variables if p != pair))
        if case.steps > 1:
            yield replace(case, steps=1)
    if case.threads > 1:
        yield replace(case, threads=1)
    if case.cpu:
        yield replace(case, cpu="")
    for k in range(len(case.block.steps) - 1, -1, -1):
        yield from _without(case, k)


def _without(case: Case, k: int) -> Iterator[Case]:
    """The program in which step ``k``, if it gives one value, is an argument with that value."""
    block, n = case.block, len(case.arrays)
    starts = _starts(block)
    step = block.steps[k]
    with sg.using_dtype(case.dtype), np.errstate(all="ignore"):
        values = [v.numpy() for v in block.run([sg.tensor(a, dtype=a.dtype) for a in case.arrays])]
    made = range(starts[k], starts[k] + step.results)
    places: dict[int, int] = {i: i for i in range(n)}
    places |= {v: n + i for i, v in enumerate(made)}
    at = n + step.results
    for v in range(n, len(values)):
        if v not in made:
            places[v], at = at, at + 1
    steps = tuple(s.moved(places) for i, s in enumerate(block.steps) if i != k)
    # values made before step k keep their order, so every step still finds what it reads
    arrays = (*case.arrays, *(np.ascontiguousarray(values[v]).reshape(values[v].shape) for v in made))
    outputs = tuple(places[v] for v in case.outputs)
    yield _used(replace(case, arrays=arrays, block=Block(len(arrays), steps), outputs=outputs))


def _starts(block: Block) -> list[int]:
    found, at = [], block.arity
    for step in block.steps:
        found.append(at)
        at += step.results
    return found


def _used(case: Case) -> Case:
    """The program without the steps and arguments that no result needs."""
    block, starts = case.block, _starts(case.block)
    needed = {*case.outputs, *case.wrt, *(i for _, i in case.variables)}
    kept: list[int] = []
    for k in range(len(block.steps) - 1, -1, -1):
        step = block.steps[k]
        if needed & set(range(starts[k], starts[k] + step.results)):
            needed |= step.reads
            kept.insert(0, k)
    arguments = [i for i in range(block.arity) if i in needed]
    places = {old: new for new, old in enumerate(arguments)}
    at = len(arguments)
    for k in kept:
        for r in range(block.steps[k].results):
            places[starts[k] + r] = at
            at += 1
    steps = tuple(block.steps[k].moved(places) for k in kept)
    return replace(
        case,
        arrays=tuple(case.arrays[i] for i in arguments),
        block=Block(len(arguments), steps),
        outputs=tuple(places[k] for k in case.outputs),
        wrt=tuple(places[i] for i in case.wrt),
        variables=tuple((k, places[i]) for k, i in case.variables),
    )


def source(case: Case) -> str:
    """A program as Python that runs it in both ways and compares."""
    names = [f"x{i}" for i in range(len(case.arrays))]
    arrays = ",\n".join(f"    np.array({_plain(a)}, {a.dtype.name!r}).reshape({a.shape})" for a in case.arrays)
    body = lines(case.block, names)
    given = ", ".join(f"{names[k]}.node" for k in case.outputs)
    text = [IMPORTS, f'sg.set_default_dtype("{case.dtype}")', f"arrays = [\n{arrays},\n]" if arrays else "arrays = []"]
    text.append('inputs = [placeholder(a.shape, a.dtype, f"x{i}") for i, a in enumerate(arrays)]')
    if case.arrays:
        text.append(f"{''.join(f'x{i}, ' for i in range(len(case.arrays)))}= inputs")
    text += [*body, f"outputs = [{given}]"]
    if case.wrt:
        text.append(f"wrt = [{', '.join(f'x{i}' for i in case.wrt)}]")
        text.append(_loss(case))
        text.append("gradients = list(sg.grad(loss, wrt))")
        if case.twice:
            text.append("gradients += list(sg.grad(sum((g * g).sum() for g in gradients), wrt))")
        text.append("outputs += [loss, *gradients]")
    text += _comparison(case)
    return "\n".join(text) + "\n"


def _comparison(case: Case) -> list[str]:
    """Both ways of running, and the difference of the results."""
    cpu = "  # with vectors of 512 bits" if case.cpu == WIDE else f"  # with SUBGRAD_CPU={case.cpu}" if case.cpu else ""
    variables = dict(case.variables)
    return [
        f"variables = {variables}",
        f"program = Program(inputs, outputs, variables=variables, n_threads={case.threads}){cpu}",
        "now, interpreter = [a.copy() for a in arrays], Interpreter(inputs, outputs)",
        f"for _ in range({case.steps}):",
        "    expected = interpreter(now)",
        "    for k, i in variables.items():",
        "        now[i] = expected[k]",
        f"found = program([a.copy() for a in arrays], {case.steps})",
        "for n, e in zip(found, expected, strict=True):",
        "    np.testing.assert_allclose(n, e, rtol=1e-4, atol=1e-4)",
    ]


def _loss(case: Case) -> str:
    floats = f'floats = [o.astype("{case.dtype}") for o in outputs if o.dtype.kind == "f"]'
    if case.number % 3 == 0:
        return f"{floats}\nloss = sum(o.mean() for o in floats if o.size)"
    weight = f'sg.tensor(np.cos(np.arange(o.size)).reshape(o.shape), "{case.dtype}")'
    return f"{floats}\nloss = sum((o * {weight}).sum() for o in floats)"


def _plain(a: np.ndarray) -> str:
    return repr(a.reshape(-1).tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
