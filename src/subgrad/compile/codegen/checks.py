"""Integers that must be in range, in native code: who meets one that is not notes it, and the call raises the error.

A kernel compares as it reads an index, which costs nothing beside what it reads with it. Nothing is read or written
outside of an array in any case: `subgrad.compile.codegen.expressions` leads such an index to the nearest element.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import numpy as np

from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Value, constant, lanes_of
from subgrad.compile.codegen.lower import convert
from subgrad.graph import source_location
from subgrad.graph.out_of_range import OutOfRange
from subgrad.graph.tensor import Tensor, placeholder

FLAGS = placeholder((1,), np.dtype(np.int64), "flags")
"""Stands for the memory in which kernels note what is out of range: a word that says whether anything is, then for each
check whether it failed, and a value that did."""


def emit_check(b: Builder, node: Tensor, x: Value, flags: Value, mask: Value | None) -> None:
    """Note if a value of ``node``, an `in_range`, is out of its range. Lanes outside ``mask`` are behind the end of an
    axis: what was computed there (an `arange` that goes on, say) is nobody's value."""
    low, high = node.attrs["low"], node.attrs["high"]
    number = b.module.noted.setdefault(node, len(b.module.noted))
    x = convert(b, x, "i64")
    bad = b.compare("uge", b.op("sub", x, low), high - low)  # unsigned, what is too low is very high
    lanes = lanes_of(x.type)
    if lanes > 1 and mask is not None:
        bad = b.op("and", bad, mask)
    failed = b.call("i1", f"llvm.vector.reduce.or.v{lanes}i1", bad) if lanes > 1 else bad
    with b.when(failed):
        if lanes > 1:
            x = b.call("i64", f"llvm.vector.reduce.smax.v{lanes}i64", b.select(bad, x, constant(x.type, -(2**63))))
        for at, word in ((0, constant("i64", 1)), (1 + 2 * number, constant("i64", 1)), (2 + 2 * number, x)):
            b.store(word, b.at(flags, at, "i64"))


class Checks:
    """The flags of one program with so many checks, and what they mean: ``nodes()`` are the checks."""

    def __init__(self, count: int, nodes: Callable[[], Sequence[Tensor]]) -> None:
        self._count, self._nodes = count, nodes
        self.flags = np.zeros(1 + 2 * count, np.int64)
        self._any = ctypes.c_int64.from_address(self.flags.ctypes.data)  # read in 30 ns

    def __bool__(self) -> bool:
        return self._count > 0

    def guarding(self, run: Callable[[int], object], once: Callable[[], object]) -> tuple[Callable, Callable]:
        """``run`` and ``once``, which raise afterwards if something was out of range."""
        failed = self._any

        def guarded(steps: int = 1) -> None:
            run(steps)
            if failed.value:
                self._raise()

        def guarded_once() -> None:  # without an argument: each 0.1 us counts here
            once()
            if failed.value:
                self._raise()

        return guarded, guarded_once

    def _raise(self) -> None:
        found = zip(self._nodes(), self.flags[1:].reshape(-1, 2), strict=True)
        node, value = next((node, value) for node, (failed, value) in found if failed)
        self.flags[:] = 0
        with source_location.inherit(node.site, node.scope):
            raise OutOfRange(int(value), **node.attrs).located()


__all__ = ["FLAGS", "Checks", "emit_check"]
