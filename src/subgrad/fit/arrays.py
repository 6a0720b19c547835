"""Data on its way into a run: arrays of the right dtype, finite, of one length."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.data import frame
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.graph.dtype import default_dtype, dtype_of_data
from subgrad.graph.tensor import Tensor


def as_array(data: Any, what: str) -> np.ndarray:
    """``data`` (an array, a tensor, a pandas or polars frame, lists) as an array of a tensor's dtype.

    Floats become the default dtype. Raises `DataError` for text, and for NaN or inf, with the first place.
    """
    try:
        array = np.asarray(data.numpy() if isinstance(data, Tensor) else frame.as_array(data))
    except ValueError as error:
        raise DataError(f"{what} must hold numbers in rows of one length: {error}") from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what} must hold numbers, got dtype {array.dtype}; encode text as numbers first")
    with np.errstate(over="ignore"):
        array = np.asarray(array, dtype_of_data(array.dtype), order="C")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = ~np.isfinite(array)
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(f"{what} holds {int(bad.sum())} NaN or inf, the first at index {first}: fill or drop them")
    return array


def as_batch(X: Any, y: Any, sample_weight: Any = None) -> list[np.ndarray]:
    """X, y and the weights (if given) as arrays of one length."""
    arrays = [as_array(X, "X"), as_array(y, "y")]
    if sample_weight is not None:
        arrays.append(as_array(sample_weight, "sample_weight").astype(default_dtype()))
    if any(a.ndim == 0 for a in arrays):
        raise ShapeError("X and y need an axis of samples, got a single number")
    lengths = [len(a) for a in arrays]
    if len(set(lengths)) > 1:
        raise ShapeError(f"X and y must have one length, got {lengths[0]} samples and {lengths[1]} targets"
                         + (f" and {lengths[2]} weights" if len(lengths) > 2 else ""))  # fmt: skip
    if lengths[0] == 0:
        raise DataError("there are no samples")
    return arrays


def split_validation(arrays: list[np.ndarray], validation: Any, seed: int):
    """(training arrays, validation arrays or None): ``validation`` is a share of the data, or its own (X, y)."""
    if validation is None:
        return arrays, None
    if isinstance(validation, (tuple, list)):
        if len(validation) not in (2, 3):
            raise ArgumentError(f"validation is (X, y) or a share between 0 and 1, got {len(validation)} arrays")
        return arrays, as_batch(*validation)
    if not isinstance(validation, (int, float)) or not 0 < validation < 1:
        raise ArgumentError(f"validation is (X, y) or a share between 0 and 1, got {validation!r}")
    n = len(arrays[0])
    held_out = round(n * validation)
    if not 0 < held_out < n:
        raise DataError(f"{validation} of {n} samples leaves nothing to train on or nothing to validate with")
    order = np.random.Generator(np.random.Philox(np.random.SeedSequence([abs(seed), 1]))).permutation(n)
    return [a[order[held_out:]] for a in arrays], [a[order[:held_out]] for a in arrays]
