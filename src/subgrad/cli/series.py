"""``subgrad train series FILE``: forecasts of a column's next value, against the forecast that nothing changes."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from subgrad import nn
from subgrad.cli.epochs import epoch_lines
from subgrad.cli.failure import fail
from subgrad.cli.forecaster import Errors, Forecaster, Scaling, windows
from subgrad.cli.screen import bullets
from subgrad.cli.timeline import Series, series_of
from subgrad.data import read_table
from subgrad.errors import DataError
from subgrad.fit import EarlyStopping, History, fit
from subgrad.optim.base import Descent

EPOCHS, BATCH_SIZE, WINDOW, TEST, VALIDATION, PATIENCE = 100, 32, 50, 0.2, 0.2, 10
LEAST = 10  # windows to learn from, at least


@dataclass(frozen=True)
class SeriesPlan:
    """How to train on a series."""

    target: str
    window: int
    hidden: int
    epochs: int
    batch_size: int
    test: float
    validation: float
    optimizer: Callable[[int], Descent]
    seed: int
    out: Path


def run(file: Path, plan: SeriesPlan, console: Console) -> None:
    """Train on the first part of a series, test on the last, forecast what comes next, save."""
    series = series_of(read_table(file), plan.target)
    rows = len(series.values)
    cut = rows - round(plan.test * rows)
    first_test = cut - 1 - plan.window  # the first window whose next value is in the last part
    if first_test < LEAST or cut == rows:
        raise DataError(f"{rows:,} rows are too few for windows of {plan.window}: to learn from there are "
                        f"{max(first_test, 0)} windows, of at least {LEAST}; see --window")  # fmt: skip
    scaling = Scaling.of(series.values[:cut])
    X = windows(scaling.features(series.values), plan.window)[:-1]
    y = (np.diff(series.values[plan.window :, 0]) / scaling.change[0]).astype(np.float32)[:, None]
    learn, validate = _parts(series.known[plan.window + 1 :], first_test, plan.validation)
    _introduce(console, file, plan, series, cut)
    model = network(X.shape[2], plan)
    history = _fit(model, (X[learn], y[learn]), (X[validate], y[validate]), plan, console)
    record = {"data": file.name, "rows": rows, "epochs": plan.epochs, "seed": plan.seed}
    forecaster = Forecaster(model, series.names, plan.window, scaling, record)
    forecasts = forecaster.forecasts(series.values)
    errors = Errors.over(forecasts[first_test:-1], series, cut)
    record.update(errors.numbers())
    forecaster.save(plan.out)
    console.print(
        f"{len(history)} epochs in {sum(history['seconds']):.1f} s; epoch {history.best_epoch} was best", end="\n\n"
    )
    errors.print(console)
    console.print(f"After the last row, {series.values[-1, 0]:.6g}, comes {forecasts[-1]:.6g}.")
    console.print(f"\nSaved {plan.out}. Next:", style="bold")
    bullets(console, [f"subgrad {job} {shlex.quote(str(plan.out))} {shlex.quote(str(file))}"
                      for job in ("predict", "evaluate")])  # fmt: skip
    if history.stopped == "interrupted":
        fail(f"interrupted: the best model, of epoch {history.best_epoch}, is in {plan.out}")


def _parts(known: np.ndarray, first_test: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The windows to learn from, and those that decide when to stop: all whose next value is known."""
    usable = np.flatnonzero(known[:first_test])
    last = len(usable) - round(share * len(usable))
    return usable[:last], usable[last:]


def _introduce(console: Console, file: Path, plan: SeriesPlan, series: Series, cut: int) -> None:
    rows, names = len(series.values), series.names
    console.print(f"{file.name}: {rows:,} rows, forecast of '{plan.target}'", style="bold")
    parts = f"The first {cut:,} rows to learn from, the last {rows - cut:,} to test on."
    bullets(console, [*series.story, parts])
    columns = f"{len(names)} columns: {', '.join(names)}" if len(names) > 1 else f"'{plan.target}' alone"
    console.print(f"Network: LSTM of {plan.hidden}, windows of {plan.window} rows of {columns}")


def network(features: int, plan: SeriesPlan) -> nn.Sequential:
    """An LSTM, and the change of the target that its last state means."""
    recurrent = nn.LSTM(features, plan.hidden, returns="last", seed=plan.seed)
    return nn.Sequential({"recurrent": recurrent, "out": nn.Linear(plan.hidden, 1, seed=plan.seed + 1)})


def _fit(
    model: nn.Module, learn: tuple[np.ndarray, ...], validation: tuple[np.ndarray, ...], plan: SeriesPlan,
    console: Console,
) -> History:
    steps, validated = plan.epochs * math.ceil(len(learn[0]) / plan.batch_size), len(validation[0]) > 0
    history = fit(
        model, learn[0], learn[1], loss="squared", optimizer=plan.optimizer(steps), epochs=plan.epochs,
        batch_size=plan.batch_size, validation=(validation[0], validation[1]) if validated else None,
        early_stopping=EarlyStopping(PATIENCE) if validated else None, seed=plan.seed,
        verbose=False if console.quiet else None, callbacks=epoch_lines(console, plan.epochs),
    )  # fmt: skip
    if not len(history):
        fail("interrupted in the first epoch: there is no model to save")
    return history


__all__ = ["SeriesPlan", "network", "run"]
