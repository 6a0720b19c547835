"""``subgrad train series FILE``: forecasts of a column's next value, against the forecast that nothing changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from subgrad import io, nn
from subgrad.cli.epochs import epoch_lines
from subgrad.cli.failure import fail
from subgrad.cli.screen import bullets
from subgrad.data import Table, read_table
from subgrad.data.table import is_number, missing_mask
from subgrad.errors import DataError
from subgrad.fit import EarlyStopping, History, fit, predict
from subgrad.optim.base import Descent

EPOCHS, BATCH_SIZE, WINDOW, TEST, VALIDATION, PATIENCE = 100, 32, 50, 0.2, 0.2, 10


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


@dataclass(frozen=True)
class Scaling:
    """What makes rows of a table into features, and changes of the target into numbers of about 1.

    The features are, for each column, its value less the mean, and its last change, each over its usual size.
    """

    mean: np.ndarray
    spread: np.ndarray
    change: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Scaling:
        """For values (rows, columns) of which the first column is the target."""
        return cls(values.mean(0), _usual(values), _usual(np.diff(values, axis=0)))

    def features(self, values: np.ndarray) -> np.ndarray:
        """(rows - 1, 2 columns), float32, for all rows but the first."""
        level, change = (values[1:] - self.mean) / self.spread, np.diff(values, axis=0) / self.change
        return np.concatenate([level, change], 1).astype(np.float32)


def _usual(values: np.ndarray) -> np.ndarray:
    spread = values.std(0)
    return np.where(spread > 0, spread, 1.0)


def run(file: Path, plan: SeriesPlan, console: Console) -> None:
    """Train on the first part of a series, test on the last, forecast what comes next, save."""
    names, values, story = columns(read_table(file), plan.target)
    cut = len(values) - round(plan.test * len(values))
    if min(cut, len(values) - cut) <= plan.window + 2:
        raise DataError(f"{len(values)} rows are too few for windows of {plan.window} in both parts; see --window")
    scaling = Scaling.of(values[:cut])
    features, target = scaling.features(values), values[1:, 0]
    X, last, following = windows(features, target, plan.window)
    y = ((following - last) / scaling.change[0]).astype(np.float32)[:, None]
    first_test = cut - 1 - plan.window  # the first window whose next value is in the last part
    learn = first_test - round(plan.validation * first_test)
    console.print(f"{file.name}: {len(values):,} rows, forecast of '{plan.target}'", style="bold")
    bullets(console, [*story, f"The first {cut:,} rows to learn from, the last {len(values) - cut:,} to test on."])
    console.print(f"Network: LSTM of {plan.hidden}, windows of {plan.window} rows of {len(names)} columns")
    model = network(features.shape[1], plan)
    history = _fit(model, (X[:learn], y[:learn]), (X[learn:first_test], y[learn:first_test]), plan, console)
    answers = last + predict(model, X)[:, 0] * scaling.change[0]
    errors, naive = (np.abs(a - following)[first_test:] for a in (answers, last))
    next_window = features[-plan.window :][None]
    coming = target[-1] + float(predict(model, next_window)[0, 0]) * scaling.change[0]
    _save(model, plan, names, scaling, float(errors.mean()), float(naive.mean()))
    console.print(f"{len(history)} epochs in {sum(history['seconds']):.1f} s; epoch {history.best_epoch} was best")
    _report(console, errors, naive)
    console.print(f"After the last row, {target[-1]:.6g}, comes {coming:.6g}.")
    console.print(f"\nSaved {plan.out}.", style="bold")
    if history.stopped == "interrupted":
        fail(f"interrupted: the best model, of epoch {history.best_epoch}, is in {plan.out}")


def columns(table: Table, target: str) -> tuple[list[str], np.ndarray, list[str]]:
    """The names of the columns in use, the target first; their values, (rows, columns); what was left out.

    Raises `DataError` if the target is no column of numbers, or has gaps.
    """
    table.require([target])
    if not is_number(table[target]):
        raise DataError(f"column {target!r} holds no numbers")
    if missing_mask(table[target]).any():
        raise DataError(f"column {target!r} has no value in row {int(missing_mask(table[target]).argmax()) + 1}")
    whole = [n for n in table if n != target and is_number(table[n]) and not missing_mask(table[n]).any()]
    left_out = [n for n in table if n != target and n not in whole]
    story = [f"Left out: {', '.join(left_out)}: no numbers, or some are missing."] if left_out else []
    names = [target, *whole]
    return names, np.stack([np.asarray(table[n], np.float64) for n in names], 1), story


def windows(features: np.ndarray, target: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows (n, length, features), the target's last value in each, and the one that follows."""
    count = len(features) - length
    X = np.lib.stride_tricks.sliding_window_view(features, length, 0).transpose(0, 2, 1)[:count]
    return np.ascontiguousarray(X), target[length - 1 : -1], target[length:]


def network(features: int, plan: SeriesPlan) -> nn.Sequential:
    """An LSTM, and the change of the target that its last state means."""
    recurrent = nn.LSTM(features, plan.hidden, returns="last", seed=plan.seed)
    return nn.Sequential({"recurrent": recurrent, "out": nn.Linear(plan.hidden, 1, seed=plan.seed + 1)})


def _fit(
    model: nn.Module, learn: tuple[np.ndarray, ...], validation: tuple[np.ndarray, ...], plan: SeriesPlan,
    console: Console,
) -> History:
    steps = plan.epochs * math.ceil(len(learn[0]) / plan.batch_size)
    history = fit(
        model, learn[0], learn[1], loss="squared", optimizer=plan.optimizer(steps), epochs=plan.epochs,
        batch_size=plan.batch_size, validation=(validation[0], validation[1]),
        early_stopping=EarlyStopping(PATIENCE), seed=plan.seed, verbose=False if console.quiet else None,
        callbacks=epoch_lines(console, plan.epochs),
    )  # fmt: skip
    if not len(history):
        fail("interrupted in the first epoch: there is no model to save")
    return history


def _report(console: Console, errors: np.ndarray, naive: np.ndarray) -> None:
    mean, usual = errors.mean(), naive.mean()
    less = f"{100 * (1 - mean / usual):.1f}% less" if mean < usual else f"{100 * (mean / usual - 1):.1f}% more"
    console.print(f"\nMean absolute error {mean:.4g}; that the last value stays has {usual:.4g}: {less}.", style="bold")
    squares = [math.sqrt(np.mean(e**2)) for e in (errors, naive)]
    console.print(f"Root mean square {squares[0]:.4g}; that the last value stays {squares[1]:.4g}.")


def _save(
    model: nn.Module, plan: SeriesPlan, names: Sequence[str], scaling: Scaling, error: float, naive: float
) -> None:
    scales = {name: getattr(scaling, name).tolist() for name in ("mean", "spread", "change")}
    record = {"epochs": plan.epochs, "seed": plan.seed, "error": error, "naive": naive}
    info = {"task": "series", "columns": list(names), "window": plan.window, "scaling": scales, "training": record}
    io.save(model, plan.out, info)


__all__ = ["Scaling", "SeriesPlan", "columns", "network", "run", "windows"]
