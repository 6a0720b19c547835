"""A program as data: steps that are expressions over earlier values, which run, print, and can be taken apart."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import subgrad as sg
from subgrad.graph.op import apply
from subgrad.graph.tree import leaves
from subgrad.ops.indexing import place, scatter_add
from subgrad.ops.window import slide

NAMES = {"sg": sg, "np": np, "apply": apply, "place": place, "scatter_add": scatter_add, "slide": slide}
IMPORTS = """\
import numpy as np

import subgrad as sg
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.op import apply
from subgrad.graph.tensor import placeholder
from subgrad.graph.tree import leaves
from subgrad.ops.indexing import place, scatter_add
from subgrad.ops.window import slide
"""


@dataclass(frozen=True)
class Step:
    """``text`` with the values ``inputs`` in the places @0, @1, ..., and the function ``body`` in that of @f."""

    text: str
    inputs: tuple[int, ...]
    results: int = 1
    body: Block | None = None
    captured: tuple[int, ...] = ()

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        f = None if self.body is None else self.body.function([values[i] for i in self.captured])
        return leaves(_code(self.text)([values[i] for i in self.inputs], f))

    @property
    def reads(self) -> set[int]:
        return {*self.inputs, *self.captured}

    def moved(self, places: dict[int, int]) -> Step:
        """The same step with its values at other places."""
        inputs, captured = (tuple(places[i] for i in old) for old in (self.inputs, self.captured))
        return Step(self.text, inputs, self.results, self.body, captured)


@dataclass(frozen=True)
class Block:
    """Steps on ``arity`` arguments and some captured values; ``returns`` is what a function of it returns."""

    arity: int
    steps: tuple[Step, ...] = ()
    returns: Step | None = None

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """All values: the arguments, and what each step gives."""
        values = list(arguments)
        for step in self.steps:
            values += step(values)
        return values

    def function(self, captured: Sequence[Any]) -> Callable[..., Any]:
        assert self.returns is not None
        text, inputs = self.returns.text, self.returns.inputs

        def f(*arguments: Any) -> Any:
            values = self.run([*arguments, *captured])
            return _code(text)([values[i] for i in inputs], None)

        return f


@functools.cache
def _code(text: str) -> Callable[[Sequence[Any], Any], Any]:
    expression = re.sub(r"@([0-9]+)", r"a[\1]", text).replace("@f", "f")
    return eval(f"lambda a, f: {expression}", NAMES)


def lines(block: Block, names: list[str], prefix: str = "v", indent: str = "") -> list[str]:
    """The steps as Python; ``names`` of the arguments grow by those of the steps' values."""
    found: list[str] = []
    for k, step in enumerate(block.steps):
        f = f"{prefix}f{k}"
        if step.body is not None:
            found += _function(step, f, [names[i] for i in step.captured], prefix, indent)
        made = [f"{prefix}{len(names) + i}" for i in range(step.results)]
        text = _filled(step, names, f)
        target = made[0] if step.results == 1 else ", ".join(made)
        if step.results != 1:
            text = f"leaves({text})"
        found.append(f"{indent}{target} = {text}")
        names += made
    return found


def _function(step: Step, name: str, captured: Sequence[str], prefix: str, indent: str) -> list[str]:
    body, inner = step.body, f"{prefix}{name}_"
    assert body is not None
    assert body.returns is not None
    own = [f"{inner}{i}" for i in range(body.arity)]
    names = [*own, *captured]
    rest = lines(body, names, inner, indent + "    ")
    return [f"{indent}def {name}({', '.join(own)}):", *rest, f"{indent}    return {_filled(body.returns, names, '')}"]


def _filled(step: Step, names: Sequence[str], f: str) -> str:
    text = re.sub(r"@([0-9]+)", lambda m: names[step.inputs[int(m[1])]], step.text)
    return text.replace("@f", f)
