"""A training job: the network for the data, the run, the test, the file."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from subgrad.cli.epochs import epoch_lines
from subgrad.cli.failure import fail
from subgrad.cli.jobs import images, scores
from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.prediction_report import Outcome
from subgrad.cli.jobs.recipe import PATIENCE, Recipe, network, optimizer
from subgrad.cli.jobs.source import Part, Source, split
from subgrad.cli.jobs.trained import Trained, run_line
from subgrad.cli.screen import bullets
from subgrad.errors import NonFiniteError
from subgrad.fit import EarlyStopping, History, fit
from subgrad.nn import Module
from subgrad.optim.optimizer import Descent

SENTENCES = 12  # of the preparation, that are printed: a table may have a thousand columns


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to train on and how, and where the result goes; without a loss the task decides it."""

    examples: Callable[[], Source]
    recipe: Recipe
    activation: str
    loss: str | None
    method: str
    step: str | None
    seed: int
    out: Path
    origin: str = ""
    fit: dict[str, Any] = field(default_factory=dict)  # more arguments of `subgrad.fit`

    def optimizer(self, rows: int) -> Descent:
        """The optimiser for so many examples. Raises `ArgumentError` for a step rule that is none."""
        return optimizer(self.method, self.step, self.recipe, rows)


def run(plan: Plan, console: Console) -> None:
    """Train, test, save and report. A run that was interrupted does all of it too, and then fails."""
    source = plan.examples()
    loss = plan.loss or scores.DEFAULT_LOSS[source.preparation.task]
    model, title = _network(source, plan, loss)
    learn, validate = _parts(source, plan)
    record = _record(source, plan, loss, title, learn, validate)
    _introduce(console, source, record, plan.out)
    history = _fit(model, learn, validate, loss, plan, console)
    trained = Trained(model, source.preparation, loss, {**record, "run": _summary(history, validate is not None)})
    outcome = None
    if source.test is not None:
        outcome = trained.judge(*source.test)
        trained.record["test"] = outcome.numbers()
    trained.save(plan.out)
    _conclude(console, trained, outcome, plan.out)
    if history.stopped == "interrupted":
        fail(f"interrupted: the best model, of epoch {history.best_epoch}, is in {plan.out}")


def _parts(source: Source, plan: Plan) -> tuple[Part, Part | None]:
    """What to learn from, and what decides when to stop."""
    if not plan.recipe.validation:
        return source.train, None
    return split(source.train, plan.recipe.validation, plan.seed, source.preparation.task)


def _network(source: Source, plan: Plan, loss: str) -> tuple[Module, str]:
    """The network before the training, and what it is in a line."""
    recipe, outputs = plan.recipe, scores.width(loss, source.preparation.task, source.preparation.classes)
    if recipe.model != "mlp":
        return images.network(recipe.model, source, outputs, recipe.augment, plan.seed)
    widths = [source.train[0].shape[1], *recipe.hidden, outputs]
    title = "-".join(map(str, widths)) + (f", {plan.activation}" if recipe.hidden else "")
    return network(widths, plan.activation, plan.seed), title


def _record(source: Source, plan: Plan, loss: str, title: str, learn: Part, validate: Part | None) -> dict[str, Any]:
    """What the model file says about the training, before it has begun."""
    batch_size, method = plan.recipe.batch_size_for(len(learn[1])), plan.optimizer(len(learn[1]))
    return {
        "data": source.title,
        "rows": {"training": len(learn[1]), "validation": len(validate[1]) if validate else 0},
        "network": title,
        "method": f"{loss} by {method.name}, step {method.lr}, in batches of {batch_size}",
        "seed": plan.seed,
        **_frequencies(source),
        "origin": plan.origin,
    }


def _frequencies(source: Source) -> dict[str, Any]:
    """How often each class occurs, and the place of the most frequent one."""
    if source.preparation.task == "regression":
        return {"majority": None}
    counts = np.bincount(source.train[1], minlength=len(source.preparation.classes))
    return {"majority": int(counts.argmax()), "frequencies": counts.tolist()}


def _fit(model: Module, learn: Part, validate: Part | None, loss: str, plan: Plan, console: Console) -> History:
    try:
        history = fit(
            model,
            learn[0],
            scores.encoded(loss, learn[1]),
            loss=loss,
            optimizer=plan.optimizer(len(learn[1])),
            epochs=plan.recipe.epochs,
            batch_size=plan.recipe.batch_size_for(len(learn[1])),
            validation=validate and (validate[0], scores.encoded(loss, validate[1])),
            metrics=["accuracy"] if scores.LOSSES[loss] == "classification" else [],
            seed=plan.seed,
            **{"early_stopping": EarlyStopping(PATIENCE) if validate else None, **plan.fit},
            verbose=False if console.quiet else None,
            callbacks=epoch_lines(console, plan.recipe.epochs),
        )
    except NonFiniteError as error:
        without_line = str(error).partition(", at ")[0]  # a line of Typer's is of no use to anybody
        raise NonFiniteError(f"{without_line}; a smaller --step may help") from error
    if not len(history):
        fail("interrupted in the first epoch: there is no model to save")
    return history


def _summary(history: History, stops_early: bool) -> dict[str, Any]:
    kept = history.best_epoch if stops_early or history.stopped == "interrupted" else len(history)
    return {
        "epochs": len(history),
        "kept": kept,
        "stopped": history.stopped,
        "seconds": sum(history["seconds"]),
        "numbers": {name: value for name, value in history.epochs[kept - 1].items() if name != "seconds"},
    }


def _introduce(console: Console, source: Source, record: dict[str, Any], out: Path) -> None:
    console.print(source.title, style="bold")
    bullets(console, source.log[:SENTENCES])
    if len(source.log) > SENTENCES:
        bullets(console, [f"And {len(source.log) - SENTENCES} more, see: subgrad show {out}"])
    rows, test = record["rows"], source.test
    held_out = "no row is held out to test on" if test is None else f"{len(test[1]):,} held out to test on"
    validation = f", {rows['validation']:,} to decide when to stop" if rows["validation"] else ""
    bullets(console, [f"{rows['training']:,} examples to learn from{validation}, {held_out}."])
    console.print(f"Network: {record['network']}")
    console.print(f"Training: {record['method']}")


def _conclude(console: Console, trained: Trained, outcome: Outcome | None, out: Path) -> None:
    console.print(run_line(trained.record["run"]), end="\n\n")
    if outcome is not None:
        outcome.print(console)
    console.print(f"\nSaved {out}. Next:", style="bold")
    bullets(console, _next_commands(trained, shlex.quote(str(out))))


def _next_commands(trained: Trained, out: str) -> list[str]:
    if isinstance(trained.preparation, Pixels):
        return [f"subgrad show {out}", "subgrad train FILE.csv --target COLUMN", "subgrad xor"]
    return [f"subgrad show {out}", f"subgrad predict {out} FILE.csv"]
