"""Columns of numbers become features in one pass of native code, wherever each column lies."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

WORTH, WORTH_LOADING = 2**16, 2**20
"""Numbers from which on native code pays, where LLVM is in use already, and where it is yet to be loaded."""
_SOURCES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


class Learnt(NamedTuple):
    """What is known of columns: arrays (k,).

    Attributes:
        medians: what a value becomes that is missing or infinite.
        means, stds: what is subtracted, and by what is divided then.
        places: where the number is among the features.
        marks: where a feature is that marks missing values; -1 if there is none.
    """

    medians: np.ndarray
    means: np.ndarray
    stds: np.ndarray
    places: np.ndarray
    marks: np.ndarray


def is_worth(numbers: int) -> bool:
    """Whether so many numbers are scaled by native code, which needs llvmlite."""
    if numbers < (WORTH if "llvmlite.binding" in sys.modules else WORTH_LOADING):
        return False
    from subgrad.compile.native import has_llvmlite

    return has_llvmlite()


def scale(columns: Sequence[np.ndarray], learnt: Learnt, features: np.ndarray) -> None:
    """Put columns (n,), float32 or float64, at their places in float32 features (n, d), with the bits of NumPy.

    Each row of the features is contiguous; rows may be those of a larger array.
    """
    n, width = features.shape
    fits = features.dtype == np.float32 and features.flags.writeable and (width < 2 or features.strides[1] == 4)
    fits &= learnt.places.min() >= 0 and max(learnt.places.max(), learnt.marks.max()) < width
    fits &= all(c.shape == (n,) and c.dtype in _SOURCES for c in columns)
    if not fits or not all(c.flags.c_contiguous and c.flags.aligned for c in columns):
        raise ValueError(f"columns of {n:,} numbers do not fit into features of shape {features.shape}")
    for dtype, kind in _SOURCES.items():
        which = [i for i, column in enumerate(columns) if column.dtype == dtype]
        if not which:
            continue
        addresses = np.array([columns[i].__array_interface__["data"][0] for i in which], np.uintp)
        given = [addresses, *(np.ascontiguousarray(a[which]) for a in learnt)]
        _native(kind)(*(a.ctypes.data for a in given), len(which), features.ctypes.data, features.strides[0], n)


@functools.cache
def _native(kind: str) -> Any:
    from subgrad.compile.native import load
    from subgrad.compile.runtime.cpu import host
    from subgrad.data.kinds.scaling_code import scaling_code

    types = [ctypes.c_void_p] * 6 + [ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    return load(scaling_code(host(), kind)).function("scale", None, types)


__all__ = ["WORTH", "Learnt", "is_worth", "scale"]
