"""A module of LLVM text together with the elementary functions that it calls."""

from __future__ import annotations

import re
from collections.abc import Sequence

from subgrad.compile.codegen import vecmath
from subgrad.compile.codegen.llvm import Module


class EngineModule(Module):
    """A module that brings the elementary functions that its code calls."""

    def text(self, functions: Sequence[str]) -> str:
        """As of any module."""
        text = super().text(functions)
        called = sorted(set(re.findall(r"@sg_(\w+?)_(f32|f64)(?:_x(\d+))?\(", text)))
        dtypes = {"f32": "float32", "f64": "float64"}
        needed = [(name, dtypes[suffix], int(lanes or 1)) for name, suffix, lanes in called]
        return f"{text}\n{vecmath.library(needed, self.cpu.fma)}\n"
