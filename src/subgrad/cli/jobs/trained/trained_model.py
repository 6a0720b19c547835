"""A trained model with all that it takes to use it: how to prepare a table, and what its answers mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from rich.console import RenderableType

from subgrad import io
from subgrad.calibration import Calibrated
from subgrad.cli.jobs.source import Preparation
from subgrad.cli.jobs.trained.prediction_report import Classified, Outcome, Regressed
from subgrad.cli.jobs.trained.regions import NO_SPANS, Sets, Spans
from subgrad.data.table import Table
from subgrad.data.target import Label
from subgrad.data.task import Task
from subgrad.errors import ArgumentError
from subgrad.fit import History
from subgrad.io.number_text import short


class Reply(NamedTuple):
    """What a model says of some rows.

    Attributes:
        answers: places of classes, or numbers in their unit, (n,).
        chances: the probability of each class (n, classes), if there are any.
        score: of the second of two classes (n,), of a model without probabilities.
        spans: how sure a number is.
        sets: of classes that may be right, if any were calibrated.
    """

    answers: np.ndarray
    chances: np.ndarray | None = None
    score: np.ndarray | None = None
    spans: Spans = NO_SPANS
    sets: Sets | None = None

    def columns(self, classes: Sequence[Label]) -> dict[str, np.ndarray]:
        """What is written beside the answers."""
        if self.chances is not None:
            found = {f"probability of {label}": self.chances[:, i] for i, label in enumerate(classes)}
            return found if self.sets is None else found | self.sets.column(classes)
        if self.score is not None:
            return {f"score of {classes[1]}": self.score}
        return self.spans.columns()


class Trained(ABC):
    """What ``subgrad train`` saves in one file.

    Attributes:
        preparation: turns tables into features, and places into labels.
        record: how it was trained, as JSON can hold it.
    """

    preparation: Preparation
    record: dict[str, Any]

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the model file."""

    @abstractmethod
    def reply(self, X: np.ndarray) -> Reply:
        """What the model says of features (n, d)."""

    @abstractmethod
    def about_training(self) -> list[str]:
        """How it was trained, a line each."""

    @abstractmethod
    def layers(self) -> RenderableType:
        """The network, layer by layer."""

    @property
    @abstractmethod
    def stopped(self) -> str:
        """Why the training ended, see `subgrad.fit.History`."""

    @property
    @abstractmethod
    def history(self) -> History:
        """The learning curve; empty if the file has none."""

    row_of_history: ClassVar[str] = "epoch"
    """What a row of it is of."""

    @property
    def validated(self) -> str:
        """What its validation is, if that is another number than the loss."""
        return ""

    @property
    def calibrated(self) -> Calibrated:
        """What was calibrated after the training."""
        return Calibrated.from_record(self.record)

    @property
    def task(self) -> Task:
        """Classification or regression."""
        return self.preparation.task

    @property
    def target_name(self) -> str:
        """The column that is predicted."""
        return self.preparation.target_name

    @property
    def classes(self) -> list[Label]:
        """The labels of the classes; empty for regression."""
        return self.preparation.classes

    def predict(self, table: Table) -> np.ndarray:
        """The labels or numbers (n,) for the rows of a table."""
        answers = self.reply(self.preparation.transform(table)).answers
        return answers if self.task == "regression" else self.preparation.restore_target(answers)

    def predict_proba(self, table: Table) -> np.ndarray | None:
        """The probability of each class (n, classes); None if the scores of the model are none.

        Raises `ArgumentError` for regression.
        """
        if self.task == "regression":
            raise ArgumentError(f"'{self.target_name}' is a number, which has no probabilities")
        return self.reply(self.preparation.transform(table)).chances

    def of_numbers(self, answers: np.ndarray) -> Reply:
        """The reply of numbers (n,) in their unit, with their intervals."""
        intervals = self.calibrated.intervals
        return Reply(
            answers, spans=NO_SPANS if intervals is None else Spans(intervals.level, intervals.around(answers))
        )

    def of_chances(self, chances: np.ndarray) -> Reply:
        """The reply of probabilities (n, classes)."""
        calibrated = self.calibrated
        sets = None if calibrated.sets is None else Sets(calibrated.sets.level, calibrated.sets.of(chances))
        return Reply(calibrated.decide(chances), chances, sets=sets)

    def judge(self, X: np.ndarray, y: np.ndarray) -> Outcome:
        """How good the answers to features (n, d) are, given encoded targets (n,)."""
        reply, record = self.reply(X), self.record
        if self.task == "classification":
            frequencies = record.get("frequencies") or np.bincount(y, minlength=len(self.classes))
            majority = record.get("majority", int(np.argmax(frequencies)))
            known = np.array(frequencies, np.float64) if "frequencies" in record else None
            return Classified(self.classes, y, reply.answers, majority, reply.chances, known, reply.sets)
        truth = self.preparation.restore_target(y)
        mean = float(self.preparation.restore_target(np.zeros(1))[0])
        return Regressed(self.target_name, truth, reply.answers, mean, reply.spans)

    def rows(self, X: np.ndarray) -> tuple[list[str], Iterator[Sequence[str]]]:
        """The answers to features (n, d) as a table of texts: its header and its rows."""
        reply = self.reply(X)
        beside = reply.columns(self.classes)
        if self.task == "regression":
            mean, above = self.preparation.restore_target(np.array([0.0, 1.0])).tolist()
            write: Callable[[float], str] = partial(short, unit=above - mean)
            answers: Iterable[str] = map(write, reply.answers.tolist())
        else:
            write, answers = "{:.6g}".format, map(str, self.preparation.restore_target(reply.answers))
        columns = [v.tolist() if v.dtype == object else map(write, v.tolist()) for v in beside.values()]
        return ["prediction", *beside], zip(answers, *columns, strict=True)


def kind_of(path: Path) -> str | None:
    """What a model file is for: "text", "series", or the task of a table; None if it does not say."""
    task = io.read_info(path).get("task")
    return task if isinstance(task, str) else None


def test_line(record: dict[str, Any]) -> str:
    """How good the model was on the rows that were held out."""
    if "cross_validation" in record:
        found = {name: value[0] for name, value in record["cross_validation"].items() if isinstance(value, list)}
        return f"Cross-validation in {record['cross_validation']['folds']} parts: {numbers(found)}"
    return f"Test: {numbers(record['test'])}" if "test" in record else "No row was held out to test on."


def numbers(found: dict[str, Any]) -> str:
    """Numbers with their names, in a line."""
    texts = {
        name: value if isinstance(value, int) else f"{value:.4g}" for name, value in found.items() if value is not None
    }
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in texts.items())


__all__ = ["Reply", "Trained", "kind_of", "numbers", "test_line"]
