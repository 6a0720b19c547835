"""A run that trains the model for tables, with its own defaults: the training, the test, the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from subgrad.cli.epochs import lines_now_and_then
from subgrad.cli.failure import fail
from subgrad.cli.jobs.runs.conclusion import about_rows, conclude, tell
from subgrad.cli.jobs.runs.cross_validation import cross_validate
from subgrad.cli.jobs.runs.network_plan import class_counts
from subgrad.cli.jobs.runs.wishes import Wishes
from subgrad.cli.jobs.source import Rows
from subgrad.cli.jobs.trained.prediction_report import Outcome
from subgrad.cli.jobs.trained.trained_tabular import TrainedTabular
from subgrad.cli.pages import of_table
from subgrad.cli.pages.asked_page import UNSEEN, Page
from subgrad.cli.screen import bullets, screen
from subgrad.data.table import Table
from subgrad.errors import DataError
from subgrad.fit import History
from subgrad.tabular import TabularModel, fit_tabular
from subgrad.tabular.defaults import Effort

SECONDS = 60.0  # from one line of a log to the next, at least: a run that is over by then prints none


@dataclass(frozen=True, kw_only=True)
class TabularPlan:
    """What to train on and how, and where the result goes."""

    rows: Callable[[], Rows]
    test: float
    effort: Effort
    seed: int
    out: Path
    origin: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    quantiles: Sequence[float] = ()
    folds: int | None = None
    jobs: int | None = None
    page: Page | None = None


def run(plan: TabularPlan, console: Console) -> None:
    """Train, test, save and report. A run that was interrupted does all of it too, and then fails."""
    rows = plan.rows()
    learnt, unseen = rows.split(plan.test if plan.folds is None else 0, plan.seed)
    console.print(rows.title, style="bold")
    bullets(console, [*rows.notes, about_rows(learnt.rows, 0, unseen.rows)])
    validated = _cross_validated(rows, plan, console)
    trained = learn(rows, learnt, plan, console)
    trained.record.update(validated)
    outcome = finish(trained, unseen, [], plan.out, console)
    if plan.page is not None and outcome is not None:
        log, history = [*rows.notes, *trained.preparation.describe()], trained.model.history
        about = rows.tables(plan.test, plan.seed), rows.title, log
        of_table.write(plan.page, trained, outcome, *about, console, history, UNSEEN)
    if trained.model.history.stopped == "interrupted":
        fail(f"interrupted: the best model so far is in {plan.out}")


def finish(trained: TrainedTabular, unseen: Table, lines: Sequence[str], out: Path, console: Console) -> Outcome | None:
    """Test on the unseen rows, if there are any, save, and report after these lines; how good the answers are."""
    prepared = trained.preparation
    tell(console, prepared.describe(), out)
    outcome = trained.judge(prepared.transform(unseen), prepared.target(unseen)) if unseen.rows else None
    conclude(console, trained, outcome, [*lines, *trained.about_run()], out)
    return outcome


def _cross_validated(rows: Rows, plan: TabularPlan, console: Console) -> dict[str, Any]:
    """For the record, if a cross-validation was asked for."""
    if plan.folds is None:
        return {}

    def of_part(table: Table) -> TrainedTabular:
        return learn(rows, table, plan, screen(quiet=True))

    return {"cross_validation": cross_validate(rows, plan.folds, plan.seed, of_part, console, plan.jobs)}


def learn(rows: Rows, learnt: Table, plan: TabularPlan, console: Console) -> TrainedTabular:
    """A model of some of the rows, calibrated by what each of its networks says of rows that it was not trained on."""
    plan.wishes.check(rows.task)
    plan.wishes.check_rows(learnt.rows)
    if plan.quantiles and rows.task != "regression":
        raise DataError(f"quantiles are of numbers, and this is {rows.task}")
    model = fit_tabular(
        learnt,
        rows.target,
        task=rows.task,
        effort=plan.effort,
        seed=plan.seed,
        quantiles=plan.quantiles or None,
        keep=rows.keep,
        verbose=False if console.quiet else None,
        callbacks=score_lines(console),
    )
    model.record |= {"data": rows.title, "origin": plan.origin, **frequencies(model)}
    return calibrated(model, plan.wishes)


def calibrated(model: TabularModel, wishes: Wishes) -> TrainedTabular:
    """With what is wished, by what each of the networks says of rows that it was not trained on."""
    found = model.out_of_fold
    assert found is not None
    if wishes.calibrate:
        model.record["calibrated"] = wishes.learnt(found.y, found.answers)
    return TrainedTabular.of(model)


def frequencies(model: TabularModel) -> dict[str, Any]:
    """How often each class occurs, and the place of the most frequent one."""
    if not model.classes:
        return {}
    assert model.out_of_fold is not None
    return class_counts(np.bincount(model.out_of_fold.y, minlength=len(model.classes)).tolist())


def score_lines(console: Console) -> list[Callable[[History], None]]:
    """What a terminal shows as a bar, in a log: callbacks that print a line now and then."""
    return lines_now_and_then(console, SECONDS, _score)


def _score(history: History) -> str:
    row = history.epochs[-1]
    return f"  {row['seconds']:.0f} s: validation {row['validation_loss']:.4g}"


__all__ = ["TabularPlan", "calibrated", "finish", "frequencies", "learn", "run", "score_lines"]
