"""What the metrics are given, checked: targets, answers and weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.errors import DataError, ShapeError


def places(name: str, values: Any) -> np.ndarray:
    """Places among classes (n,), int64: whole numbers from 0 on, or truth values."""
    given = _one_column(name, values)
    if given.dtype.kind in "uf" and given.max() >= 2.0**63:
        raise DataError(f"{name} holds places among the classes, and one of them is {given.max()}")
    whole = given.dtype.kind in "biu" or (given.dtype.kind == "f" and np.all(np.isfinite(given) & (given % 1 == 0)))
    if not whole or given.min() < 0:
        raise DataError(f"{name} holds places among the classes, whole numbers from 0 on; got {_first(given)}")
    return given.astype(np.int64)


def numbers(name: str, values: Any) -> np.ndarray:
    """Finite numbers (n,), float64."""
    given = _one_column(name, values)
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all():
        raise DataError(f"{name} holds finite numbers; got {_first(given)}")
    return given.astype(np.float64)


def scores(values: Any, n: int) -> np.ndarray:
    """A score for each class, (n, classes), float64; scores (n,) are those of the second of two classes."""
    given = _array("scores", values)
    if given.ndim not in (1, 2) or len(given) != n or (given.ndim == 2 and given.shape[1] < 2):
        raise ShapeError(f"{n} rows need scores of shape ({n}, classes), or ({n},) of the second of two classes; "
                         f"got {given.shape}")  # fmt: skip
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all():
        raise DataError(f"scores are finite numbers; got {_first(given)}")
    given = given.astype(np.float64)
    return np.stack([1 - given, given], axis=1) if given.ndim == 1 else given


def chances(values: Any, n: int) -> np.ndarray:
    """As `scores`, of probabilities: rows that add up to 1."""
    given = scores(values, n)
    if given.min() < -1e-6 or np.abs(given.sum(axis=1) - 1).max() > 1e-3:
        raise DataError("probabilities are numbers from 0 on that add up to 1 in each row; got "
                        f"{np.array2string(given[_worst(given)][:5], precision=4)}")  # fmt: skip
    return given.clip(0, None) / given.clip(0, None).sum(axis=1, keepdims=True)


def weights(values: Any, n: int) -> np.ndarray:
    """Weights (n,), or (m, n) for m numbers at once, float64; ones if there are none."""
    if values is None:
        return np.ones(n)
    given = _array("weights", values)
    if given.ndim not in (1, 2) or given.shape[-1] != n:
        raise ShapeError(f"{n} rows need weights of shape ({n},) or (m, {n}), got {given.shape}")
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all() or given.min(initial=0) < 0:
        raise DataError(f"weights are finite and not negative; got {_first(given.ravel())}")
    return given.astype(np.float64)


def same_length(truth: np.ndarray, answers: np.ndarray) -> None:
    """Raise `ShapeError` unless there is an answer for each row."""
    if len(truth) != len(answers):
        raise ShapeError(f"{len(truth)} rows have {len(answers)} answers")


def divided(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, and NaN where b is 0: there the quotient has no meaning."""
    return np.divide(a, b, out=np.full(np.broadcast_shapes(a.shape, b.shape), np.nan), where=b != 0)


def _array(name: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError:  # lists of different lengths
        raise ShapeError(f"{name} is no array: its rows have different lengths") from None


def _one_column(name: str, values: Any) -> np.ndarray:
    given = _array(name, values)
    if given.ndim != 1 or not len(given):
        raise ShapeError(f"{name} has the shape (n,), with n of 1 or more; got {given.shape}")
    return given


def _worst(given: np.ndarray) -> int:
    return int(np.maximum(-given.min(axis=1), np.abs(given.sum(axis=1) - 1)).argmax())


def _first(given: np.ndarray) -> str:
    """The first value that is no number, or the first that is no whole one, in short."""
    if given.dtype.kind not in "biuf":
        return f"{given.flat[0]!r}"[:60]
    odd = given[~np.isfinite(given)] if given.dtype.kind == "f" else given[:0]
    odd = odd if len(odd) else given[(given < 0) | (given != np.floor(given))]
    return f"{(odd if len(odd) else given)[0]}"
