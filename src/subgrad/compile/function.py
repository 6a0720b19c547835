"""`sg.compile` by its public path. It is written in `subgrad.compile.runtime.function`."""

from subgrad.compile.runtime.function import CompiledFunction, compile

__all__ = ["CompiledFunction", "compile"]
