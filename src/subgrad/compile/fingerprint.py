"""A name for a traced graph: two graphs of one name become the same machine code.

What it knows of a node is what the passes ask for: op, inputs, attributes, shape, dtype, and the values of constants.
Where a node comes from (its line, its module) is left out. Ops are named by their names alone, so only those of this
package count; a graph with an op of somebody else's, or with an attribute that has no plain value, has no name.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import subgrad
from subgrad.compile.code_target import Target
from subgrad.compile.unit import Interface
from subgrad.diff.custom import custom
from subgrad.graph.dtype import default_dtype
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.recur.loop import Loop

_MAKERS = ("graph", "ops", "diff", "recur", "compile")
"""The packages whose code decides what a graph becomes."""

_PLAIN = (bool, int, float, str, type(None), np.dtype, np.integer, np.floating, np.bool_)


class _Nameless(Exception):
    """Something in a graph has no name that means the same in another process."""


def fingerprint(given: Interface, cpu: Target, n_threads: int | None) -> str | None:
    """The graph's name, for a processor and a number of threads; None if it has none.

    >>> from subgrad.compile.runtime.cpu import host
    >>> from subgrad.graph.tensor import placeholder
    >>> def name(factor):
    ...     x = placeholder((3,), "float32")
    ...     return fingerprint(Interface([x], [x * factor], {}, frozenset(), frozenset()), host(), 1)
    >>> name(2) == name(2), name(2) == name(3)
    (True, False)
    """
    digest = hashlib.blake2b(digest_size=32)
    machine = cpu.triple, cpu.name, cpu.features, n_threads, default_dtype().str, _version()
    called = sorted(given.variables.items()), sorted(given.stepped), sorted(given.measured)
    try:
        for piece in (repr(machine).encode(), repr(called).encode(), *_graph(given.inputs, given.outputs)):
            digest.update(piece)
    except _Nameless:
        return None
    return digest.hexdigest()


def _graph(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Iterator[bytes]:
    """The nodes that ``outputs`` need, each by the numbers of those that it reads."""
    numbers = {node: f"in{i}" for i, node in enumerate(inputs)}
    for node in inputs:
        yield f"{node.shape}{node.dtype.str}{'open' if node.attrs.get('open') else ''};".encode()
    for node in toposort(outputs):
        if node in numbers:
            continue
        if node.op is INPUT:  # of a graph around this one
            raise _Nameless
        read = ",".join([numbers[i] for i in node.inputs])
        numbers[node] = str(len(numbers))
        yield f"{_op(node)}({read}){node.shape}{node.dtype.str}".encode()
        if node.op is CONST:
            yield np.ascontiguousarray(node.numpy()).tobytes()
            continue
        for name, value in node.attrs.items() if node.op is not custom else ():  # gradients are taken already
            yield f" {name}=".encode()
            yield from _value(value)
    yield ",".join([numbers[o.node] for o in outputs]).encode()


def _op(node: Tensor) -> str:
    if not _is_ours(node.op):
        raise _Nameless
    return node.op.name


@functools.lru_cache(1024)
def _is_ours(op: Any) -> bool:
    return getattr(op.ref, "__module__", "").partition(".")[0] == "subgrad"


def _value(value: Any) -> Iterator[bytes]:
    if isinstance(value, Loop):
        yield f"loop {value.length}{value.reverse}{value.saves}".encode()
        yield f"{len(value.consts)},{len(value.carry)},{len(value.xs)},{len(value.after)};".encode()
        yield from _graph(value.places, value.outputs)
    elif isinstance(value, float):
        yield value.hex().encode()  # -0.0 is not 0.0
    elif isinstance(value, _PLAIN):
        yield f"{type(value).__name__} {value!r};".encode()
    elif isinstance(value, (tuple, list)):
        yield f"{len(value)}[".encode()
        for v in value:
            yield from _value(v)
    else:
        raise _Nameless


@functools.cache
def _version() -> str:
    """This package's version, and the state of the files that decide: whoever works on them does not get old code."""
    root = os.path.dirname(os.path.abspath(subgrad.__file__))
    states = sorted(state for name in _MAKERS for state in _states(os.path.join(root, name), name))
    return f"{subgrad.__version__} {hashlib.sha256(repr(states).encode()).hexdigest()}"


def _states(folder: str, name: str) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of each source file in a folder: a few milliseconds for all, where `pathlib` takes ten."""
    with os.scandir(folder) as entries:
        for entry in entries:
            inner = f"{name}/{entry.name}"
            if entry.name.endswith(".py"):
                status = entry.stat()
                yield inner, status.st_size, status.st_mtime_ns
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _states(entry.path, inner)


__all__ = ["fingerprint"]
