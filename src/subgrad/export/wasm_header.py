"""The C header beside a WebAssembly file: for programs that run it in an engine, where things lie in its memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from subgrad.export.c_header import arena_size, c_type, conversions, each_call, opening, state_struct
from subgrad.export.object_code import ALIGNMENT
from subgrad.export.routine import Routine, Routines, unlike


def wasm_header(routines: Routines, file: str, size: int, arena: int, head: Sequence[str]) -> str:
    """Text of the header of a file with ``size`` bytes, whose functions work in an ``arena``."""
    prefix, upper = routines.prefix, routines.prefix.upper()
    return "\n".join([
        *_comment(routines, size, arena, head),
        f"#ifndef {upper}_WASM_H",
        f"#define {upper}_WASM_H",
        "#include <stdint.h>",
        "",
        arena_size(routines, arena),
        f"#define {upper}_ROUNDED(bytes) (((bytes) + {ALIGNMENT - 1}u) / {ALIGNMENT}u * {ALIGNMENT}u)",
        "",
        *(state_struct(routines) if routines.state.size else []),
        *(line for r in routines.each for line in conversions(r, prefix)),
        *(line for r in routines.each for line in _places(r, routines)),
        f"#endif /* {upper}_WASM_H */",
        "",
        *_example(routines, file, size),
    ])  # fmt: skip


def _comment(routines: Routines, size: int, arena: int, head: Sequence[str]) -> Iterator[str]:
    yield from opening(head)
    yield ' * For a program that runs the file in an engine of WebAssembly. It imports nothing, and exports "memory";'
    yield ' * "__heap_base", an i32, from which on that memory is yours; and functions, whose arguments are i32:'
    yield " * addresses in that memory, and a count."
    yield " *"
    yield f" * the file: {size} bytes"
    state = f" + {routines.state.size} of state" if routines.state.size else ""
    yield f" * in its memory: 32 KB of stack and the constants, which end at __heap_base; {arena} bytes of arena{state}"
    yield " *"
    yield " * Nothing is checked when it runs: arrays have the sizes that are given here for one call, one behind the"
    yield f" * other for count calls, and do not overlap; the arena begins at a multiple of {ALIGNMENT} bytes. All is"
    yield " * little-endian. */"


def _places(routine: Routine, routines: Routines) -> Iterator[str]:
    """A struct of what a function takes, and a function that fills it."""
    name, rounded = f"{routines.prefix}_{routine.name}", f"{routines.prefix.upper()}_ROUNDED"
    end = unlike("end", routine.parameters)
    pieces = {"state": f"{routines.state.size}u"} if routine.uses_state else {}
    before = f" + {rounded}({routines.state.size}u)" if routines.state.size and not routine.uses_state else ""
    pieces["arena"] = f"{routines.prefix.upper()}_ARENA"
    pieces |= {"seeds": "16u * count"} if routine.draws else {}
    pieces |= {a.name: f"{a.nbytes}u * count" for a in (*routine.arguments, *routine.results)}
    yield f'/* "{name}". For each of count calls: {each_call(routine)}. */'
    yield "typedef struct {"
    yield f"    uint32_t {', '.join(routine.parameters)}; /* what it takes, in this order */"
    yield f"    uint32_t {end}; /* up to where memory has to be */"
    yield f"}} {name}_places;"
    yield ""
    yield "/* One behind the other from __heap_base on; the state is first, at the same place for all functions. */"
    yield f"static inline {name}_places {name}_from(uint32_t heap_base, uint32_t count) {{"
    yield f"    {name}_places p;"
    yield f"    uint32_t at = {rounded}(heap_base){before};"
    for piece, size in pieces.items():
        yield f"    p.{piece} = at;"
        yield f"    at += {rounded}({size});"
    yield "    p.count = count;"
    yield f"    p.{end} = at;"
    yield "    return p;"
    yield "}"
    yield ""


_ENGINE = """\
#ifdef {upper}_EXAMPLE /* a program, if this is defined before the header is included; it reads the file */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm.h> /* WebAssembly's C API, which wasmtime, Wasmer, WAMR and V8 have */
static wasm_exporttype_vec_t names;
static wasm_extern_vec_t exports;
static wasm_extern_t *exported(const char *name) {{
    for (size_t i = 0; i < names.size; i++) {{
        const wasm_name_t *known = wasm_exporttype_name(names.data[i]);
        if (known->size == strlen(name) && memcmp(known->data, name, known->size) == 0)
            return exports.data[i];
    }}
    abort();
}}
static void call(const char *name, const uint32_t *given, size_t count) {{
    wasm_val_t values[{most}];
    wasm_val_vec_t arguments = {{count, values}}, results = {{0, NULL}};
    for (size_t i = 0; i < count; i++) {{
        values[i].kind = WASM_I32;
        values[i].of.i32 = (int32_t)given[i];
    }}
    if (wasm_func_call(wasm_extern_as_func(exported(name)), &arguments, &results))
        abort(); /* it has left its memory */
}}
static void reach(wasm_memory_t *memory, uint32_t end) {{
    size_t size = wasm_memory_data_size(memory);
    if (end > size && !wasm_memory_grow(memory, (uint32_t)((end - size + 65535) / 65536)))
        abort();
}}
int main(void) {{
    wasm_byte_vec_t code;
    wasm_extern_vec_t none = {{0, NULL}};
    wasm_val_t base;
    wasm_store_t *store = wasm_store_new(wasm_engine_new());
    FILE *file = fopen("{file}", "rb");
    wasm_byte_vec_new_uninitialized(&code, {size});
    if (!file || fread(code.data, 1, code.size, file) != code.size)
        return 1;
    fclose(file);
    wasm_module_t *module = wasm_module_new(store, &code);
    wasm_instance_t *instance = module ? wasm_instance_new(store, module, &none, NULL) : NULL;
    if (!instance)
        return 1;
    wasm_module_exports(module, &names);
    wasm_instance_exports(instance, &exports);
    wasm_memory_t *memory = wasm_extern_as_memory(exported("memory"));
    wasm_global_get(wasm_extern_as_global(exported("__heap_base")), &base);"""


def _example(routines: Routines, file: str, size: int) -> Iterator[str]:
    """A program that calls each function once, with zeros."""
    prefix = routines.prefix
    most = max(len(r.parameters) for r in routines.each)
    escaped = re.sub(r"([\\\"])", r"\\\1", file)
    yield _ENGINE.format(upper=prefix.upper(), file=escaped, size=size, most=most)
    begun = False
    for r in routines.each:
        name, places = f"{prefix}_{r.name}", f"of_{r.name}"
        yield f"    {name}_places {places} = {name}_from((uint32_t)base.of.i32, 1);"
        yield f"    reach(memory, {places}.{unlike('end', r.parameters)});"
        if r.uses_state and not begun:
            begun = True
            yield f'    call("{prefix}_init", &{places}.state, 1);'
        yield f'    call("{name}", (const uint32_t *)&{places}, {len(r.parameters)});'
        for a in r.results:
            yield f"    for (int i = 0; i < {a.size}; i++) {{"
            yield f"        {c_type(a)} value;"
            place = f"wasm_memory_data(memory) + {places}.{a.name} + i * sizeof value"
            yield f"        memcpy(&value, {place}, sizeof value);"
            value = "value" if a.grid is None else f"{prefix}_{a.name}_number(value)"
            yield f'        printf("{r.name} {a.name}[%d] = %g\\n", i, (double){value});'
            yield "    }"
    yield "    return 0;"
    yield "}"
    yield "#endif"
    yield ""


__all__ = ["wasm_header"]
