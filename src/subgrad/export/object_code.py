"""From routines to one object file: the compiler's text of each, and a function around it that others can call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from subgrad.compile.code_target import Target
from subgrad.compile.kernels.placement import ARENA, FIRST, NOTED, SCRATCH
from subgrad.compile.native import portable_object
from subgrad.compile.passes.prepack import prepack
from subgrad.compile.pipeline import PASSES, run_passes
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.unit import Unit
from subgrad.export.float_remainder import float_remainder
from subgrad.export.routine import Argument, Draws, Fixed, Held, Routine, Routines, Sink, Source
from subgrad.export.stack_use import stack_use
from subgrad.graph.order import toposort

ALIGNMENT = 16
"""Bytes, of the arena and the state: more than any element needs."""

LARGE, FEW = 1 << 16, 8
"""Parameters of fewer bytes are outweighed by code, so the tiles of products get so few registers: a step of a network
of 2-8-8-1 took 8 KB instead of 14 and as long (WebAssembly with vectors), one of 784-128-10 a quarter longer."""

SIDE_BY_SIDE = 64
"""Bits of the sums that are computed together in integers: two of them read each input once, though no register holds
both (Cortex-M4 without it: a third more instructions)."""


class ObjectCode(NamedTuple):
    """An object file, the bytes of the arena that its functions work in, and of the stack, where that is known."""

    content: bytes
    arena: int
    stack: int | None


def object_code(routines: Routines, target: Target) -> ObjectCode:
    """Code for ``target`` that needs no library, no memory of its own but constants, and one thread."""
    if routines.nbytes < LARGE:
        target = target._replace(registers=min(target.registers, FEW))
    if target.vector_bits < SIDE_BY_SIDE and any(a.grid for r in routines.each for a in r.results):
        target = target._replace(vector_bits=SIDE_BY_SIDE)
    made = [_compiled(r, routines.prefix, target) for r in routines.each]
    texts = [text for text, _ in made]
    inner = [["run"]] * len(made)
    if routines.state.size:
        texts.append(_init(routines))
        inner.append([])
    remainder = float_remainder(texts)
    if remainder is not None:
        texts.append(remainder)
        inner.append([])
    firmware = not target.position_independent and not target.triple.startswith("wasm")
    code = portable_object(texts, target, inner, frames=firmware)
    stack = stack_use(code.assembly) if firmware else None
    return ObjectCode(code.content, max(room for _, room in made), stack)


def _compiled(routine: Routine, prefix: str, target: Target) -> tuple[str, int]:
    """The text of a routine, and how large an arena it needs."""
    interface, sources = _prepared(routine)
    unit = Unit(interface, target, n_threads=1, shared=True)
    run_passes(PASSES, unit)
    placed = unit.placed
    assert placed is not None
    sizes = {ARENA: placed.memory.size, SCRATCH: unit.scratch, NOTED: 8 + 16 * len(unit.noted)}
    if not unit.noted:
        del sizes[NOTED]
    room, entries = 0, {}
    for entry, size in sizes.items():
        entries[entry] = f"arena {room}"
        room += -(-size // ALIGNMENT) * ALIGNMENT
    needed = {*toposort(unit.outputs)}
    for i, source in enumerate(sources):
        if unit.interface.inputs[i] in needed or not isinstance(source, Fixed):
            entries[FIRST + i] = source
    entries |= {entry: Fixed(array) for entry, array in placed.constants.items()}
    entries |= {placed.first_output + k: sink for k, sink in enumerate(routine.sinks)}
    return unit.ir + "\n".join(_wrapper(routine, prefix, target, entries)), room


def _prepared(routine: Routine):
    """The interface and the sources of a routine, with what depends on values in the code alone computed now."""
    interface = routine.interface
    fixed = {n: s.value for n, s in zip(interface.inputs, routine.sources, strict=True) if isinstance(s, Fixed)}
    if not fixed:
        return interface, list(routine.sources)
    found = prepack(interface.outputs, fixed)
    values = Interpreter(list(fixed), found.made)(list(fixed.values()))
    inputs = [*interface.inputs, *found.places]
    return interface._replace(inputs=inputs, outputs=found.outputs), [*routine.sources, *map(Fixed, values)]


def _wrapper(
    routine: Routine, prefix: str, target: Target, entries: dict[int, Source | Sink | str]
) -> Iterator[str]:
    """The function that others call: it fills the table of pointers, which the optimiser then does without."""
    blobs = {entry: s.value for entry, s in entries.items() if isinstance(s, Fixed)}
    for entry, value in blobs.items():
        yield f"@fixed{entry} = internal constant {_bytes(value.tobytes())}, align {ALIGNMENT}"
    word = f"i{8 * target.pointer_bytes}"
    heads = [f"{word if n == 'count' else 'ptr noalias'} %given.{n}" for n in routine.parameters]
    size = max(entries) + 1
    yield f'define void @{prefix}_{routine.name}({", ".join(heads)}) nounwind "no-builtins" {{'
    yield f"  %table = alloca [{size} x ptr], align 8"
    for entry in range(size):
        base, offset = _place(routine, entry, entries.get(entry))
        yield f"  %p{entry} = getelementptr i8, ptr {base}, i64 {offset}"
        yield f"  %t{entry} = getelementptr ptr, ptr %table, i64 {entry}"
        yield f"  store ptr %p{entry}, ptr %t{entry}, align {target.pointer_bytes}"
    steps = "%given.count"
    if word == "i32":
        steps = "%steps"
        yield "  %steps = zext i32 %given.count to i64"
    yield f"  call void @run(ptr %table, i64 0, i64 {steps}, ptr null) alwaysinline"
    yield "  ret void\n}\n"


def _place(routine: Routine, entry: int, what: Source | Sink | str | None) -> tuple[str, int]:
    """What an entry of the table points to: a value of the text, and the bytes behind it."""
    if what is None:
        return "null", 0
    if isinstance(what, str):
        base, offset = what.split()
        return f"%given.{base}", int(offset)
    if isinstance(what, Fixed):
        return f"@fixed{entry}", 0
    if isinstance(what, Held):
        return "%given.state", what.offset
    if isinstance(what, Draws):
        return "%given.seeds", 0
    arrays = routine.arguments if isinstance(what, Argument) else routine.results
    assert what.number is not None
    return f"%given.{arrays[what.number].name}", 0


def _init(routines: Routines) -> str:
    """``init(state)``: what the state holds at first; zeros at its end take no room. It is copied in pieces of the
    largest elements, at whose multiples a struct of C begins."""
    initial, size = routines.state.initial, max(h.array.dtype.itemsize for h in routines.state.held.values())
    word, words, given = f"i{8 * size}", routines.state.size // size, len(initial) // size
    return f"""
@initial = internal constant {_bytes(initial)}, align {ALIGNMENT}
define void @{routines.prefix}_init(ptr noalias %state) nounwind "no-builtins" {{
entry:
  br label %each
each:
  %i = phi i64 [ 0, %entry ], [ %next, %stored ]
  %to = getelementptr {word}, ptr %state, i64 %i
  %known = icmp ult i64 %i, {given}
  br i1 %known, label %copied, label %stored
copied:
  %from = getelementptr {word}, ptr @initial, i64 %i
  %word = load {word}, ptr %from, align {size}
  br label %stored
stored:
  %value = phi {word} [ 0, %each ], [ %word, %copied ]
  store {word} %value, ptr %to, align {size}
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, {words}
  br i1 %more, label %each, label %done
done:
  ret void
}}
"""


def _bytes(content: bytes) -> str:
    return f'[{len(content)} x i8] c"' + "".join([f"\\{b:02X}" for b in content]) + '"'


__all__ = ["ALIGNMENT", "ObjectCode", "object_code"]
