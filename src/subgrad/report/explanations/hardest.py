"""The rows that a model's answers are furthest from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subgrad.data.table import Table
from subgrad.data.target import Label
from subgrad.report.explanations.table_model import TableModel, places, row_losses

MOST = 10


@dataclass(frozen=True)
class HardRow:
    """A row with a large loss.

    Attributes:
        row: its place in the table.
        truth, answer: labels or numbers.
        chance: the probability that was given to the true class; None for numbers and models without probabilities.
        loss: see `subgrad.report.row_losses`.
    """

    row: int
    truth: Label
    answer: Label
    chance: float | None
    loss: float


def hardest_rows(model: TableModel, table: Table, y: np.ndarray, most: int = MOST) -> list[HardRow]:
    """The rows of a table with the largest losses, the largest first, given the truth ``y`` (n,).

    Look at them first: they show mistakes in the data, missing columns, and cases that the training had too few of. A
    model without probabilities gives the rows that it has wrong, in their order.
    """
    losses = row_losses(model, table, y)
    worst = np.argsort(-losses, kind="stable")[:most]
    worst = worst[losses[worst] > 0]
    if not len(worst):
        return []
    rows, truth = table.take(worst), np.asarray(y)[worst]
    chances = None if model.task == "regression" else model.predict_proba(rows)
    own = None if chances is None else chances[np.arange(len(worst)), places(model.classes, truth)]
    answers = model.predict(rows).tolist()
    return [
        HardRow(int(row), truth[i].item() if isinstance(truth[i], np.generic) else truth[i], answers[i],
                None if own is None else float(own[i]), float(losses[row]))
        for i, row in enumerate(worst)
    ]  # fmt: skip


__all__ = ["HardRow", "hardest_rows"]
