"""``export``: models, functions and training steps as files that run without Python."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from subgrad.compile.native import section_sizes
from subgrad.errors import ArgumentError
from subgrad.export.c_header import Needs, c_header
from subgrad.export.host_module import host_module, host_types
from subgrad.export.integer.integer_network import certified_distance
from subgrad.export.integer.quantize import Quantized, behind, quantized
from subgrad.export.object_code import object_code
from subgrad.export.routine import Routine, Routines, State, identifier, prefix_of
from subgrad.export.symbols import undefined
from subgrad.export.targets import machine, wasm
from subgrad.export.traced_routine import Called, of_fit, of_functions
from subgrad.export.wasm_header import wasm_header
from subgrad.export.wasm_linker import link
from subgrad.graph.tensor import Tensor, tensor
from subgrad.io.atomic import require_writable, write_atomically
from subgrad.nn.module import Module
from subgrad.nn.usual_input import usual_input

TARGETS = {"wasm": (".wasm",), "object": (".o", ".obj")}
"""The kinds of files, and how their names end."""

_BESIDE = {"wasm": (".mjs", ".d.mts", ".wasm.h"), "object": (".h",)}
_TAKEN = ("init", "reset", "state", "seed", "drawn", "constructor", "example")


class Exported(NamedTuple):
    """What was written.

    Attributes:
        files: the paths, the code first.
        functions: the names that the code defines.
        code: bytes of instructions and constants; of WebAssembly the whole file.
        arena: bytes of memory that a call works in.
        stack: bytes of stack that a call takes at most, besides library functions; None where that is not known.
        state: bytes of parameters and of an optimiser's state in the memory of the caller.
        needs: functions of the compiler's libraries that the code calls.
        quantized: what integers of 8 bits have cost; None for code that computes in floats.
    """

    files: tuple[str, ...]
    functions: tuple[str, ...]
    code: int
    arena: int
    stack: int | None
    state: int
    needs: tuple[str, ...]
    quantized: Quantized | None = None


def export(
    model: Module | Callable[..., Any] | Mapping[str, Callable[..., Any]],
    path: str | os.PathLike[str],
    example: Any = None,
    *,
    target: Literal["wasm", "object"] | None = None,
    cpu: str | None = None,
    simd: bool = True,
    loss: Any = None,
    optimizer: Any = None,
    carry: str | None = None,
    weights: Literal["inside", "apart"] = "inside",
    quantize: Literal["int8"] | None = None,
    calibration: Any = None,
    prepare: Callable[[Tensor], Tensor] | None = None,
    info: Mapping[str, str] | None = None,
) -> Exported:
    """Write a model, a function or a training step as machine code that needs no Python, and no library.

    The code allocates nothing, has one thread, and works in an arena of known size that the caller gives. All shapes
    are those of the example; a function takes besides a ``count`` of calls, whose arrays lie one behind the other: a
    model with an example of one row takes any number of rows in one call.

    - A module is exported as ``predict``, in evaluation mode, its parameters inside.
    - A function has its own name. Parameters that it assigns, as `subgrad.update` does, are no part of the code but of
      a state in the caller's memory, and so is what ``carry`` names: the code trains.
    - With ``loss`` and ``optimizer`` a module is exported with the step of `subgrad.fit`, as ``step``: the example is a
      batch ``(X, y)`` or ``(X, y, sample_weight)``. ``predict`` reads the same state, for one row a call.
    - A dict of functions or modules by name becomes one file, in which they share the state.

    Files, for ``net.wasm``: the module; ``net.mjs``, which loads it in a browser or in Node, checks the lengths of
    arrays and copies them; ``net.d.mts``, its types; ``net.wasm.h``, for programs in C that run it in another engine:
    what its functions take, where that lies in its memory, and an example program. For ``net.o``: the object file
    (ELF, COFF or Mach-O), and ``net.h`` with prototypes, sizes of flash and memory, and an example program. Names of
    functions begin with ``net_``.

    Args:
        model: what to export.
        path: where to; existing files are replaced.
        example: an array, or a tuple of all arguments, of which only shapes and dtypes count (and the values of what is
            carried); for a dict of functions a dict. It may be left out where the first layer says it, for one row.
        target: ``"wasm"`` or ``"object"``; None for what the path ends in.
        cpu: for an object file: one of the names of `subgrad.export.MACHINES`, such as ``"cortex-m4f"``.
        simd: whether WebAssembly may use vectors of 128 bits.
        loss, optimizer: as for `subgrad.fit`.
        carry: the name of an argument of the function that is part of the state; the function returns a tuple, whose
            last element is the new value.
        weights: ``"apart"`` for parameters in the caller's memory, as those are that a step changes: ``init`` fills it
            with their values, and others can be written there.
        quantize: ``"int8"`` for a network whose code computes in integers alone: weights of 8 bits with a scale for
            each channel, activations of 8 bits between the ends that they have in the calibration, sums of 32 bits.
            Inputs are codes of 8 bits, and the header and the module for JavaScript convert them.
        calibration: rows of inputs as the network will see them, or rows and targets, for ``quantize``.
        prepare: for ``quantize``, what makes the network's inputs of those of the code, in floats, such as
            ``of_numbers`` of a `subgrad.data.TablePreprocessor`; the example is then one of those of the code.
        info: texts by name, such as what the inputs are, that stand at the head of the types and of the C header.

    Raises:
        ArgumentError: for an unknown target or cpu, an example that does not say enough, an op that is unknown to
            the compiler, or a network that does not go into integers.
        ShapeError: for a calibration that does not fit the example.
        FileError: if a file cannot be written.
        ImportError: without llvmlite.

    Example:
        >>> import os, tempfile, numpy as np, subgrad as sg
        >>> folder = tempfile.mkdtemp()
        >>> net = sg.models.mlp(4, 8, 3, seed=0)
        >>> made = sg.export(net, os.path.join(folder, "net.wasm"))
        >>> [os.path.basename(f) for f in made.files], made.functions
        (['net.wasm', 'net.mjs', 'net.d.mts', 'net.wasm.h'], ('net_predict',))
        >>> batch = np.zeros((16, 4), np.float32), np.zeros(16, np.int64)
        >>> made = sg.export(net, os.path.join(folder, "net.o"), batch, cpu="cortex-m4f", loss="cross_entropy",
        ...                  optimizer=sg.SGD(0.1))
        >>> made.functions, made.needs
        (('net_init', 'net_step', 'net_predict'), ())
        >>> rows = np.random.default_rng(0).normal(size=(100, 4))
        >>> made = sg.export(net, os.path.join(folder, "net.o"), cpu="cortex-m0", quantize="int8", calibration=rows)
        >>> made.needs, made.quantized.agreement > 0.9
        ((), True)
    """
    place = Path(path)
    kind = _kind(place, target, cpu, simd)
    names = (place, *map(place.with_suffix, _BESIDE[kind]))
    for name in names:
        require_writable(name)
    if weights not in ("inside", "apart") or (quantize is not None and weights == "apart"):
        raise ArgumentError(f"weights={weights!r}: expected 'inside' or, without quantize=, 'apart'")
    if quantize not in (None, "int8") or (quantize is None and calibration is not None):
        raise ArgumentError(f"quantize={quantize!r}: expected 'int8' with calibration=, or neither of them")
    if prepare is not None and (quantize is None or example is None):
        raise ArgumentError("prepare= is for quantize='int8', and needs an example of what it is given")
    rows = None
    if prepare is not None:
        rows = tensor(example, np.asarray(example).dtype)
        example = np.zeros_like(prepare(rows).numpy())
    routines = routines_of(prefix_of(place.stem), model, example, loss, optimizer, carry, weights == "apart")
    report = None
    if quantize is not None:
        routines, report = quantized(routines, calibration)
        report = report.at_most(certified_distance(model, report.network))
        if prepare is not None and rows is not None:
            routines = behind(routines, prepare, rows)
        info = {**(info or {}), "int8": str(report)}
    head = _head(place.name if kind == "wasm" else str(cpu), info or {})
    written, facts = _wasm(routines, place.name, simd, head) if kind == "wasm" else _object(routines, str(cpu), head)
    for name, content in zip(names, written, strict=True):
        write_atomically(name, content)
    return Exported(
        tuple(map(str, names)), tuple(routines.functions), facts.code + facts.constants, facts.arena,
        facts.stack, routines.state.size, tuple(facts.functions), report,
    )  # fmt: skip


def _kind(path: Path, target: str | None, cpu: str | None, simd: bool) -> str:
    kind = target or next((t for t, ends in TARGETS.items() if path.suffix in ends), None)
    if kind not in TARGETS:
        given = f"target={target!r}" if target else f"the path {path.name!r} and no target"
        raise ArgumentError(f"{given}: expected target='wasm' or 'object', or a path that ends in .wasm, .o or .obj")
    if path.suffix in (".mjs", ".mts", ".h"):
        raise ArgumentError(f"the path {path.name!r}: expected that of the code, beside which {path.suffix} is written")
    if kind == "object":
        machine(cpu)
        if not simd:
            raise ArgumentError("simd=False is for WebAssembly; an object file is for a cpu")
    elif cpu is not None:
        raise ArgumentError(f"cpu={cpu!r} is for an object file, target='object'; WebAssembly has simd=")
    return kind


def routines_of(
    prefix: str, model: Any, example: Any, loss: Any, optimizer: Any, carry: str | None, apart: bool = False
) -> Routines:
    """What a file is made of: all of `export` but its target."""
    state, each = State(), []
    if loss is not None or optimizer is not None:
        each, calls = _with_step(model, example, loss, optimizer, carry, state)
    elif isinstance(model, Mapping):
        examples = example or {}
        if not model or not isinstance(examples, Mapping) or examples.keys() - model.keys():
            raise ArgumentError(f"the example of several functions is a dict by their names, {', '.join(model)}")
        calls = [_called(name, f, examples.get(name), carry) for name, f in model.items()]
    else:
        name = "predict" if isinstance(model, Module) else getattr(model, "__name__", "call")
        calls = [_called("call" if name == "<lambda>" else name, model, example, carry)]
    names = [c.name for c in calls]
    for i, name in enumerate(names):
        if name in _TAKEN or name in names[:i]:
            why = "" if name in _TAKEN else " besides another one"
            raise ArgumentError(f"no exported function can be named {name!r}{why}: use a dict to give it another name")
    return Routines(prefix, [*each, *of_functions(calls, state, apart)], state)


def _with_step(
    model: Any, example: Any, loss: Any, optimizer: Any, carry: str | None, state: State
) -> tuple[list[Routine], list[Called]]:
    if loss is None or optimizer is None or not isinstance(model, Module) or carry is not None:
        raise ArgumentError("a training step is exported with a module, loss= and optimizer=, and without carry=")
    if not isinstance(example, (tuple, list)) or len(example) not in (2, 3):
        raise ArgumentError("the example of a training step is a batch: (X, y) or (X, y, sample_weight)")
    step, predict = of_fit(model, loss, optimizer, example, state)
    return [step], [predict]


def _called(name: str, f: Any, example: Any, carry: str | None) -> Called:
    if not callable(f):
        hint = ": what its module() gives is one" if hasattr(f, "module") else ""
        raise ArgumentError(f"expected a module or a function to export, got {type(f).__name__}{hint}")
    if example is None:
        example = usual_input(f)
    given = example if isinstance(example, tuple) else (example,)
    if isinstance(f, Module):
        given = tuple([_of_dtype(f, x) for x in given])
    return Called(identifier(name), f, given, carry)


def _of_dtype(model: Module, x: Any) -> Any:
    """Floats in the dtype that the model takes, which is not always that of its parameters."""
    return tensor(x, model._dtype()) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def _wasm(routines: Routines, file: str, simd: bool, head: list[str]) -> tuple[list[bytes], Needs]:
    code = object_code(routines, wasm(simd))
    module = link(code.content, routines.functions)
    texts = [
        host_module(routines, code.arena, file, head),
        host_types(routines, head),
        wasm_header(routines, file, len(module), code.arena, head),
    ]
    return [module, *(t.encode() for t in texts)], Needs(len(module), 0, code.arena, None, ())


def _object(routines: Routines, cpu: str, head: list[str]) -> tuple[list[bytes], Needs]:
    code = object_code(routines, machine(cpu))
    instructions, constants = section_sizes(code.content)
    needs = Needs(instructions, constants, code.arena, code.stack, undefined(code.content))
    return [code.content, c_header(routines, needs, head).encode()], needs


def _head(what: str, info: Mapping[str, str]) -> list[str]:
    """Lines at the head of a text, in a comment that no line of it ends or begins."""
    from subgrad import __version__

    about = [f"{name}: {line}" for name, text in info.items() for line in text.splitlines()]
    apart = [re.sub(r"(?<=\*)(?=/)|(?<=/)(?=\*)", " ", line) for line in about]
    return [f"Written by subgrad {__version__} for {what}.", *apart]


__all__ = ["TARGETS", "Exported", "export", "routines_of"]
