"""Metrics: how good answers are, computed of all rows at once, exactly, with weights and with intervals.

Those that `subgrad.fit` and `subgrad.evaluate` report are means over batches inside of the compiled step; these
need all answers at hand, as ROC AUC does.
"""

from subgrad.lazy import closed
from subgrad.metrics.answered import Answered
from subgrad.metrics.bootstrap import Estimate, bootstrap
from subgrad.metrics.of_chances import average_precision, brier, log_loss, roc_auc
from subgrad.metrics.of_classes import accuracy, balanced_accuracy, f1, matthews_correlation, precision, recall
from subgrad.metrics.of_numbers import (
    mean_absolute_error,
    median_absolute_error,
    r2,
    root_mean_squared_error,
)
from subgrad.metrics.table import TABLE, Metric, for_task, get

__all__ = [
    "TABLE",
    "Answered",
    "Estimate",
    "Metric",
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "bootstrap",
    "brier",
    "f1",
    "for_task",
    "get",
    "log_loss",
    "matthews_correlation",
    "mean_absolute_error",
    "median_absolute_error",
    "precision",
    "r2",
    "recall",
    "roc_auc",
    "root_mean_squared_error",
]

__getattr__, __dir__ = closed(__name__, __all__)
