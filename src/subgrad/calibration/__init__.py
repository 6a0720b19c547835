"""What is made of a model's answers by rows it was not trained on: intervals of numbers, sets of classes, decisions."""

from subgrad.calibration.calibrated import Calibrated
from subgrad.calibration.decision import Decision
from subgrad.calibration.intervals import Intervals, interval_score, rows_needed
from subgrad.calibration.quantile_intervals import QuantileIntervals
from subgrad.calibration.sets import PredictionSets, rows_needed_for_set

__all__ = [
    "Calibrated", "Decision", "Intervals", "PredictionSets", "QuantileIntervals", "interval_score", "rows_needed",
    "rows_needed_for_set",
]  # fmt: skip
