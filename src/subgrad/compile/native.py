"""From LLVM text to functions that Python can call, through the object cache.

llvmlite is imported by the first use, not with this module: importing the package must not load LLVM.

LLVM is used by one thread at a time, under a lock.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import re
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

from subgrad.compile import machine_code
from subgrad.compile.code_target import Target
from subgrad.compile.module_parts import module_parts
from subgrad.compile.runtime import cache, helper
from subgrad.compile.runtime.cpu import host
from subgrad.graph.lock import llvm_lock, lock_of_llvmlite

_numbers = itertools.count()  # a library's name can be used only once in a process


def load(ir: str, cpu: Target | None = None, ahead: helper.Parts | None = None) -> Library:
    """Machine code of the LLVM text, from the cache or compiled now, for ``cpu`` (None: the host's).

    ``ahead`` are parts of it whose code was begun while it was written.

    Raises:
        ImportError: llvmlite is not installed.

    >>> library = load("define i64 @twice(i64 %x) { %y = shl i64 %x, 1  ret i64 %y }")
    >>> library.function("twice", ctypes.c_int64, [ctypes.c_int64])(21)
    42
    """
    cpu = cpu or host()
    store, key = cache.default_cache(), object_key(ir, cpu)
    code = store.get(key)
    if code is None:
        code = compile_object(ir, cpu, ahead)
        store.put(key, code)
    return Library(code, cpu)


def object_key(ir: str, cpu: Target) -> bytes:
    """Under which the object code of a text is in the cache."""
    return cache.key(ir, *_fingerprint(cpu))


def _alone(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f`` while no other thread uses LLVM."""

    @functools.wraps(f)
    def alone(*args: Any, **options: Any) -> Any:
        with llvm_lock:
            return f(*args, **options)

    return alone


@_alone
def compile_object(ir: str, cpu: Target, ahead: helper.Parts | None = None) -> bytes:
    """The text's object code, optimised for ``cpu``: one object file, or several, of which a second process made some.

    One thread makes each. Two threads that made code of modules of their own contexts side by side, without llvmlite's
    lock, took half the time for large programs, but LLVM 22 broke down in some, such as those that shuffle vectors of
    odd lengths.
    """
    lines = ir.count("\n")
    if ahead is None and lines >= 2 * helper.LONG:
        ahead = helper.parts_for(cpu)
    if ahead is None or (lines < 2 * helper.LONG and not ahead.names):
        return _packed([_emitted(ir, cpu)])
    count = min((lines - ahead.lines) // helper.LONG, helper.MOST)
    rest = module_parts(ir, max(1, count), ahead.names)
    return _packed(ahead.code(rest, lambda part: _emitted(part, cpu)))


def _emitted(ir: str, cpu: Target) -> bytes:
    machine = machine_code.machine(cpu)
    module = machine_code.optimised(ir, machine)
    with _without_strength_reduction(cpu):
        return machine.emit_object(module)


_LENGTH = struct.Struct("<Q")


def _packed(objects: Sequence[bytes]) -> bytes:
    """Object files one behind the other, each behind its length."""
    return b"".join(_LENGTH.pack(len(content)) + content for content in objects)


def _unpacked(code: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(code):
        (length,) = _LENGTH.unpack_from(code, at)
        at += _LENGTH.size + length
        yield code[at - length : at]


class PortableObject(NamedTuple):
    """An object file, and if that is asked for the same code as assembly that says how large its frames are."""

    content: bytes
    assembly: str


@_alone
def portable_object(
    texts: Sequence[str], target: Target, inner: Sequence[Sequence[str]], frames: bool = False
) -> PortableObject:
    """One object file of several texts; the functions named in ``inner``, by text, are known to that text alone.

    What is not needed goes: the code is to be small, and all that it is called with is known.
    """
    machine, llvm, context = machine_code.machine(target), _llvm(), _llvm().create_context()
    head = f'target datalayout = "{machine.target_data}"\ntarget triple = "{target.triple}"\n'
    modules = [llvm.parse_assembly(head + text, context) for text in texts]
    for module, names in zip(modules, inner, strict=True):
        for name in names:
            module.get_function(name).linkage = "internal"
    whole = modules[0]
    for module in modules[1:]:
        whole.link_in(module)
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_unrolling = False  # the generator has done it
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(whole, builder)
    if not frames:
        return PortableObject(machine.emit_object(whole), "")
    unwound = re.sub(r"^(attributes #\d+ = {.*?)nounwind", r"\1nounwind uwtable", str(whole), flags=re.M)
    return PortableObject(machine.emit_object(whole), machine.emit_assembly(llvm.parse_assembly(unwound, context)))


@_alone
def section_sizes(content: bytes) -> tuple[int, int]:
    """The bytes of instructions, and of data, in an object file."""
    code = data = 0
    for section in _llvm().ObjectFileRef.from_data(content).sections():
        name = (section.name() or b"").lstrip(b"._")
        if section.is_text():
            code += section.size()
        elif name.startswith((b"rodata", b"rdata", b"data", b"srodata", b"sdata", b"const", b"literal")):
            data += section.size()
    return code, data


class Library:
    """Loaded machine code, of `compile_object`; its functions stay callable as long as it, or one of them, lives."""

    @_alone
    def __init__(self, code: bytes, cpu: Target) -> None:
        self._linker, self._name = _linker(cpu), f"library{next(_numbers)}"
        builder = _llvm().JITLibraryBuilder()
        for content in _unpacked(code):
            builder.add_object_img(content)
        builder.add_current_process()
        self._loaded = builder.link(self._linker, self._name)
        self._found: dict[str, Any] = {}

    def function(self, name: str, restype: Any, argtypes: Sequence[Any], locked: bool = False) -> Any:
        """The exported function as a ctypes function; it runs without the interpreter lock, or ``locked``.

        Raises:
            KeyError: the library has no such function.
        """
        function: Any = (ctypes.PYFUNCTYPE if locked else ctypes.CFUNCTYPE)(restype, *argtypes)(self.address(name))
        function.library = self  # the code must outlive whoever holds only the function
        return function

    @_alone
    def address(self, name: str) -> int:
        """Where the exported function is, as long as this library lives. Raises as `function` does."""
        if name not in self._found:  # once, whoever asks: to drop what a second look-up finds would unload the code
            try:
                self._found[name] = self._linker.lookup(self._name, name)
            except RuntimeError as error:
                raise KeyError(f"no function {name} in this library") from error
        return self._found[name][name]


@_alone
def optimised_ir(ir: str, cpu: Target) -> str:
    """The text with small functions inlined, of which LLVM makes machine code; for reading."""
    return str(machine_code.optimised(ir, machine_code.machine(cpu)))


@_alone
def assembly(ir: str, cpu: Target) -> str:
    """The text's machine code as assembly, for reading."""
    machine = machine_code.machine(cpu)
    module = machine_code.optimised(ir, machine)
    with _without_strength_reduction(cpu):
        return machine.emit_assembly(module)


def has_llvmlite() -> bool:
    """Whether llvmlite is installed: without it, programs are interpreted. This does not load LLVM."""
    try:
        import llvmlite  # noqa: F401
    except ImportError:
        return False
    return True


@functools.cache
@_alone
def _llvm() -> Any:
    return machine_code.llvm()


def _fingerprint(cpu: Target) -> tuple[str, ...]:
    """All that determines the object code besides the text."""
    from subgrad import __version__

    llvm_version = ".".join(map(str, _llvm().llvm_version_info))
    return cpu.triple, cpu.name, cpu.features, llvm_version, __version__


@contextmanager
def _without_strength_reduction(cpu: Target) -> Iterator[None]:
    """LLVM does without `machine_code.set_strength_reduction` meanwhile. That is an option of the whole process:
    llvmlite's own lock is held until it is as it was, so that it is not for what others compile."""
    with lock_of_llvmlite() or nullcontext():
        machine_code.set_strength_reduction(cpu.triple, False)
        try:
            yield
        finally:
            machine_code.set_strength_reduction(cpu.triple, True)


@functools.cache
def _linker(cpu: Target) -> Any:
    """Loads object code without compiling anything.

    LLVM's JITLink puts code and constants into one piece of memory, so that one always reaches the other; its older
    loader does not promise that, but is the one that is complete for Windows.
    """
    modern = sys.platform != "win32"
    return _llvm().create_lljit_compiler(machine_code.machine(cpu), use_jit_link=modern, suppress_errors=True)
