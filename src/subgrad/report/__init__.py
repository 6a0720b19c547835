"""Explanations of trained models for tables, and the page that shows them."""

from subgrad.report.explanations.calibration import Calibration, calibration_curve
from subgrad.report.explanations.dependence import Dependence, partial_dependence
from subgrad.report.explanations.hardest import HardRow, hardest_rows
from subgrad.report.explanations.importance import Importance, permutation_importance
from subgrad.report.explanations.ranking import precision_recall_curve, roc_curve
from subgrad.report.explanations.table_model import TableModel, row_losses
from subgrad.report.page import check_report, write_report
from subgrad.report.subject import Background, Score

__all__ = [
    "Background",
    "Calibration",
    "Dependence",
    "HardRow",
    "Importance",
    "Score",
    "TableModel",
    "calibration_curve",
    "check_report",
    "hardest_rows",
    "partial_dependence",
    "permutation_importance",
    "precision_recall_curve",
    "roc_curve",
    "row_losses",
    "write_report",
]
