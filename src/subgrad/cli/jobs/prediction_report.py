"""How good predictions are, against the best that could be said without looking at the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from subgrad.data.target import Label


@dataclass(frozen=True)
class Classified:
    """Answers to a classification: places among the classes, (n,), and the truth.

    Attributes:
        majority: the place of the class that was most frequent in training.
    """

    classes: Sequence[Label]
    truth: np.ndarray
    answers: np.ndarray
    majority: int

    @property
    def accuracy(self) -> float:
        return float(np.mean(self.answers == self.truth))

    @property
    def confusion(self) -> np.ndarray:
        """(classes, classes): how often the row's class got the column's answer."""
        counts = np.zeros((len(self.classes),) * 2, np.int64)
        np.add.at(counts, (self.truth, self.answers), 1)
        return counts

    def numbers(self) -> dict[str, Any]:
        """The outcome for the record of a model."""
        return {"accuracy": self.accuracy, "examples": len(self.truth)}

    def print(self, console: Console) -> None:
        right, n = int(np.sum(self.answers == self.truth)), len(self.truth)
        guess = float(np.mean(self.truth == self.majority))
        console.print(
            Text.assemble(
                (f"Accuracy {self.accuracy:.1%}", "bold green"),
                f": {right:,} of {n:,} right. Always saying '{self.classes[self.majority]}' gives {guess:.1%}.",
            )
        )
        grid = _confusion_grid(self.classes, self.confusion)
        if Measurement.get(console, console.options, grid).minimum < console.width and len(self.classes) <= 20:
            console.print("The truth down, the answers across:\n")
            console.print(grid)
        else:
            _print_confusions(console, self.classes, self.confusion)


@dataclass(frozen=True)
class Regressed:
    """Answers to a regression, (n,), and the truth, in the target's units.

    Attributes:
        mean: of the target, in training.
    """

    target: str
    truth: np.ndarray
    answers: np.ndarray
    mean: float

    @property
    def r2(self) -> float | None:
        """The share of the variance that is explained; None if there is no variance."""
        spread = float(np.sum((self.truth - self.truth.mean()) ** 2))
        return 1 - float(np.sum((self.truth - self.answers) ** 2)) / spread if spread else None

    @property
    def mean_absolute_error(self) -> float:
        return float(np.mean(np.abs(self.truth - self.answers)))

    def numbers(self) -> dict[str, Any]:
        """The outcome for the record of a model."""
        return {"r2": self.r2, "mean_absolute_error": self.mean_absolute_error, "examples": len(self.truth)}

    def print(self, console: Console) -> None:
        guess = Regressed(self.target, self.truth, np.full_like(self.truth, self.mean), self.mean)
        grid = Grid("", "R²", f"mean |error| of '{self.target}'", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        grid.columns[1].justify = grid.columns[2].justify = "right"
        for name, outcome, style in (("the network", self, "bold green"), ("always the mean", guess, "")):
            r2 = "-" if outcome.r2 is None else f"{outcome.r2:.3f}"
            grid.add_row(name, r2, f"{outcome.mean_absolute_error:.4g}", style=style)
        console.print(grid)


Outcome = Classified | Regressed


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
