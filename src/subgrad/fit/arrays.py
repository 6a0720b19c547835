"""Data on its way into a run: arrays of the right dtype, finite, of one length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from subgrad.entropy import philox
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.fit.several.batch_form import Form, keys_of, parts
from subgrad.graph.dtype import dtype_of_data
from subgrad.graph.tensor import Tensor


@dataclass(frozen=True)
class Part:
    """Some samples of arrays, which are not copied: they may be mapped from a file that is larger than memory.

    ``form`` says what the arrays are.
    """

    arrays: list[np.ndarray]
    rows: np.ndarray
    form: Form

    @classmethod
    def all(cls, arrays: list[np.ndarray], form: Form) -> Part:
        return cls(arrays, np.arange(len(arrays[0])), form)

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, start: int, size: int) -> list[np.ndarray]:
        """``size`` samples from number ``start`` on; fewer at the end."""
        return [a[self.rows[start : start + size]] for a in self.arrays]


AT_ONCE = 2**22  # elements
MOST = np.iinfo(np.int64).max


def is_scanned(data: Any) -> bool:
    """Whether these are rows in files, `subgrad.data.scan_table`."""
    return type(data).__name__ == "ScannedTable" and type(data).__module__.startswith("subgrad.")


def as_array(data: Any, what: str, dtype: np.dtype) -> np.ndarray:
    """``data`` (an array, a tensor, a pandas or polars frame, lists) as an array of a tensor's dtype.

    Floats become ``dtype``, that of the model they are for. Raises `DataError` for text, and for NaN or inf, with the
    first place.
    """
    try:
        array = np.asarray(data.numpy() if isinstance(data, Tensor) else _as_array(data))
    except ValueError as error:
        advice = _several(data) or str(error)
        raise DataError(f"{what} must hold numbers in rows of one length: {advice}") from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what} must hold numbers, got dtype {array.dtype}; encode text as numbers first")
    if array.dtype == np.uint64 and array.max(initial=0) > MOST:
        raise DataError(f"{what} holds {array.max()}, beyond the largest integer of 64 bits with a sign: give floats")
    with np.errstate(over="ignore"):
        array = np.asarray(array, dtype if array.dtype.kind == "f" else dtype_of_data(array.dtype), order="C")
    if array.dtype.kind == "f":
        _require_finite(array, what)
    return array


def _several(data: Any) -> str:
    """What to say of a list of arrays that are no rows, as Keras takes them for several inputs."""
    if not isinstance(data, list) or not all(getattr(a, "ndim", 0) for a in data):
        return ""
    shapes = ", ".join(str(tuple(a.shape)) for a in data[:3]) + (", ..." if len(data) > 3 else "")
    return f"it is a list of arrays of shapes {shapes}; several inputs or outputs go into a tuple or a dict"


def _require_finite(array: np.ndarray, what: str) -> None:
    """Looks at a part at a time: what is mapped from a file may be larger than memory."""
    whole = np.atleast_1d(array)
    rows = max(1, AT_ONCE // max(1, whole[:1].size))
    count, first = 0, ()
    for start in range(0, len(whole), rows):
        bad = ~np.isfinite(whole[start : start + rows])
        if bad.any():
            i, *rest = np.argwhere(bad)[0].tolist()
            count, first = count + int(bad.sum()), first or (start + i, *rest)
    if count:
        raise DataError(f"{what} holds {count} NaN or inf, the first at index {first}: fill or drop them")


def as_inputs(dtype: np.dtype, X: Any) -> Part:
    """Inputs of a model alone."""
    form = Form(keys_of("X", X))
    arrays = [as_array(data, name, dtype) for name, data in parts("X", X, form.x).items()]
    _check_lengths(arrays, form)
    return Part.all(arrays, form)


def as_batch(dtype: np.dtype, X: Any, y: Any, sample_weight: Any = None, form: Form | None = None) -> Part:
    """X, y and the weights (if given) as arrays of one length, floats in ``dtype``.

    X and y are one array each, or several in a tuple or dict. Given the ``form`` of other data they must have that.
    """
    keys = (keys_of("X", X), keys_of("y", y)) if form is None else (form.x, form.y)
    form = Form(*keys, sample_weight is not None)
    given = {**parts("X", X, form.x), **parts("y", y, form.y)}
    arrays = [as_array(data, name, dtype) for name, data in given.items()]
    if form.weighted:
        arrays.append(as_array(sample_weight, "sample_weight", dtype).astype(dtype, copy=False))
    _check_lengths(arrays, form)
    if len(arrays[0]) == 0:
        raise DataError("there are no samples")
    if form.weighted and not arrays[-1].any():
        raise DataError("sample_weight is 0 for all samples")
    return Part.all(arrays, form)


def _check_lengths(arrays: list[np.ndarray], form: Form) -> None:
    if any(a.ndim == 0 for a in arrays):
        bad = next(name for name, a in zip(form.names, arrays, strict=False) if a.ndim == 0)
        raise ShapeError(f"X and y need an axis of samples, got a single number as {bad}")
    if len({len(a) for a in arrays}) > 1:
        found = ", ".join(f"{name} of shape {a.shape}" for name, a in zip(form.names, arrays, strict=False))
        raise ShapeError(f"X and y must have one length, got {found}")


_HELD_OUT = "(X, y), (X, y, sample_weight)"


def given_validation(dtype: np.dtype, validation: Sequence[Any], form: Form, otherwise: str) -> Part:
    """Samples to validate with, given as arrays; ``otherwise`` is what else they may be."""
    if len(validation) not in (2, 3):
        raise ArgumentError(f"validation is {_HELD_OUT} or {otherwise}, got {len(validation)} arrays")
    return as_batch(dtype, *validation, form=form)


def split_validation(data: Part, validation: Any, seed: int, dtype: np.dtype) -> tuple[np.ndarray, Part | None]:
    """The numbers of the samples to train on, and what to validate with.

    ``validation`` is a share, (X, y), or (X, y, sample_weight). The share is one of the samples that have a weight.
    """
    n = len(data)
    if validation is None:
        return np.arange(n), None
    wanted = "a share between 0 and 1"
    if isinstance(validation, (tuple, list)):
        return np.arange(n), given_validation(dtype, validation, data.form, wanted)
    share = float(validation) if isinstance(validation, Real) else 0.0
    if not 0 < share < 1:
        given = validation if isinstance(validation, Real) else type(validation).__name__
        raise ArgumentError(f"validation is {_HELD_OUT} or {wanted}, got {given}")
    order = philox(seed, 1).permutation(n)
    counting = order[data.arrays[-1][order] != 0] if data.form.weighted else order
    held_out = round(len(counting) * share)
    if not 0 < held_out < len(counting):
        raise DataError(f"{share} of {len(counting)} samples leaves nothing to train on or nothing to validate with")
    left = np.ones(n, bool)
    left[chosen := counting[:held_out]] = False
    return order[left[order]], Part(data.arrays, chosen, data.form)


def _as_array(data: Any) -> Any:
    if isinstance(data, np.ndarray):
        return data
    from subgrad.data import frame  # readers of tables are loaded by the first run on one

    return frame.as_array(data)
