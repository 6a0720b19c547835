"""scikit-learn's validation; it has no types, and type checkers guess wrong ones from default values."""

from typing import Any

import numpy as np
from sklearn.utils import validation

from subgrad.errors import DataError

check_array: Any = validation.check_array
validate_data: Any = validation.validate_data


def check_target(estimator: Any, y: Any) -> np.ndarray:
    """y as an array of any dtype. Raises `DataError` for missing labels, `ValueError` for other things it cannot be."""
    require_labels(y)
    return check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=estimator)


def require_labels(y: Any) -> None:
    """Raise `DataError` if a label is missing: None, NaN or pandas' NA, of which each sorts in a way of its own."""
    if not hasattr(y, "isna") and np.asarray(y).dtype != object:
        return  # an array of numbers, which scikit-learn looks through
    missing = np.asarray(y.isna()) if hasattr(y, "isna") else np.vectorize(_is_missing, otypes=[bool])(np.asarray(y))
    rows = np.flatnonzero(missing.reshape(len(missing), -1).any(axis=1)) if missing.ndim else ()
    if len(rows):
        count = f"{len(rows):,} row{'s' if len(rows) > 1 else ''}"
        raise DataError(f"y contains NaN or None in {count}, the first is {rows[0]}: leave out rows without a target")


def sample_weights(given: Any, rows: int) -> np.ndarray | None:
    """The weights of so many rows, checked; None if there are none."""
    if given is None:
        return None
    return validation._check_sample_weight(given, np.empty((rows, 0)), dtype=np.float64, ensure_non_negative=True)


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and value != value)


__all__ = ["check_array", "check_target", "require_labels", "sample_weights", "validate_data"]
