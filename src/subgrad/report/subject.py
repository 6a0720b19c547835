"""What a report is about: answers beside the truth, the model that gave them, and how it came about."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from subgrad.data.table import Table
from subgrad.data.target import Label
from subgrad.fit.history import History
from subgrad.metrics import Answered, Estimate, for_task
from subgrad.metrics.bootstrap import decimals_for
from subgrad.report.explanations.table_model import TableModel, places


class Score(NamedTuple):
    """A metric on the page: its name in words, its value with an interval, what needs no inputs to be reached, and how
    many decimals all of these are shown with."""

    words: str
    found: Estimate
    guess: float | None = None
    decimals: int | None = 3


@dataclass(frozen=True, kw_only=True)
class Background:
    """What a report says beside what the answers of the model show; parts that are unknown are left out.

    Attributes:
        data: what the data are, in a line.
        row: what one of those is called that the model is judged by.
        which: of them these are, such as "that it was not trained on".
        remarks: what else was found of the answers, a sentence each.
        drawn: what is drawn again for the intervals of the scores; these rows if it is empty.
        whole: the table that these rows are a part of, as the columns are shown; None for the rows themselves.
        sentences: what was done to the table, a sentence each, as `TablePreprocessor.describe` has it.
        row_numbers: where the rows stand in their file, from 1 on.
        event: of two classes the place of the one whose probability is shown; None for the rarer one.
        scores: metrics, where others than the usual ones are to be shown.
        guess: how the ``guess`` of these is made, such as "always 'no'".
        history: of the training.
        epoch: what a row of the history is of.
        validated: what its validation is, if that is another number than the loss, such as "root mean squared error".
        training: how the model was made, a sentence each.
        command: that made the report.
        seed: of all that was drawn by chance.
    """

    data: str = ""
    row: str = "row"
    which: str = ""
    drawn: str = ""
    remarks: Sequence[str] = ()
    whole: Table | None = None
    sentences: Sequence[str] = ()
    row_numbers: np.ndarray | None = None
    event: int | None = None
    scores: Sequence[Score] = ()
    guess: str = ""
    history: History | None = None
    epoch: str = "epoch"
    validated: str = ""
    training: Sequence[str] = ()
    command: str = ""
    seed: int = 0

    def but(self, **changes: Any) -> Background:
        """The same with changes."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True)
class Judged:
    """Answers beside the truth.

    Attributes:
        target: what is predicted.
        classes: the labels; empty for numbers.
        truth, answers: labels or numbers (n,).
        chances: of each class (n, classes); None for numbers, and for scores that are no probabilities.
        background: what else is known.
    """

    target: str
    classes: Sequence[Label]
    truth: np.ndarray
    answers: np.ndarray
    chances: np.ndarray | None
    background: Background

    @property
    def classified(self) -> bool:
        """Whether the answers are classes."""
        return len(self.classes) > 0

    @cached_property
    def places(self) -> np.ndarray:
        """The place of the true class (n,)."""
        return places(self.classes, self.truth)

    @cached_property
    def answered_places(self) -> np.ndarray:
        """The place of the class that is answered, (n,)."""
        return places(self.classes, self.answers)

    @cached_property
    def event(self) -> int | None:
        """Of two classes the place of the one whose probability is shown: the rarer one, unless the background says."""
        if len(self.classes) != 2:
            return None
        return int(np.mean(self.places) <= 0.5) if self.background.event is None else self.background.event

    @cached_property
    def scores(self) -> Sequence[Score]:
        """The metrics of the background; else all that suit the task."""
        if self.background.scores:
            return self.background.scores
        metrics = for_task("classification" if self.classified else "regression")
        found = self._answered().estimate(metrics, seed=self.background.seed)
        of_one = "" if self.event is None else f" of '{self.classes[self.event]}'"
        return [
            Score(m.words + of_one * m.of_one_class, own, decimals=decimals_for(*own) if m.in_unit else 3)
            for m in metrics if (own := found.get(m.name)) is not None
        ]  # fmt: skip

    def _answered(self) -> Answered:
        """For the metrics, of which some are of the second of two classes."""
        if not self.classified:
            return Answered(np.asarray(self.truth, np.float64), self.answers)
        truth, answers, chances = self.places, self.answered_places, self.chances
        if self.event == 0:
            truth, answers, chances = 1 - truth, 1 - answers, None if chances is None else chances[:, ::-1]
        return Answered(truth, answers, chances, len(self.classes))


@dataclass(frozen=True)
class Subject(Judged):
    """A model, and the rows of a table that its answers are of."""

    model: TableModel
    table: Table

    @classmethod
    def of(cls, model: TableModel, table: Table, truth: np.ndarray, background: Background) -> Subject:
        """The answers of a model to the rows of a table, whose truth (n,) is known."""
        chances = model.predict_proba(table) if model.task == "classification" else None
        answers = np.asarray(model.predict(table))
        return cls(model.target_name, model.classes, truth, answers, chances, background, model, table)

    @property
    def features(self) -> list[str]:
        """The columns that may be learnt from."""
        return [name for name in self.table if name != self.target]


__all__ = ["Background", "Judged", "Score", "Subject"]
