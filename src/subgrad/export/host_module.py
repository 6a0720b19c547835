"""The JavaScript module beside a WebAssembly file, and its types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from subgrad.export.routine import Array, Routine, Routines

_TYPES = {"float32": "Float32Array", "float64": "Float64Array", "int64": "BigInt64Array", "int32": "Int32Array"}


def host_module(routines: Routines, arena: int, file: str, head: Sequence[str]) -> str:
    """Text of an ES module that loads ``file``, which lies beside it, and calls its routines with arrays."""
    template = resources.files("subgrad.export").joinpath("host_template.mjs").read_text(encoding="utf-8")
    spec = {
        "file": f"./{file}",
        "prefix": routines.prefix,
        "arena": arena,
        "state": {
            "size": routines.state.size,
            "arrays": [{**_array(h.array), "offset": h.offset} for h in routines.state.held.values()],
        },
        "routines": [_routine(r) for r in routines.each],
    }
    return template.replace("/* HEAD */", _comment(head)).replace("/* SPEC */ null", json.dumps(spec, indent=1))


def _comment(head: Sequence[str]) -> str:
    return "\n".join([f"// {line}" for line in head])


def _array(array: Array) -> dict[str, Any]:
    found = {"name": array.name, "shape": list(array.shape), "dtype": array.dtype.name}
    return found if array.grid is None else {**found, **array.grid._asdict()}


def _routine(routine: Routine) -> dict[str, Any]:
    return {
        "name": routine.name,
        "state": routine.uses_state,
        "draws": routine.draws,
        "arguments": [_array(a) for a in routine.arguments],
        "results": [_array(a) for a in routine.results],
    }


def host_types(routines: Routines, head: Sequence[str]) -> str:
    """Text of the TypeScript declarations of the module."""
    held = [h.array for h in routines.state.held.values()]
    state = [f"    readonly {a.name}: {_type(a)}; // {_form(a)}" for a in held]
    return "\n".join([
        _comment(head),
        "export function load(source?: URL | string | BufferSource | WebAssembly.Module): Promise<Model>;",
        "",
        "export interface Model {",
        *(line for r in routines.each for line in _signature(r)),
        "  /** Parameters and the optimiser's state as they were when the model was exported. */",
        "  reset(): void;",
        "  /** Views of the memory, valid until the next call: what is written there is what the next call reads. */",
        "  readonly state: {",
        *state,
        "  };",
        "  /** What random numbers follow from, and how many calls have drawn so far. */",
        "  seed: bigint;",
        "  drawn: bigint;",
        "}",
        "",
    ])  # fmt: skip


def _signature(routine: Routine) -> list[str]:
    given = [f"{a.name}: {_type(a)} | ArrayLike<number>" for a in routine.arguments]
    results = routine.results
    several = " ".join(f"{r.name}: {_type(r)};" for r in results)
    gives = _type(results[0]) if len(results) == 1 else f"{{ {several} }}"
    forms = "; ".join(f"{a.name}: {_form(a)}" for a in (*routine.arguments, *results))
    return [
        f"  /** count calls, or steps, in one; each array holds so many one behind the other of {forms}. */",
        f"  {routine.name}({', '.join([*given, 'count?: number'])}): {gives};",
    ]


def _type(array: Array) -> str:
    return "Float32Array" if array.grid else _TYPES.get(array.dtype.name, "Uint8Array")


def _form(array: Array) -> str:
    kept = f"numbers kept as {array.dtype.name}" if array.grid else array.dtype.name
    return f"{kept} ({', '.join(map(str, array.shape))})"


__all__ = ["host_module", "host_types"]
