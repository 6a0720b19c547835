"""The former place of `subgrad.compile.runtime.native`."""

from subgrad.compile.runtime.native import Library, compile_object, load

__all__ = ["Library", "compile_object", "load"]
