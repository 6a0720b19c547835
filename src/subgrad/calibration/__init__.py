"""What is made of a model's answers by rows it was not trained on: intervals of numbers, and decisions for classes."""

from subgrad.calibration.decision import Decision
from subgrad.calibration.intervals import Intervals, interval_score, rows_needed

__all__ = ["Decision", "Intervals", "interval_score", "rows_needed"]
