"""Explanations of trained models for tables, and the page that shows them."""

from subgrad.report.explanations.calibration import Calibration, calibration_curve
from subgrad.report.explanations.dependence import Dependence, partial_dependence
from subgrad.report.explanations.hardest import HardRow, hardest_rows
from subgrad.report.explanations.importance import Importance, permutation_importance
from subgrad.report.explanations.ranking import precision_recall_curve, roc_curve
from subgrad.report.explanations.table_model import TableModel, row_losses

__all__ = [
    "Calibration",
    "Dependence",
    "HardRow",
    "Importance",
    "TableModel",
    "calibration_curve",
    "hardest_rows",
    "partial_dependence",
    "permutation_importance",
    "precision_recall_curve",
    "roc_curve",
    "row_losses",
]
