"""Cross-validation: each row is answered by a model that was trained without it, and all parts are judged alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid

from subgrad.cli.failure import fail
from subgrad.cli.jobs.source import Rows
from subgrad.cli.jobs.trained.prediction_report import Classified, Outcome
from subgrad.cli.jobs.trained.trained_model import Trained
from subgrad.data.table import Table
from subgrad.data.target import ClassTarget
from subgrad.errors import DataError
from subgrad.metrics import for_task
from subgrad.metrics.bootstrap import decimals_for, shown
from subgrad.sweeps.workers import in_workers
from subgrad.tabular.folds import balanced_folds


def cross_validate(
    rows: Rows, folds: int, seed: int, learn: Callable[[Table], Trained], console: Console, n_jobs: int | None = None
) -> dict[str, Any]:
    """Print the metrics of each part, answered by a model of the others, with their mean and deviation.

    Args:
        rows: all of them.
        folds: how many parts.
        seed: of the parts, which have the classes in like shares.
        learn: makes a model of some of the rows.
        console: to print on.
        n_jobs: how many parts at once, see `subgrad.sweeps.in_workers`.

    Returns:
        The means and deviations by their metrics, for the record of a model.
    """
    y, counts = _targets(rows)
    _check(rows, y, counts, folds)
    parts = balanced_folds(y, folds, seed)
    outcomes: dict[int, Outcome] = {}
    for i, outcome in in_workers(partial(_outcome, rows.table, parts, learn), range(folds), n_jobs):
        if outcome is None:
            fail(f"interrupted in part {i + 1} of {folds}: there is no model to save")
            break
        if isinstance(outcome, Classified):  # in each part the same class is the rarer one
            outcome = dataclasses.replace(outcome, majority=int(counts.argmax()))
        outcomes[i] = outcome
        console.print(f"  Part {i + 1} of {folds} is answered.", style="dim")
    return _printed(console, [outcomes[i] for i in range(folds)], rows.task)


def _outcome(table: Table, parts: np.ndarray, learn: Callable[[Table], Trained], i: int) -> Outcome | None:
    """How good a model of the others is for a part; None if its training was interrupted."""
    trained, unseen = learn(table.take(parts != i)), table.take(parts == i)
    if trained.stopped == "interrupted":
        return None
    return trained.judge(trained.preparation.transform(unseen), trained.preparation.target(unseen))


def _targets(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """The target of each row, and how often each class occurs."""
    series, how = rows.table.series(rows.target), rows.table.format(rows.target)
    if rows.task == "regression":
        return rows.table[rows.target], np.empty(0, np.int64)
    y = ClassTarget.fit(rows.target, series, how).encode(series)
    return y, np.bincount(y)


def _check(rows: Rows, y: np.ndarray, counts: np.ndarray, folds: int) -> None:
    if len(y) < 2 * folds:
        raise DataError(f"--cv {folds} takes {2 * folds} rows at least, there are {len(y)}")
    if len(counts) and counts.min() < 2:
        label = rows.table[rows.target][int(np.flatnonzero(y == counts.argmin())[0])]
        raise DataError(f"--cv takes 2 rows of each class at least, and {label!r} of '{rows.target}' has 1")


def _printed(console: Console, outcomes: list[Outcome], task: str) -> dict[str, Any]:
    metrics = for_task(task)
    measured = [outcome.answered().measure(metrics) for outcome in outcomes]
    found: dict[str, Any] = {"folds": len(outcomes)}
    wide, narrow = _grid(["mean", "deviation", *map(str, range(1, len(outcomes) + 1))]), _grid(["mean", "deviation"])
    for metric in metrics:
        if metric.name not in measured[0]:
            continue
        values = np.array([numbers[metric.name] for numbers in measured])
        mean, deviation = float(values.mean()), float(values.std(ddof=1))
        found[metric.name] = None if np.isnan(mean) else [mean, deviation]
        decimals = decimals_for(*values) if metric.in_unit else 3
        cells = [shown(value, decimals) for value in (mean, deviation, *values)]
        for grid in (wide, narrow):
            grid.add_row(outcomes[0].words(metric), *cells[: len(grid.columns) - 1])
    fits = Measurement.get(console, console.options, wide).minimum < console.width
    console.print()
    console.print(wide if fits else narrow)
    return found


def _grid(columns: list[str]) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    grid.add_column("each part answered by a model of the others")
    for name in columns:
        grid.add_column(name, justify="right", style="bold green" if name == "mean" else "", no_wrap=True)
    return grid


__all__ = ["cross_validate"]
