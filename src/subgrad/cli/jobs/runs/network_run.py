"""A run that trains a network of the user's own making: the network for the data, the training, the test, the file."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console

from subgrad import nn
from subgrad.cli.epochs import epoch_lines
from subgrad.cli.failure import fail
from subgrad.cli.jobs import images, scores
from subgrad.cli.jobs.runs.conclusion import about_rows, conclude, introduce
from subgrad.cli.jobs.runs.cross_validation import cross_validate
from subgrad.cli.jobs.runs.network_plan import NetworkSettings, class_counts, of_layers
from subgrad.cli.jobs.runs.recipe import PATIENCE, network
from subgrad.cli.jobs.runs.wishes import Wishes
from subgrad.cli.jobs.source import Part, Rows, Source, split
from subgrad.cli.jobs.trained.trained_model import Trained
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork, robust_line, run_line
from subgrad.cli.pages import of_table
from subgrad.cli.pages.asked_page import UNSEEN, Page
from subgrad.cli.screen import screen
from subgrad.cli.shared import fit
from subgrad.data.table import Table
from subgrad.errors import DataError, NonFiniteError
from subgrad.fit import EarlyStopping, History
from subgrad.graph.tensor import Tensor
from subgrad.nn import Module


@dataclass(frozen=True, kw_only=True)
class NetworkPlan(NetworkSettings):
    """What to train on and how.

    ``rows`` are those of a file, for a cross-validation in so many ``folds``; ``robust`` is how far a pixel may move,
    in certified training.
    """

    examples: Callable[[], Source]
    wishes: Wishes = field(default_factory=Wishes)
    quantiles: Sequence[float] = ()
    rows: Callable[[], Rows] | None = None
    folds: int | None = None
    jobs: int | None = None
    robust: float | None = None
    page: Page | None = None

    def loss_for(self, source: Source) -> str:
        """The loss by name. Raises `DataError` if it does not go with what else is wished."""
        task = source.preparation.task
        loss = self.loss or ("quantile" if self.quantiles else scores.DEFAULT_LOSS[task])
        if self.quantiles and task != "regression":
            raise DataError(f"quantiles are of numbers, and this is {task}")
        if self.wishes.probabilities and not scores.has_probabilities(loss):
            raise DataError(f"{self.wishes.flag} takes probabilities, and scores of the loss {loss} have none")
        return loss


def run(plan: NetworkPlan, console: Console) -> None:
    """Train, test, save and report. A run that was interrupted does all of it too, and then fails."""
    validated = _cross_validated(plan, console)
    source = plan.examples()
    trained, history = learn(source, plan, console)
    trained.record.update(validated)
    outcome = None if source.test is None else trained.judge(*source.test)
    lines = [run_line(trained.record["run"]), *_proven(trained, source, plan)]
    conclude(console, trained, outcome, lines, plan.out)
    if plan.page is not None and outcome is not None and source.tables is not None:
        about = source.tables, source.title, source.log
        of_table.write(plan.page, trained, outcome, *about, console, history, UNSEEN)
    if history.stopped == "interrupted":
        fail(f"interrupted: the best model, of epoch {history.best_epoch}, is in {plan.out}")


def _proven(trained: TrainedNetwork, source: Source, plan: NetworkPlan) -> list[str]:
    """How robust the network is on examples to test on, for the record and in a line, if that was asked for."""
    if plan.robust is None or source.test is None:
        return []
    from subgrad.cli.jobs.runs import certified  # few runs prove anything

    trained.record["robust"] = certified.measured(trained.model, source.test, plan.robust)
    return [robust_line(trained.record["robust"])]


def _cross_validated(plan: NetworkPlan, console: Console) -> dict[str, Any]:
    """For the record, if a cross-validation was asked for."""
    if plan.folds is None or plan.rows is None:
        return {}
    rows = plan.rows()

    def of_part(table: Table) -> Trained:
        return learn(rows.prepared(table, table.take([])), plan, screen(quiet=True))[0]

    return {"cross_validation": cross_validate(rows, plan.folds, plan.seed, of_part, console, plan.jobs)}


def learn(source: Source, plan: NetworkPlan, console: Console) -> tuple[TrainedNetwork, History]:
    """A network trained on the examples to learn from, and calibrated on those that decide when to stop."""
    loss = plan.loss_for(source)
    plan.wishes.check(source.preparation.task)
    model, title = _network(source, plan, loss)
    learning, validation = _parts(source, plan)
    record = _record(source, plan, loss, title, learning, validation)
    introduce(console, source.title, source.log, _rows(record, source), plan.out)
    console.print(f"Network: {record['network']}")
    console.print(f"Training: {record['method']}")
    history = _fit(model, learning, validation, loss, plan, console)
    record["run"] = summary(history, validation is not None)
    trained = TrainedNetwork(model, source.preparation, loss, record)
    if plan.wishes.calibrate:
        assert validation is not None
        record["calibrated"] = _calibrated(trained, validation, plan.wishes)
    return trained, history


def _calibrated(trained: TrainedNetwork, held_out: Part, wishes: Wishes) -> dict[str, Any]:
    X, y = held_out
    reply = trained.reply(X)
    if reply.chances is None:
        return wishes.learnt(trained.preparation.restore_target(y), reply.answers)
    return wishes.learnt(y, reply.chances)


def _parts(source: Source, plan: NetworkPlan) -> tuple[Part, Part | None]:
    """What to learn from, and what decides when to stop."""
    if not plan.recipe.validation:
        if plan.wishes.calibrate:
            raise DataError(f"{plan.wishes.flag} takes rows that are held out, and --validation 0 leaves none")
        return source.train, None
    learning, validation = split(source.train, plan.recipe.validation, plan.seed, source.preparation.task)
    plan.wishes.check_rows(len(validation[1]), "rows that decide when to stop")
    return learning, validation


def _network(source: Source, plan: NetworkPlan, loss: str) -> tuple[Module, str]:
    """The network before the training, and what it is in a line."""
    recipe, outputs = plan.recipe, scores.width(loss, source.preparation.task, source.preparation.classes)
    if recipe.model != "mlp":
        return images.network(recipe.model, source, outputs, recipe.augment, plan.seed)
    widths = [source.train[0].shape[1], *recipe.hidden, len(plan.quantiles) or outputs]
    return network(widths, plan.activation, plan.seed), of_layers(widths, plan.activation)


def _record(
    source: Source, plan: NetworkPlan, loss: str, title: str, learning: Part, validation: Part | None
) -> dict[str, Any]:
    """What the model file says about the training, before it has begun."""
    deciding = len(validation[1]) if validation else 0
    told = loss if plan.robust is None else f"{loss} of the worst scores within {plan.robust:g} (CROWN-IBP)"
    record = plan.record(source.title, title, told, len(learning[1]), deciding, frequencies(source))
    return record | ({"quantiles": list(plan.quantiles)} if plan.quantiles else {})


def frequencies(source: Source) -> dict[str, Any]:
    """How often each class occurs, and the place of the most frequent one."""
    if source.preparation.task == "regression":
        return class_counts([])
    return class_counts(np.bincount(source.train[1], minlength=len(source.preparation.classes)).tolist())


def _rows(record: dict[str, Any], source: Source) -> str:
    rows = record["rows"]
    return about_rows(rows["training"], rows["validation"], 0 if source.test is None else len(source.test[1]))


def _quantile_losses(quantiles: Sequence[float], f: Tensor, y: Tensor) -> Tensor:
    """The mean over the quantiles of their losses; each has a score of its own."""
    return sum(nn.quantile_loss(f[:, i], y, q) for i, q in enumerate(quantiles)) / len(quantiles)  # pyright: ignore


def _loss(loss: str, plan: NetworkPlan, rows: int) -> Any:
    """As `subgrad.fit` takes it."""
    if plan.robust is not None:
        from subgrad.cli.jobs.runs import certified

        return certified.loss(plan.robust, plan.recipe.steps_for(rows))
    return functools.partial(_quantile_losses, plan.quantiles) if plan.quantiles else loss


def _fit(
    model: Module, learning: Part, validation: Part | None, loss: str, plan: NetworkPlan, console: Console
) -> History:
    X, y = learning
    with with_advice():
        history = fit(
            model,
            X,
            scores.encoded(loss, y),
            loss=_loss(loss, plan, len(y)),
            optimizer=plan.optimizer(len(y)),
            epochs=plan.recipe.epochs,
            batch_size=plan.recipe.batch_size_for(len(y)),
            validation=validation and (validation[0], scores.encoded(loss, validation[1])),
            metrics=["accuracy"] if scores.LOSSES[loss] == "classification" else [],
            seed=plan.seed,
            **{"early_stopping": EarlyStopping(PATIENCE) if validation else None, **plan.fit},
            verbose=False if console.quiet else None,
            callbacks=epoch_lines(console, plan.recipe.epochs),
        )
    if not len(history):
        fail("interrupted in the first epoch: there is no model to save")
    return history


@contextlib.contextmanager
def with_advice() -> Iterator[None]:
    """A loss that is not finite says what may help."""
    try:
        yield
    except NonFiniteError as error:
        without_line = str(error).partition(", at ")[0]  # a line of Typer's is of no use to anybody
        raise NonFiniteError(f"{without_line}; a smaller --step may help") from error


def summary(history: History, stops_early: bool) -> dict[str, Any]:
    kept = history.best_epoch if stops_early or history.stopped == "interrupted" else len(history)
    return {
        "epochs": len(history),
        "kept": kept,
        "stopped": history.stopped,
        "seconds": sum(history["seconds"]),
        "numbers": {name: value for name, value in history.epochs[kept - 1].items() if name != "seconds"},
        "curve": [{name: v for name, v in row.items() if name != "seconds" and math.isfinite(v)} for row in history],
    }


__all__ = ["NetworkPlan", "frequencies", "learn", "run", "summary", "with_advice"]
