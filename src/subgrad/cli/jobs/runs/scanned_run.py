"""A run that trains a network on rows that stay in their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from subgrad.cli.epochs import epoch_lines
from subgrad.cli.failure import fail
from subgrad.cli.jobs import scores
from subgrad.cli.jobs.runs.conclusion import about_rows, conclude, introduce
from subgrad.cli.jobs.runs.network_plan import NetworkSettings, class_counts, of_layers
from subgrad.cli.jobs.runs.network_run import summary as summary_of
from subgrad.cli.jobs.runs.network_run import with_advice
from subgrad.cli.jobs.runs.recipe import PATIENCE, network
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork, run_line
from subgrad.cli.shared import fit
from subgrad.data import ScannedTable
from subgrad.errors import DataError
from subgrad.fit import EarlyStopping, History

EPOCHS = 10  # of many rows, where an option does not say


@dataclass(frozen=True, kw_only=True)
class ScannedPlan(NetworkSettings):
    """What to train on and how."""

    rows: Callable[[], ScannedTable]
    title: str


def run(plan: ScannedPlan, console: Console) -> None:
    """Train, test, save and report; a run that was interrupted fails then."""
    rows = plan.rows()
    rest, test = _apart(rows, plan.recipe.test, plan.seed)
    learnt, validation = _apart(rest, plan.recipe.validation, plan.seed)
    preparation = learnt.preparation
    loss = plan.loss or scores.DEFAULT_LOSS[preparation.task]
    widths = [learnt.features, *plan.recipe.hidden, scores.width(loss, preparation.task, preparation.classes)]
    model = network(widths, plan.activation, plan.seed)
    counts = rest.frequencies()
    known = sum(len(part) for part in (rest, test) if part is not None)
    about = f"{plan.title}: {known:,} rows in files"
    deciding, tested = (0 if part is None else len(part) for part in (validation, test))
    title = of_layers(widths, plan.activation)
    record = plan.record(about, title, loss, len(learnt), deciding, class_counts(counts))
    introduce(console, about, preparation.describe(), about_rows(len(learnt), deciding, tested), plan.out)
    console.print(f"Network: {title}\nTraining: {record['method']}")
    with with_advice():
        history = fit(
            model, learnt, loss=loss, optimizer=plan.optimizer(len(learnt)), epochs=plan.recipe.epochs,
            batch_size=plan.recipe.batch_size_for(len(learnt)), validation=validation,
            metrics=["accuracy"] if counts else [], seed=plan.seed,
            **{"early_stopping": EarlyStopping(PATIENCE) if validation else None, **plan.fit},
            verbose=False if console.quiet else None, callbacks=epoch_lines(console, plan.recipe.epochs),
        )  # fmt: skip
    _check_finished(history, plan)
    record["run"] = summary_of(history, validation is not None)
    trained = TrainedNetwork(model, preparation, loss, record)
    outcome = None if test is None else trained.judge(*test.head(len(test)))
    conclude(console, trained, outcome, [run_line(record["run"])], plan.out)
    if history.stopped == "interrupted":
        fail(f"interrupted: the best model, of epoch {history.best_epoch}, is in {plan.out}{_resumable(plan)}")


def _apart(rows: ScannedTable, share: float, seed: int) -> tuple[ScannedTable, ScannedTable | None]:
    """The rows without a share of them, and that share, of which there are as many as stay in memory."""
    if not share:
        return rows, None
    rest, held_out = rows.split(rows.share_in_memory(share), seed)
    if not len(rest) or not len(held_out):
        raise DataError(f"{len(rows):,} rows are too few to hold a share of {share:g} out")
    return rest, held_out


def _check_finished(history: History, plan: ScannedPlan) -> None:
    if not len(history):
        fail(f"interrupted in the first epoch: there is no model to save{_resumable(plan)}")


def _resumable(plan: ScannedPlan) -> str:
    saved = plan.fit.get("checkpoint")
    return "" if saved is None else f"; --resume {saved.path} goes on from here"


__all__ = ["ScannedPlan", "run"]
