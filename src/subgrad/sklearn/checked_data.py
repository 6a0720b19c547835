"""scikit-learn's validation; it has no types, and type checkers guess wrong ones from default values."""

from typing import Any

import numpy as np
from sklearn.utils import validation

check_array: Any = validation.check_array
validate_data: Any = validation.validate_data


def check_target(estimator: Any, y: Any) -> np.ndarray:
    """y as an array of any dtype. Raises `ValueError` for missing values, of which None sorts with no label."""
    found = check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=estimator)
    if found.dtype == object and any(value is None for value in found.ravel()):
        raise ValueError("Input y contains None: leave out the rows whose target is missing")
    return found


__all__ = ["check_array", "check_target", "validate_data"]
