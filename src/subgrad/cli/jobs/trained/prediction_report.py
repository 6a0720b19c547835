"""How good predictions are, against the best that could be said without looking at the inputs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from subgrad.cli.jobs.trained.comparison import Compared, print_comparison
from subgrad.cli.jobs.trained.regions import NO_SPANS, Sets, Spans
from subgrad.data.target import Label
from subgrad.metrics import Answered, Metric, for_task, roc_auc
from subgrad.metrics.bootstrap import decimals_for

_RANKED = 0.6  # an area under the ROC curve from which on answers are worth balancing


@dataclass(frozen=True)
class Classified:
    """Answers to a classification: places among the classes, (n,), and the truth.

    Attributes:
        majority: the place of the class that was most frequent in training.
        chances: the probability of each class, (n, classes), if the model gives any.
        frequencies: of the classes in training, (classes,); unknown of old models.
        sets: of classes that may be right, if any were calibrated.
    """

    classes: Sequence[Label]
    truth: np.ndarray
    answers: np.ndarray
    majority: int
    chances: np.ndarray | None = None
    frequencies: np.ndarray | None = None
    sets: Sets | None = None

    @property
    def accuracy(self) -> float:
        return float(np.mean(self.answers == self.truth))

    @property
    def confusion(self) -> np.ndarray:
        """(classes, classes): how often the row's class got the column's answer."""
        counts = np.zeros((len(self.classes),) * 2, np.int64)
        np.add.at(counts, (self.truth, self.answers), 1)
        return counts

    @property
    def judged_class(self) -> int:
        """Of two classes the rarer one, which precision, recall, F1 and average precision are of."""
        return 1 - self.majority

    def answered(self) -> Answered:
        """For the metrics: of two classes the rarer one counts as the second."""
        if len(self.classes) > 2 or self.judged_class == 1:
            return Answered(self.truth, self.answers, self.chances, len(self.classes))
        return Answered(1 - self.truth, 1 - self.answers, None if self.chances is None else self.chances[:, ::-1], 2)

    def without_inputs(self) -> Classified:
        """What can be said without looking at the inputs: the class that was most frequent, and the frequencies."""
        rows = len(self.truth)
        shares = None if self.frequencies is None else np.tile(self.frequencies / self.frequencies.sum(), (rows, 1))
        return dataclasses.replace(self, answers=np.full(rows, self.majority), chances=shares)

    @property
    def guess(self) -> str:
        """What these answers are called."""
        return f"always '{self.classes[self.majority]}'"

    def words(self, metric: Metric) -> str:
        """What a metric is called here: of one class, it says of which."""
        if len(self.classes) > 2:
            return f"{metric.words}, mean of the classes" if metric.of_one_class else metric.words
        return f"{metric.words} of '{self.classes[self.judged_class]}'" if metric.of_one_class else metric.words

    def numbers(self) -> dict[str, Any]:
        """The outcome for the record of a model."""
        beside = {} if self.sets is None else self.sets.numbers(self.truth)
        return _record(self.answered(), "classification") | beside

    def sentences(self) -> list[str]:
        """What the metrics do not say."""
        return [] if self.sets is None else self.sets.sentences(self.truth)

    def _one_answer(self) -> str:
        """What to say and to do where every row gets the same class."""
        said = f"Every row gets the same answer, '{self.classes[int(self.answers[0])]}': no class is told from another."
        if self.chances is None:
            return said
        area = float(roc_auc(self.truth, self.chances))
        if area > _RANKED:
            return (
                f"{said} Yet the probabilities rank the rows, with a ROC AUC of {area:.3f}: train with --balance, and "
                "rare classes are answered as well."
            )
        return (
            f"{said} Nor do the probabilities rank the rows, with a ROC AUC of {area:.3f}, where chance has 0.5: the "
            "columns say little of the target, or its rare classes have too few rows."
        )

    def print(self, console: Console) -> None:
        right, n = int(np.sum(self.answers == self.truth)), len(self.truth)
        guess = float(np.mean(self.truth == self.majority))
        console.print(
            Text.assemble(
                (f"Accuracy {self.accuracy:.1%}", "bold green"),
                f": {right:,} of {n:,} right. Always saying '{self.classes[self.majority]}' gives {guess:.1%}.",
            )
        )
        if len(set(self.answers.tolist())) == 1 < len(set(self.truth.tolist())):
            console.print(Text(self._one_answer(), "bold red"))
        grid = _confusion_grid(self.classes, self.confusion)
        if Measurement.get(console, console.options, grid).minimum < console.width and len(self.classes) <= 20:
            console.print("The truth down, the answers across:\n")
            console.print(grid)
        else:
            _print_confusions(console, self.classes, self.confusion)
        console.print()
        print_comparison(console, compared(self), self.guess)
        for sentence in self.sentences():
            console.print(sentence)


@dataclass(frozen=True)
class Regressed:
    """Answers to a regression, (n,), and the truth, in the target's units.

    Attributes:
        mean: of the target, in training.
        spans: how sure the answers are.
    """

    target: str
    truth: np.ndarray
    answers: np.ndarray
    mean: float
    spans: Spans = NO_SPANS

    def answered(self) -> Answered:
        """For the metrics."""
        return Answered(self.truth, self.answers)

    def without_inputs(self) -> Regressed:
        """What can be said without looking at the inputs: the mean."""
        return dataclasses.replace(self, answers=np.full_like(self.truth, self.mean))

    @property
    def guess(self) -> str:
        """What these answers are called."""
        return "always the mean"

    def words(self, metric: Metric) -> str:
        """What a metric is called here."""
        return metric.words

    def numbers(self) -> dict[str, Any]:
        """The outcome for the record of a model."""
        return _record(self.answered(), "regression") | self.spans.numbers(self.truth)

    def sentences(self) -> list[str]:
        """What the metrics do not say."""
        return self.spans.sentences(self.truth, self.target)

    def print(self, console: Console) -> None:
        print_comparison(console, compared(self), self.guess)
        for sentence in self.sentences():
            console.print(sentence)


Outcome = Classified | Regressed


def _record(answered: Answered, task: str) -> dict[str, Any]:
    """Each metric as JSON can hold it, and how many rows they are of."""
    found = answered.measure(for_task(task))
    return {name: None if math.isnan(v) else v for name, v in found.items()} | {"examples": len(answered.truth)}


def compared(outcome: Outcome) -> list[Compared]:
    """Each metric with its interval, beside that of the answers that need no input."""
    metrics = for_task("classification" if isinstance(outcome, Classified) else "regression")
    found, guessed = outcome.answered().estimate(metrics), outcome.without_inputs().answered().measure(metrics)
    compared = []
    for metric in metrics:
        if (own := found.get(metric.name)) is not None:
            guess = guessed.get(metric.name, math.nan)
            decimals = decimals_for(*own, guess) if metric.in_unit else 3
            compared.append(Compared(outcome.words(metric), own, guess, decimals))
    return compared


def _confusion_grid(classes: Sequence[Label], counts: np.ndarray) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    grid.add_column("", justify="right", style="bold", no_wrap=True)
    for label in classes:
        grid.add_column(str(label), justify="right", no_wrap=True)
    for i, label in enumerate(classes):
        grid.add_row(str(label), *(_cell(int(n), i == j) for j, n in enumerate(counts[i])))
    return grid


def _cell(count: int, right: bool) -> Text:
    if not count:
        return Text("·", "dim")
    return Text(f"{count:,}", "green" if right else "red")


def _print_confusions(console: Console, classes: Sequence[Label], counts: np.ndarray, most: int = 5) -> None:
    """The most frequent mistakes, where the matrix would not fit."""
    wrong = counts - np.diag(np.diag(counts))
    for place in np.argsort(-wrong, axis=None, kind="stable")[:most]:
        i, j = divmod(int(place), len(classes))
        if wrong[i, j]:
            console.print(f"  {wrong[i, j]:,} × '{classes[i]}' taken for '{classes[j]}'")
