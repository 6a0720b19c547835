"""Explanations of trained models, and the pages that show them: of tables, images, texts and series."""

from subgrad.report.explanations.calibration import Calibration, calibration_curve
from subgrad.report.explanations.dependence import Dependence, partial_dependence
from subgrad.report.explanations.hardest import HardRow, hardest_rows
from subgrad.report.explanations.importance import Importance, permutation_importance
from subgrad.report.explanations.ranking import precision_recall_curve, roc_curve
from subgrad.report.explanations.table_model import TableModel, row_losses
from subgrad.report.page import check_report
from subgrad.report.sections.moments import Forecasts
from subgrad.report.sections.passages import Passages
from subgrad.report.series_page import write_series_report
from subgrad.report.subject import Background, Score
from subgrad.report.table_page import write_report
from subgrad.report.text_page import write_text_report

__all__ = [
    "Background",
    "Calibration",
    "Dependence",
    "Forecasts",
    "HardRow",
    "Importance",
    "Passages",
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
    "write_series_report",
    "write_text_report",
]
