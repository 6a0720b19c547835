"""What each pass makes, as text to read: `Program.dump`, and ``SUBGRAD_DUMP=DIR`` for every program.

Each program has a folder of its own in DIR, `program-0000` and so on, and each pass a file in it, written when the pass
is done. So the last file is what the pass got that failed.
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from subgrad.compile import native
from subgrad.compile.code_target import Target
from subgrad.compile.kernels.kernel import Kernel, Repeat
from subgrad.compile.kernels.placement import ARENA, CLOCK, FIRST, NOTED, SCRATCH, Placement
from subgrad.compile.runtime.ownership import write_renamed
from subgrad.compile.unit import Unit
from subgrad.errors import FileError
from subgrad.graph.order import toposort
from subgrad.graph.tensor import INPUT, Tensor
from subgrad.recur.loop import Loop

_ENTRIES = {ARENA: "arena", SCRATCH: "scratch", CLOCK: "clock", NOTED: "flags"}


class Dump:
    """The texts, by the names of files; written to ``folder`` as well, if there is one."""

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.texts: dict[str, str] = {}
        self.folder = None if folder is None else _made(folder)

    @classmethod
    def wanted(cls) -> Dump | None:
        """One with a new folder in the folder that ``SUBGRAD_DUMP`` names; None if it names none."""
        chosen = os.environ.get("SUBGRAD_DUMP", "")
        return cls(_numbered(_made(chosen))) if chosen else None

    def add(self, name: str, unit: Unit, holds: str) -> None:
        """What a unit is after the pass of that name, and in words what holds then."""
        self._write(name, "ll" if unit.ir else "txt", unit.ir or f"# {holds}\n\n{_text(unit)}")

    def finish(self, ir: str, cpu: Target) -> None:
        """What LLVM makes of the text."""
        self._write("optimised", "ll", native.optimised_ir(ir, cpu))
        self._write("assembly", "s", native.assembly(ir, cpu))

    def _write(self, name: str, suffix: str, text: str) -> None:
        file = f"{len(self.texts):02}-{name.replace(' ', '-')}.{suffix}"
        self.texts[file] = text
        if self.folder is not None:
            try:
                write_renamed(self.folder / file, text.encode())
            except OSError as error:
                raise _unwritable(self.folder, error) from None


def _made(folder: str | os.PathLike[str]) -> Path:
    try:
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _unwritable(folder, error) from None
    return path


def _unwritable(folder: str | os.PathLike[str], error: Exception) -> FileError:
    why = getattr(error, "strerror", None) or error
    return FileError(f"cannot write what the passes make into the folder {folder}: {why}")


def _numbered(folder: Path) -> Path:
    """A new folder in there; other processes may be making theirs."""
    number = len(list(folder.glob("program-*")))
    while True:
        path = folder / f"program-{number:04}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        except OSError as error:
            raise _unwritable(folder, error) from None
        else:
            return path


def _text(unit: Unit) -> str:
    if not unit.kernels:
        return graph_text(unit.outputs)
    found = [f"threads: {unit.n_threads}"] if unit.n_threads else []
    if unit.placed is None:
        names = _names([*unit.interface.inputs, *unit.outputs])
        return "\n".join([*found, *(line for k in unit.kernels for line in _kernel_lines(k, names))]) + "\n"
    return "\n".join([*found, *_placed_lines(unit.placed)]) + "\n"


def graph_text(outputs: Sequence[Tensor]) -> str:
    """The nodes of a graph, one a line, in an order in which each comes after what it reads.

    >>> from subgrad.graph.tensor import placeholder
    >>> x = placeholder((3,), "float32", name="x")
    >>> print(graph_text([x * 2]).split("  #")[0])
    %0 = input float32[3] name='x'
    """
    names = _names(outputs)
    result = ", ".join(names[o.node] for o in outputs)
    return "\n".join([*(line for node in names for line in _node_lines(node, names)), f"outputs: {result}"]) + "\n"


def _names(outputs: Sequence[Tensor]) -> dict[Tensor, str]:
    return {node: f"%{i}" for i, node in enumerate(toposort(outputs))}


def _node_lines(node: Tensor, names: Mapping[Tensor, str]) -> list[str]:
    inputs = f"({', '.join(names.get(i, '?') for i in node.inputs)})" if node.inputs else ""
    attrs = "".join(f" {k}={_short(v)}" for k, v in node.attrs.items())
    where = f"{node.scope}, {node.site}" if node.scope else str(node.site)
    line = f"{names.get(node, '?')} = {node.op.name}{inputs} {_kind(node)}{attrs}  # {where}"
    body = node.attrs.get("body")
    return [line, *_body_lines(body)] if isinstance(body, Loop) else [line]


def _body_lines(body: Loop) -> list[str]:
    """A step of a loop, set in: what it is given, its nodes, what it gives."""
    names = _names([*body.places, *body.outputs])
    given = {"constants": body.consts, "carry": body.carry, "rows": body.xs}
    given |= {"carry after": body.after, "gives": body.ys}
    lines = [line for node in names for line in _node_lines(node, names)]
    lines += [f"{what}: {', '.join(names[n] for n in nodes)}" for what, nodes in given.items() if nodes]
    return [f"    {line}" for line in lines]


def _kernel_lines(kernel: Kernel, names: Mapping[Tensor, str]) -> list[str]:
    """A kernel with its nodes, set in; a loop with its kernels, those before the first step with the names outside."""
    if isinstance(kernel, Repeat):
        before = (node for k in kernel.start for node in k.nodes)
        outside = {**names, **{node: f"%before{i}" for i, node in enumerate(before)}}
        step = _names([*kernel.loop.places, *kernel.loop.outputs])
        inner = [line for k in kernel.start for line in _kernel_lines(k, outside)]
        inner += [line for k in kernel.inner for line in _kernel_lines(k, step)]
    else:
        inner = [line for node in kernel.nodes for line in _node_lines(node, names)]
        inner.append(f"stores {', '.join(names.get(n, '?') for n in kernel.stores)}")
    return [str(kernel), *(f"    {line}" for line in inner)]


def _placed_lines(placed: Placement) -> list[str]:
    """Schedule, arena and places, as far as they are chosen."""
    found = []
    if placed.schedule.slots:
        found += ["schedule:", placed.schedule.text(), ""]
    inside = [f"{_title(n)} lies in {_title(placed.aliasing.root(n))}, strides {placed.aliasing.strides(n)}"
              for n in placed.aliasing]  # fmt: skip
    found += ["inside of others:", *inside, ""] if inside else []
    if placed.memory.intervals:
        found += ["memory:", str(placed.memory), ""]
    found.append("places:")
    for node, where in placed.where.items():
        entry = _ENTRIES.get(where.entry) or _argument(placed, where.entry)
        moves = f", {where.step} more with each step" if where.step else ""
        turns = enumerate(where.loop_strides)
        moves += "".join(f", loop {i}: {each} a step, {other} every other" for i, (each, other) in turns)
        found.append(f"{_title(node)}: {entry} + {where.offset}{moves}")
    return found


def _argument(placed: Placement, entry: int) -> str:
    if entry in placed.constants:
        return f"constant {entry - FIRST - len(placed.interface.inputs)}"
    return f"result {entry - placed.first_output}" if entry >= placed.first_output else f"input {entry - FIRST}"


def _title(node: Tensor) -> str:
    name = f"{node.scope}.{node.op.name}" if node.scope else node.op.name
    return f"{node.attrs['name']}" if node.op is INPUT and node.attrs.get("name") else f"{name} {_kind(node)}"


def _kind(node: Tensor) -> str:
    return f"{node.dtype}{list(node.shape)}"


def _short(value: Any) -> str:
    return "..." if isinstance(value, Loop) else reprlib.repr(value)


__all__ = ["Dump", "graph_text"]
