"""Dtypes: which exist, the default float, and how two of them meet.

The rules, all of them:

1. Floats that arrive without a named dtype become the default float dtype, float32 unless `set_default_dtype` says
   otherwise. NumPy's float64 arrays are no exception: float64 by accident is what most dtype bug reports are about.
2. bool, uint8, int32 and int64 stay what they are; other integers become int64.
3. Two different float dtypes never meet silently: the operation raises `DTypeError` and names both.
4. An integer or bool tensor that meets a float tensor takes the float's dtype.
5. Python and NumPy scalars take the dtype of the tensor they meet. Only where that cannot hold their kind does the
   tensor give way: a float that meets integers makes them the default float dtype, an integer makes bools int64.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np

from subgrad.errors import DTypeError
from subgrad.graph.tracing import Settings

if TYPE_CHECKING:
    import numpy.typing as npt

float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
bool_ = np.dtype(np.bool_)
KNOWN = (float32, float64, int32, int64, uint8, bool_)

_default = float32  # of the process
_inside: ContextVar[np.dtype | None] = ContextVar("dtype", default=None)
dtype_inside = _inside.get  # the default dtype of the `using_dtype` block that this is in, or None


def as_dtype(dtype: npt.DTypeLike) -> np.dtype:
    """The NumPy dtype that ``dtype`` names; `DTypeError` if it is not one that tensors have.

    >>> as_dtype("float64")
    dtype('float64')
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found not in KNOWN:
        known = ", ".join(d.name for d in KNOWN)
        raise DTypeError(f"unknown tensor dtype {dtype!r}: expected one of {known}")
    return found


def default_dtype() -> np.dtype:
    """The dtype that floats get when none is named."""
    inside = dtype_inside()
    return _default if inside is None else inside


def set_default_dtype(dtype: npt.DTypeLike) -> None:
    """Make ``dtype``, float32 or float64, the one that floats get when none is named.

    It holds for all threads of the process; inside of a `using_dtype` block for the rest of that block.
    Raises `DTypeError` for any other dtype.
    """
    global _default
    chosen = _as_default(dtype)
    if _inside.get() is None:
        _default = chosen
        Settings.note()
    else:
        _inside.set(chosen)


def _as_default(dtype: npt.DTypeLike) -> np.dtype:
    chosen = as_dtype(dtype)
    if chosen.kind != "f":
        raise DTypeError(f"the default dtype must be float32 or float64, got {chosen}")
    return chosen


@contextlib.contextmanager
def using_dtype(dtype: npt.DTypeLike) -> Iterator[None]:
    """Another default dtype for the length of a ``with`` block, in this thread (or task of asyncio) alone.

    >>> import subgrad as sg
    >>> with sg.using_dtype("float64"):
    ...     print(sg.tensor(0.5).dtype)
    float64
    """
    token = _inside.set(_as_default(dtype))
    try:
        yield
    finally:
        _inside.reset(token)


def dtype_of_data(dtype: np.dtype) -> np.dtype:
    """The tensor dtype for an array of ``dtype`` when the caller names none: rules 1 and 2."""
    if dtype.kind == "f":
        return default_dtype()
    native = dtype.newbyteorder("=")  # files of other machines have another order of bytes
    if native in KNOWN:
        return native
    if dtype.kind in "iu":
        return int64
    raise DTypeError(f"a tensor holds floats, integers or bools, got an array of dtype {dtype}")


def common_dtype(a: np.dtype, b: np.dtype) -> np.dtype:
    """The dtype in which ``a`` and ``b`` meet: rules 3 and 4."""
    if a == b:
        return a
    if a.kind == b.kind == "f":
        raise DTypeError(f"{a} and {b} do not mix: convert one side, for example with x.astype({a.name!r})")
    if "f" in (a.kind, b.kind):
        return a if a.kind == "f" else b
    return np.promote_types(a, b)
