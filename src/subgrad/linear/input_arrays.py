"""Features, targets and labels on their way into a model: float64, finite, of shapes that fit together."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.data import frame
from subgrad.errors import DataError, ShapeError
from subgrad.graph.tensor import Tensor

LARGEST = 1e100  # its square, summed over all samples, is far from the largest float64


def features(X: Any) -> np.ndarray:
    """X as float64 (n, d) with n, d >= 1, all finite; an array, a tensor, a frame of pandas or polars, or lists."""
    table = _numbers(X, "X")
    if table.ndim != 2:
        raise ShapeError(f"X must be a table (samples, features), got shape {table.shape}")
    if not table.size:
        raise DataError(f"X has {table.shape[0]} samples and {table.shape[1]} features: there is nothing to learn from")
    return table


def column_names(X: Any) -> np.ndarray | None:
    """The names of a frame's columns, as scikit-learn keeps them: all are text; else None."""
    names = frame.names_of(X)
    return np.array(names, dtype=object) if names and all(isinstance(name, str) for name in names) else None


def targets(y: Any, n: int) -> np.ndarray:
    """y as float64 (n,), all finite."""
    column = _numbers(y, "y")
    _check_length(column, n)
    return column


def weights(given: Any, n: int) -> np.ndarray:
    """Weights as float64 (n,), none of them negative, not all of them 0; ones if none are given."""
    if given is None:
        return np.ones(n)
    column = _numbers(given, "sample_weight")
    _check_length(column, n, "sample_weight")
    if column.min() < 0:
        raise DataError(f"sample_weight holds {column.min():.6g}: a weight is 0 or more")
    if not column.any():
        raise DataError("sample_weight is 0 for all samples: there is nothing to learn from")
    return column


def labels(y: Any, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two classes, sorted, and y (n,) as -1 for the first of them and +1 for the second.

    A class without weight is not there; its samples, whose label then means nothing, are -1.
    """
    column = _raw(y)
    _check_length(column, len(weights))
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        raise DataError("y holds NaN or inf, which is no class")
    try:
        classes = np.unique(column[weights > 0])
    except TypeError as error:  # None beside texts, for example
        raise DataError(f"y holds classes that cannot be sorted: {error}") from None
    if len(classes) != 2:
        shown = ", ".join(repr(c) for c in classes[:5].tolist()) + (", ..." if len(classes) > 5 else "")
        of_weight = "" if weights.all() else " with weight"
        raise DataError(f"y must hold two classes{of_weight}, got {len(classes)}: {shown}")
    return classes, np.where(column == classes[1], 1.0, -1.0)


def centred(X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X with the mean of each column taken off, and the means.

    A constant column becomes exactly 0: what rounding leaves of it would look like a feature.
    """
    mean = np.average(X, axis=0, weights=weights)
    moved = X - mean
    moved[:, np.ptp(X, axis=0) == 0] = 0
    return moved, mean


def _raw(data: Any) -> np.ndarray:
    return np.asarray(data.numpy() if isinstance(data, Tensor) else frame.as_array(data))


def _numbers(data: Any, what: str) -> np.ndarray:
    array = _raw(data)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what} must hold numbers, got dtype {array.dtype}; encode text as numbers first")
    array = np.ascontiguousarray(array, np.float64).reshape(array.shape)
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(f"{what} holds {int(bad.sum())} NaN or inf, the first at index {first}: fill or drop them")
    largest = np.abs(array).max(initial=0)
    if largest > LARGEST:
        raise DataError(f"{what} holds {largest:.1e}, too large for its square: scale it below {LARGEST:.0e}")
    return array


def _check_length(y: np.ndarray, n: int, what: str = "y") -> None:
    if y.shape != (n,):
        raise ShapeError(f"{what} must have one value for each of the {n} samples of X, shape ({n},), got {y.shape}")
