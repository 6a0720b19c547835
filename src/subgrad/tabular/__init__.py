"""Models for tables with strong defaults: `fit_tabular` makes a `TabularModel` of a table."""

from subgrad.tabular.defaults import EFFORTS, Settings, settings_for
from subgrad.tabular.fitting import fit_tabular
from subgrad.tabular.tabular_model import OutOfFold, TabularModel

__all__ = ["EFFORTS", "OutOfFold", "Settings", "TabularModel", "fit_tabular", "settings_for"]
