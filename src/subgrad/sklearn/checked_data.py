"""scikit-learn's validation; it has no types, and type checkers guess wrong ones from default values."""

from typing import Any

from sklearn.utils import validation

check_array: Any = validation.check_array
validate_data: Any = validation.validate_data

__all__ = ["check_array", "validate_data"]
