"""The table of a module's layers, made by tracing it with placeholders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from subgrad.display.html_table import html_table, shown
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.graph.tree import leaves
from subgrad.nn import config
from subgrad.nn.running import evaluating, in_place_of_forward
from subgrad.ops.contract import contract, multiplications

if TYPE_CHECKING:
    import numpy.typing as npt

    from subgrad.nn.module import Module

_MOST = 100
"""Modules that are shown of a network."""


@dataclass
class _Call:
    """One run of a module's forward pass."""

    module: Module
    name: str
    depth: int
    inputs: Sequence[Any]
    output: Any = None

    def cells(self) -> list[str]:
        kind = type(self.module).__name__
        label = "  " * self.depth + (f"{self.name}: {kind}" if self.name else kind)
        shapes = ", ".join(str(t.shape) for t in leaves(self.output))
        return [label, shapes, f"{_parameter_count(self.module):,}", f"{self._flops():,}"]

    def _flops(self) -> int:
        known = {x.node for x in self.inputs if isinstance(x, Tensor)}
        nodes = toposort(leaves(self.output), is_leaf=known.__contains__)
        return sum(_flops_of(n) for n in nodes if n not in known)


def _flops_of(node: Tensor) -> int:
    """2 for each multiply-add of a contraction; in a loop, those of all steps."""
    if "body" in node.attrs:
        body = node.attrs["body"]
        return body.length * sum(map(_flops_of, toposort(body.outputs)))
    return 2 * multiplications(node.attrs["spec"], *node.inputs) if node.op is contract else 0


def _parameter_count(module: Module) -> int:
    return sum(p.size for p in module.parameters())


class Summary(str):
    """The table of a module's layers as text, which a notebook shows as a table."""

    __slots__ = ("_rows",)

    def __new__(cls, rows: list[list[str]]) -> Summary:
        made = super().__new__(cls, _aligned(rows))
        made._rows = rows
        return made

    def _repr_html_(self) -> str:
        names, *rows = self._rows
        return shown(html_table(names, rows, numbers=names[2:]))


def html(module: Module) -> str:
    """What a notebook shows of a module whose input is not known: its parts, and how many parameters each has."""
    rows = [_part(part, path) for path, part in module.named_modules()]
    more = [f"and {len(rows) - _MOST:,} more modules"] if len(rows) > _MOST else []
    return shown(html_table(["Layer", "Arguments", "Parameters"], rows[:_MOST], numbers=["Parameters"]), *more)


def _part(part: Module, path: str) -> list[str]:
    label = "  " * (path.count(".") + 1 if path else 0)
    name = f"{path.rpartition('.')[2]}: " if path else ""
    arguments = "" if part.children else config.arguments_text(part)
    return [f"{label}{name}{type(part).__name__}", arguments, f"{_parameter_count(part):,}"]


def table(module: Module, input_shapes: Sequence[tuple[int, ...]], dtype: npt.DTypeLike) -> Summary:
    """The summary of ``module`` for inputs of these shapes and this dtype."""
    inputs = [placeholder(shape, dtype, f"input {i}") for i, shape in enumerate(input_shapes)]
    calls = _calls(module, inputs)
    return Summary([["Layer", "Output", "Parameters", "FLOPs"], *(call.cells() for call in calls)])


def _calls(module: Module, inputs: Sequence[Tensor]) -> list[_Call]:
    """The calls of all modules, in the order in which they start."""
    calls: list[_Call] = []
    running: list[str] = []
    paths = {id(m): path for path, m in module.named_modules()}

    def forward(m: Module, xs: Sequence[Any], options: dict[str, Any]) -> Any:
        path = paths.get(id(m))
        if path is None:
            return m.forward(*xs, **options)
        name = path.removeprefix(f"{running[-1]}." if running and running[-1] else "")
        call = _Call(m, name, len(running), xs)
        calls.append(call)
        running.append(path)
        call.output = m.forward(*xs, **options)
        running.pop()
        return call.output

    with evaluating(module), in_place_of_forward(forward):
        module(*inputs)
    return calls


def _aligned(rows: list[list[str]]) -> str:
    """Columns two spaces apart: text to the left, numbers to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for label, shape, *counts in rows:
        numbers = [n.rjust(w) for n, w in zip(counts, widths[2:], strict=True)]
        lines.append("  ".join([label.ljust(widths[0]), shape.ljust(widths[1]), *numbers]))
    return "\n".join(lines)
