"""A native program, or the interpreter where there cannot be one: no fault of the compiler reaches its user."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.unknown_op import UnknownOp
from subgrad.errors import CheckError, FileError
from subgrad.graph.tensor import Tensor
from subgrad.graph.verify_graph import is_wanted

T = TypeVar("T")


def runnable(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], variables: Mapping[int, int] | None = None,
    stepped: Sequence[int] = (), measured: Sequence[int] = (),
) -> Any:  # fmt: skip
    """A native program with these arguments, those of `Program`, or one that is interpreted."""

    def native() -> Any:
        from subgrad.compile.runtime.program import Program

        return Program(inputs, outputs, variables=variables, stepped=stepped, measured=measured)

    program = attempt(native) if can_compile() else None
    return program or Interpreted(Interpreter(inputs, outputs), variables or {}, stepped, measured)


def can_compile() -> bool:
    """Whether there can be native programs at all; if not, a warning says why, once.

    Raises `ArgumentError` for settings of the environment that make no sense.
    """
    from subgrad.compile.native import has_llvmlite

    if not has_llvmlite():
        say_once("llvmlite is not installed: functions and training steps are interpreted, and slower")
        return False
    from subgrad.compile.runtime.cpu import host
    from subgrad.compile.runtime.threads import get_threads

    host()
    get_threads()
    return True


def attempt(make: Callable[[], T]) -> T | None:
    """What ``make`` gives; None if the compiler fails, after a warning that says where.

    With ``SUBGRAD_CHECK`` the failure is raised: whoever looks for faults is to see it.
    """
    try:
        return make()
    except (CheckError, FileError, MemoryError):
        raise
    except UnknownOp as error:
        say_once(f"the compiler does not know the op {error.op!r}: functions with it are interpreted")
        return None
    except Exception as error:
        if is_wanted():
            raise
        where = next(iter(getattr(error, "__notes__", ())), "somewhere")
        what = f"{type(error).__name__}: {error}"
        say_once(f"the compiler failed {where} ({what[:200]}): functions with it are interpreted")
        return None


class Interpreted:
    """The interpreter with a program's way of taking many steps."""

    def __init__(
        self, interpreter: Interpreter, variables: Mapping[int, int], stepped: Sequence[int], measured: Sequence[int]
    ) -> None:
        self.interpreter, self.variables = interpreter, dict(variables)
        self.stepped, self.measured = set(stepped), list(measured)

    def rest(self) -> None:
        """As of a program: there is no memory to give back."""

    def bind(self, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> BoundInterpreter:
        return BoundInterpreter(self.interpreter, list(arrays), results)

    def __call__(self, arrays: Sequence[np.ndarray], steps: int = 1) -> list[np.ndarray]:
        if not (self.stepped or self.variables):
            return self.interpreter(arrays)
        now, rows, found = list(arrays), [], []
        for s in range(steps):
            found = self.interpreter([a[s] if i in self.stepped else a for i, a in enumerate(now)])
            rows.append([found[k] for k in self.measured])
            for k, i in self.variables.items():
                now[i] = found[k]
        stacked = dict(zip(self.measured, map(np.stack, zip(*rows, strict=True)), strict=True)) if self.measured else {}
        last = [np.array(now[i]) for i in self.variables.values()]  # one may be the array of another
        for (k, i), value in zip(self.variables.items(), last, strict=True):
            arrays[i][...] = value
            stacked[k] = arrays[i]
        return [stacked.get(k, value) for k, value in enumerate(found)]


class BoundInterpreter:
    """The interpreter with the way of running of `subgrad.compile.runtime.bound.Bound`."""

    def __init__(self, interpreter: Interpreter, arrays: list[np.ndarray], results: Sequence[np.ndarray]) -> None:
        self._interpreter, self._arrays, self._results = interpreter, arrays, list(results)

    def move(self, i: int, array: np.ndarray) -> None:
        self._arrays[i] = array

    def move_result(self, k: int, array: np.ndarray) -> None:
        self._results[k] = array

    def once(self) -> None:
        for place, value in zip(self._results, self._interpreter(self._arrays), strict=True):
            place[...] = value


@functools.cache
def say_once(message: str) -> None:
    warnings.warn(message, stacklevel=2)


__all__ = ["attempt", "can_compile", "runnable", "say_once"]
