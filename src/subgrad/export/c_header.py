"""The C header beside an object file: sizes, prototypes, and a program that calls them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from subgrad.export.routine import ALIGNED, Array, Routine, Routines, unlike

_TYPES = {
    "float32": "float", "float64": "double", "int64": "int64_t", "int32": "int32_t", "uint8": "uint8_t",
    "bool": "uint8_t",
}  # fmt: skip


class Needs(NamedTuple):
    """What code takes: bytes of instructions and of constants in flash, of the arena and the stack in memory, and other
    functions."""

    code: int
    constants: int
    arena: int
    stack: int | None
    functions: Sequence[str]


def c_header(routines: Routines, needs: Needs, head: Sequence[str]) -> str:
    """Text of the header."""
    prefix, upper = routines.prefix, routines.prefix.upper()
    return "\n".join([
        *_comment(routines, needs, head),
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        arena_size(routines, needs.arena),
        "",
        *(_state(routines) if routines.state.size else []),
        *(line for r in routines.each for line in conversions(r, prefix)),
        *(line for r in routines.each for line in _prototype(r, prefix)),
        "#ifdef __cplusplus",
        "}",
        "#endif",
        f"#endif /* {upper}_H */",
        "",
        *_example(routines),
    ])  # fmt: skip


def opening(head: Sequence[str]) -> Iterator[str]:
    """The first lines of a header's comment."""
    yield f"/* {head[0]}"
    yield from (f" * {line}" for line in head[1:])
    yield " *"


def arena_size(routines: Routines, size: int) -> str:
    """The name of the arena's size."""
    name = f"{routines.prefix.upper()}_ARENA"
    return f"#define {name} {size} /* bytes that a call works in, and that hold nothing between calls */"


def _comment(routines: Routines, needs: Needs, head: Sequence[str]) -> Iterator[str]:
    yield from opening(head)
    yield f" * flash: {needs.code + needs.constants} bytes ({needs.code} of code, {needs.constants} of constants)"
    state = f" + {routines.state.size} of state" if routines.state.size else ""
    stack = "some stack" if needs.stack is None else f"{needs.stack} bytes of stack at most"
    yield f" * RAM: {needs.arena} bytes of arena{state}, in your memory, and {stack}"
    if needs.functions:
        yield f" * needs from the compiler's libraries, which take stack of their own: {', '.join(needs.functions)}"
    else:
        yield " * needs no library, allocates nothing, and keeps nothing between calls but the state that you give"
    yield " *"
    yield " * Nothing is checked when it runs: arrays have the sizes that are given here for one call, one behind the"
    yield f" * other for count calls, and do not overlap; the arena begins at a multiple of {ALIGNED} bytes. */"


def _state(routines: Routines) -> Iterator[str]:
    yield from state_struct(routines)
    yield "/* The state as it was when the model was exported. */"
    yield f"void {routines.prefix}_init({routines.prefix}_state *state);"
    yield ""


def state_struct(routines: Routines) -> Iterator[str]:
    """The type of the state."""
    prefix = routines.prefix
    yield "/* The parameters, and the optimiser's state. */"
    yield "typedef struct {"
    arrays = [held.array for held in routines.state.held.values() if held.array.size]  # C has no arrays of nothing
    for i, array in enumerate(arrays):
        dimensions = "".join(f"[{n}]" for n in array.shape)
        yield f"    {c_type(array)} {array.name}{dimensions};"
        left = -array.nbytes % ALIGNED
        if left:
            yield f"    uint8_t {unlike(f'pad_{i}', [a.name for a in arrays])}[{left}];"
    yield f"}} {prefix}_state;"
    yield ""


def conversions(routine: Routine, prefix: str) -> Iterator[str]:
    """Between numbers and the integers that stand for them: constants, and functions that cost nothing if unused."""
    for a in (*routine.arguments, *routine.results):
        if a.grid is None:
            continue
        name, upper, scale = f"{prefix}_{a.name}", f"{prefix}_{a.name}".upper(), float(f"{a.grid.scale:.9g}")
        yield f"/* {a.name}: n stands for the number {upper}_SCALE * (n - {upper}_ZERO). */"
        yield f"#define {upper}_SCALE {scale!r}f"
        yield f"#define {upper}_ZERO {a.grid.zero}"
        if a in routine.arguments:
            yield f"static inline {c_type(a)} {name}_code(float number) {{"
            yield f"    float n = number / {upper}_SCALE + {upper}_ZERO + 0.5f;"
            yield f"    return ({c_type(a)})(n > 0.0f ? n < 255.0f ? n : 255.0f : 0.0f);"
        else:
            yield f"static inline float {name}_number({c_type(a)} n) {{"
            yield f"    return {upper}_SCALE * (float)(n - {upper}_ZERO);"
        yield "}"
        yield ""


def _prototype(routine: Routine, prefix: str) -> Iterator[str]:
    yield f"/* For each of count calls: {each_call(routine)}. */"
    yield f"void {prefix}_{routine.name}({', '.join(_parameters(routine, prefix))});"
    yield ""


def each_call(routine: Routine) -> str:
    """What a call reads and writes."""
    arrays = (*routine.arguments, *routine.results)
    forms = [f"{a.name} {a.dtype.name} ({', '.join(map(str, a.shape))})" for a in arrays]
    draws = ", seeds int64 (2): a number that random numbers follow from, and another for each call" * routine.draws
    return f"{', '.join(forms)}{draws}"


def _parameters(routine: Routine, prefix: str) -> Iterator[str]:
    if routine.uses_state:
        yield f"{'' if routine.changes_state else 'const '}{prefix}_state *state"
    if routine.draws:
        yield "const int64_t *seeds"
    yield from (f"const {c_type(a)} *{a.name}" for a in routine.arguments)
    yield from (f"{c_type(a)} *{a.name}" for a in routine.results)
    yield "size_t count"
    yield "void *arena"


def _example(routines: Routines) -> Iterator[str]:
    """A program that calls each function once, with zeros."""
    prefix, upper = routines.prefix, routines.prefix.upper()
    yield f"#ifdef {upper}_EXAMPLE /* a program, if this is defined before the header is included */"
    yield "#include <stdio.h>"
    yield f"static uint64_t arena[{upper}_ARENA / 8 + 1];"
    if routines.state.size:
        yield f"static {prefix}_state state;"
    for r in routines.each:
        yield from (f"static {c_type(a)} {r.name}_{a.name}[{max(1, a.size)}];" for a in (*r.arguments, *r.results))
    yield "int main(void) {"
    if routines.state.size:
        yield f"    {prefix}_init(&state);"
    for r in routines.each:
        if r.draws:
            yield f"    static const int64_t {r.name}_seeds[2] = {{0, 0}};"
        given = ["&state"] if r.uses_state else []
        given += [f"{r.name}_seeds"] if r.draws else []
        given += [f"{r.name}_{a.name}" for a in (*r.arguments, *r.results)]
        yield f"    {prefix}_{r.name}({', '.join([*given, '1', 'arena'])});"
        for a in r.results:
            yield f"    for (int i = 0; i < {a.size}; i++)"
            value = f"{r.name}_{a.name}[i]"
            value = value if a.grid is None else f"{prefix}_{a.name}_number({value})"
            yield f'        printf("{r.name} {a.name}[%d] = %g\\n", i, (double){value});'
    yield "    return 0;"
    yield "}"
    yield "#endif"
    yield ""


def c_type(array: Array) -> str:
    """The type of an element."""
    return _TYPES[array.dtype.name]


__all__ = ["Needs", "arena_size", "c_header", "c_type", "conversions", "each_call", "opening", "state_struct"]
