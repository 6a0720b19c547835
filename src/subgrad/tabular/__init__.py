"""Models for tables with strong defaults: `fit_tabular` makes a `TabularModel` of a table.

`TabularClassifier` and `TabularRegressor` are the same as scikit-learn's estimators, from `subgrad.sklearn`.
"""

from typing import TYPE_CHECKING, Any

from subgrad.tabular.defaults import EFFORTS, Settings, settings_for
from subgrad.tabular.fitting import fit_tabular
from subgrad.tabular.held_out import OutOfFold
from subgrad.tabular.search.trials import Trial, Tuned
from subgrad.tabular.search.tuning import tune_tabular
from subgrad.tabular.tabular_model import TabularModel

if TYPE_CHECKING:
    from subgrad.sklearn import TabularClassifier, TabularRegressor  # noqa: F401

__all__ = [
    "EFFORTS",
    "OutOfFold",
    "Settings",
    "TabularModel",
    "Trial",
    "Tuned",
    "fit_tabular",
    "settings_for",
    "tune_tabular",
]


def __getattr__(name: str) -> Any:
    """The estimators, which need scikit-learn, come with their first use."""
    if name in ("TabularClassifier", "TabularRegressor"):
        from subgrad import sklearn

        return getattr(sklearn, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
