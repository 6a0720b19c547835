"""What a model learnt after its training, from rows that were held out: decisions for rare classes, intervals, sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.calibration.decision import Decision
from subgrad.calibration.intervals import Intervals
from subgrad.calibration.sets import PredictionSets
from subgrad.data.target import Label
from subgrad.errors import DataError


@dataclass(frozen=True)
class Calibrated:
    """The record of a model has it.

    Attributes:
        decision: which class is answered, given the probabilities; None for the most probable one.
        intervals: around numbers.
        sets: of classes.
    """

    decision: Decision | None = None
    intervals: Intervals | None = None
    sets: PredictionSets | None = None

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Calibrated:
        """What `to_plain` wrote into a record, or nothing. Raises `DataError` for anything else."""
        plain = record.get("calibrated", {})
        try:
            return cls(
                Decision.from_plain(plain["decision"]) if "decision" in plain else None,
                Intervals.from_plain(plain["intervals"]) if "intervals" in plain else None,
                PredictionSets.from_plain(plain["sets"]) if "sets" in plain else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"the record of what was calibrated is damaged: {error!r}"[:300]) from None

    def to_plain(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        found = {
            "decision": self.decision and self.decision.to_plain(),
            "intervals": self.intervals and self.intervals.to_plain(),
            "sets": self.sets and self.sets.to_plain(),
        }
        return {name: value for name, value in found.items() if value is not None}

    def decide(self, chances: np.ndarray) -> np.ndarray:
        """The places of the classes that are answered, (n,)."""
        return chances.argmax(axis=1) if self.decision is None else self.decision.decide(chances)

    def describe(self, classes: Sequence[Label]) -> list[str]:
        """What was calibrated, a sentence each."""
        found = []
        if self.decision is not None:
            self.decision.require(len(classes))
            found.append(_about(self.decision, classes))
        if self.intervals is not None:
            found.append(self.intervals.describe())
        if self.sets is not None:
            found.append(self.sets.describe())
        return found


def _about(decision: Decision, classes: Sequence[Label]) -> str:
    """From which probability on a class is answered, and what that is good for."""
    gain = f"balanced accuracy {decision.after:.3f} on rows held out, {decision.before:.3f} without"
    if len(classes) == 2:
        return f"'{classes[1]}' is answered from a probability of {decision.threshold:.3g} on: {gain}."
    return f"Probabilities are weighed for the answer, {_listed(decision.weights, classes)}: {gain}."


def _listed(weights: Sequence[float], classes: Sequence[Label], most: int = 8) -> str:
    shown = [f"'{label}' {weight:.3g}" for label, weight in zip(classes, weights, strict=True)][:most]
    return ", ".join(shown) + (f" and {len(classes) - most} more" if len(classes) > most else "")


__all__ = ["Calibrated"]
