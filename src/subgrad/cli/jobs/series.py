"""``subgrad train series FILE``: forecasts of a column's next value, against the forecast that nothing changes."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console

from subgrad import nn
from subgrad.cli.epochs import epoch_lines
from subgrad.cli.failure import fail
from subgrad.cli.jobs.forecaster import Errors, Forecaster, Scaling, windows
from subgrad.cli.jobs.job import Answers, Request, descent, heading, next_commands, share, widths
from subgrad.cli.jobs.pixels import read_rows
from subgrad.cli.jobs.source import Columns
from subgrad.cli.jobs.timeline import Series, parts_of, series_of
from subgrad.cli.pages import of_series
from subgrad.cli.pages.asked_page import UNSEEN, Page, check_training, page, page_of_file
from subgrad.cli.screen import bullets
from subgrad.cli.shared import fit
from subgrad.data import Table, read_table
from subgrad.data.column_names import listed
from subgrad.data.formats import DateFormat, NumberFormat
from subgrad.errors import DataError
from subgrad.fit import EarlyStopping, History
from subgrad.io.number_text import short
from subgrad.optim.optimizer import Descent

EPOCHS, BATCH_SIZE, WINDOW, TEST, VALIDATION, PATIENCE = 100, 32, 50, 0.2, 0.2, 10
LEAST = 10  # windows to learn from, at least
SHOWN = 10  # series whose next values are printed


@dataclass(frozen=True, kw_only=True)
class SeriesPlan:
    """How to train on a series, or on several that the column ``key`` tells apart."""

    file: Path
    target: str
    columns: Columns
    key: str | None
    window: int
    hidden: int
    epochs: int
    batch_size: int
    test: float
    validation: float
    optimizer: Callable[[int], Descent]
    seed: int
    out: Path
    origin: str
    fit: dict[str, Any]
    page: Page | None = None


@dataclass(frozen=True)
class Part:
    """One series, of which the rows before ``cut`` are learnt from."""

    series: Series
    cut: int
    window: int
    scaling: Scaling

    @property
    def first_test(self) -> int:
        """The first window whose next value is in the last part."""
        return self.cut - 1 - self.window

    def examples(self) -> tuple[np.ndarray, np.ndarray]:
        """Windows of features, and the scaled change of the target after each."""
        values = self.series.values
        X = windows(self.scaling.features(values), self.window)[:-1]
        y = np.diff(values[self.window :, 0]) / self.scaling.change[0]
        return X, y.astype(np.float32)[:, None]

    def split(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """The windows to learn from, and those that decide when to stop: all whose next value is known."""
        usable = np.flatnonzero(self.series.known[self.window + 1 :][: self.first_test])
        last = len(usable) - round(share * len(usable))
        return usable[:last], usable[last:]


def run(plan: SeriesPlan, console: Console) -> None:
    """Train on the first part of each series, test on the last, forecast what comes next, save."""
    file, given = plan.file, read_table(plan.file)
    given.require([plan.target, *([plan.key] if plan.key else [])])
    table = plan.columns.of(given, plan.target, plan.key)
    parts, log = _parts(table, plan)
    learn, validation = _examples(parts, plan.validation)
    names = next(iter(parts.values())).series.names
    _introduce(console, plan, parts, log)
    model = network(learn[0].shape[2], plan)
    history = _fit(model, learn, validation, plan, console)
    rows = sum(len(part.series.values) for part in parts.values())
    record = {"data": file.name, "rows": rows, "epochs": plan.epochs, "seed": plan.seed, "origin": plan.origin}
    scalings = {name: part.scaling for name, part in parts.items()}
    formats = {name: table.format(name) for name in table if isinstance(table.format(name), NumberFormat | DateFormat)}
    forecaster = Forecaster(model, names, plan.window, scalings, plan.key, formats, record)
    forecasts = {name: forecaster.forecasts(part.series.values, name) for name, part in parts.items()}
    missed = _errors(parts, forecasts) if plan.test else {}
    errors = Errors.together(list(missed.values())) if missed else None
    record.update(errors.numbers() if errors else {})
    forecaster.save(plan.out)
    seconds = sum(history["seconds"])
    console.print(f"{len(history)} epochs in {seconds:.1f} s; epoch {history.best_epoch} was best", end="\n\n")
    if errors:
        errors.print(console)
    for name, part in list(parts.items())[:SHOWN]:
        row = f"the last row of '{name}'" if plan.key else "the last row"
        console.print(f"After {row}, {part.series.values[-1, 0]:.6g}, comes {forecasts[name][-1]:.6g}.")
    console.print(f"\nSaved {plan.out}. Next:", style="bold")
    bullets(console, [f"subgrad {job} {shlex.quote(str(plan.out))} {shlex.quote(str(file))}"
                      for job in ("predict", "evaluate")])  # fmt: skip
    if plan.page and missed:
        data = f"{file.name}: {given.rows:,} rows", [*log, _network_line(plan, names)]
        told = [f"{len(history)} epochs; epoch {history.best_epoch} was best; seed {plan.seed}"]
        of_series.write(plan.page, plan.target, missed, given, *data, console, history, told, UNSEEN)
    if history.stopped == "interrupted":
        fail(f"interrupted: the best model, of epoch {history.best_epoch}, is in {plan.out}")


def _parts(table: Table, plan: SeriesPlan) -> tuple[dict[str, Part], list[str]]:
    """The series that are long enough, by their names, and what was done."""
    if plan.key is None:
        series = series_of(table, plan.target)
        return {"": _part(series, plan)}, series.log
    found, short = {}, []
    tables = parts_of(table, plan.key)
    names = series_of(max(tables.values(), key=lambda part: part.rows), plan.target).names
    for name, rows in tables.items():
        try:
            found[name] = _part(series_of(rows, plan.target, names), plan)
        except DataError as error:
            short.append((name, error))
    if not found:
        raise DataError(f"none of the {len(short):,} series can be learnt from: of '{short[0][0]}', {short[0][1]}")
    log = list(table.notes)
    if short:
        log.append(f"Left out: {listed(name for name, _ in short)}: {short[0][1]}.")
    return found, [*log, f"{len(found):,} series by '{plan.key}': {listed(found)}."]


def _part(series: Series, plan: SeriesPlan) -> Part:
    rows = len(series.values)
    cut = rows - round(plan.test * rows)
    first_test = cut - 1 - plan.window
    if first_test < LEAST or (cut == rows and plan.test):
        raise DataError(f"{rows:,} rows are too few for windows of {plan.window}: to learn from there are "
                        f"{max(first_test, 0)} windows, of at least {LEAST}; see --window")  # fmt: skip
    return Part(series, cut, plan.window, Scaling.of(series.values[:cut]))


def _examples(parts: Mapping[str, Part], share: float) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """What to learn from, and what decides when to stop, of all series."""
    learn, validation = [], []
    for part in parts.values():
        (X, y), (first, second) = part.examples(), part.split(share)
        learn.append((X[first], y[first]))
        validation.append((X[second], y[second]))
    return _joined(learn), _joined(validation)


def _joined(examples: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, ...]:
    return tuple(np.concatenate(arrays) for arrays in zip(*examples, strict=True))


def _errors(parts: Mapping[str, Part], forecasts: Mapping[str, np.ndarray]) -> dict[str, Errors]:
    return {
        name: Errors.over(forecasts[name][part.first_test : -1], part.series, part.cut) for name, part in parts.items()
    }


def _introduce(console: Console, plan: SeriesPlan, parts: Mapping[str, Part], log: list[str]) -> None:
    rows = sum(len(part.series.values) for part in parts.values())
    cut = sum(part.cut for part in parts.values())
    names = next(iter(parts.values())).series.names
    console.print(f"{plan.file.name}: {rows:,} rows, forecast of '{plan.target}'", style="bold")
    each = ", of each series its share," if plan.key else ""
    tested = f"the last {rows - cut:,} to test on" if rows > cut else "none to test on"
    bullets(console, [*log, f"The first {cut:,} rows{each} to learn from, {tested}."])
    console.print(f"Network: {_network_line(plan, names)}")


def _network_line(plan: SeriesPlan, names: Sequence[str]) -> str:
    columns = f"{len(names)} columns: {listed(names, 10)}" if len(names) > 1 else f"'{plan.target}' alone"
    return f"LSTM of {plan.hidden}, windows of {plan.window} rows of {columns}"


def network(features: int, plan: SeriesPlan) -> nn.Sequential:
    """An LSTM, and the change of the target that its last state means."""
    recurrent = nn.LSTM(features, plan.hidden, returns="last", seed=plan.seed)
    return nn.Sequential({"recurrent": recurrent, "out": nn.Linear(plan.hidden, 1, seed=plan.seed + 1)})


def _fit(
    model: nn.Module,
    learn: tuple[np.ndarray, ...],
    validation: tuple[np.ndarray, ...],
    plan: SeriesPlan,
    console: Console,
) -> History:
    steps, validated = plan.epochs * math.ceil(len(learn[0]) / plan.batch_size), len(validation[0]) > 0
    history = fit(
        model, learn[0], learn[1], loss="squared", optimizer=plan.optimizer(steps), epochs=plan.epochs,
        batch_size=plan.batch_size, validation=(validation[0], validation[1]) if validated else None,
        seed=plan.seed, **{"early_stopping": EarlyStopping(PATIENCE) if validated else None, **plan.fit},
        verbose=False if console.quiet else None, callbacks=epoch_lines(console, plan.epochs),
    )  # fmt: skip
    if not len(history):
        fail("interrupted in the first epoch: there is no model to save")
    return history


class SeriesJob:
    """Training on tables whose rows are a series; see `subgrad.cli.jobs.job.Job`."""

    def check(self, asked: Request) -> None:
        asked.check("series")
        if asked.given.target is None:
            raise typer.BadParameter("say which column to forecast", param_hint="'--target'")
        check_training(asked)

    def plan(self, asked: Request) -> SeriesPlan:
        given, hidden = asked.given, widths(asked.given, "32")
        if len(hidden) != 1:
            raise typer.BadParameter("a series is forecast by one recurrent layer", param_hint="'--hidden'")
        return SeriesPlan(
            file=Path(asked.data),
            target=given.target or "",
            columns=asked.columns,
            key=given.series,
            window=given.window or WINDOW,
            hidden=hidden[0],
            epochs=given.epochs or EPOCHS,
            batch_size=given.batch_size or BATCH_SIZE,
            test=share(given.test, TEST),
            validation=share(given.validation, VALIDATION),
            optimizer=descent(given, "0.003"),
            seed=given.seed,
            out=asked.out,
            origin=asked.origin,
            fit=given.for_fit(),
            page=page(asked),
        )

    def run(self, plan: SeriesPlan, console: Console) -> None:
        run(plan, console)

    def load(self, path: Path) -> Forecaster:
        return Forecaster.load(path)

    def predict(self, model: Path, file: Path, keep: Sequence[str] = ()) -> Answers:
        """Rows are counted from 1, in the order of time."""
        if keep:
            raise typer.BadParameter("is for tables: forecasts name their row", param_hint="'--keep'")
        forecaster = self.load(model)
        rows = []
        for name, series in forecaster.series(read_rows(file)).items():
            first = series.left_out + forecaster.window + 2
            own = [] if forecaster.key is None else [name]
            found = forecaster.forecasts(series.values, name)
            unit = forecaster.usual_change(series.values, name)
            rows += [[*own, str(row), short(x, unit)] for row, x in enumerate(found.tolist(), first)]
        return Answers([*([forecaster.key] if forecaster.key else []), "row", "prediction"], rows, [])

    def evaluate(self, model: Path, file: Path, console: Console, report: Path | None = None) -> None:
        """Each row forecast from those before it."""
        asked, forecaster, table = page_of_file(report, model, file), self.load(model), read_rows(file)
        found = forecaster.series(table)
        begin = forecaster.window + 1
        forecasts = {name: forecaster.forecasts(series.values, name)[:-1] for name, series in found.items()}
        if not any(series.known[begin:].any() for series in found.values()):
            most = max(len(series.values) for series in found.values())
            raise DataError(f"{most:,} rows are too few: there is none to compare a forecast with")
        count = sum(map(len, forecasts.values()))
        console.print(f"{count:,} forecasts of '{forecaster.names[0]}' in {file}", style="bold")
        log = next(iter(found.values())).log if forecaster.key is None else [f"{len(found):,} series."]
        bullets(console, log)
        missed = {name: Errors.over(forecasts[name], one, begin) for name, one in found.items()}
        Errors.together(list(missed.values())).print(console)
        if asked is not None:
            data = f"{count:,} forecasts of '{forecaster.names[0]}' in {file}"
            of_series.write(asked, forecaster.names[0], missed, table, data, log, console)

    def show(self, model: Path, console: Console) -> None:
        forecaster = self.load(model)
        names, window, record = forecaster.names, forecaster.window, forecaster.record
        console.print(f"{model}: series", style="bold")
        seen = f"{window} rows of {', '.join(names)}" + (f", for each '{forecaster.key}'" if forecaster.key else "")
        bullets(console, [f"The next value of '{names[0]}', from the changes and the levels of the last {seen}."])
        heading(console, "Layers")
        console.print(forecaster.model.summary((1, window, 2 * len(names))))
        heading(console, "Training")
        tested = "No row was held out to test on."
        if "error" in record:
            error, naive = record["error"], record["naive"]
            tested = f"Test: mean absolute error {error:.4g}; that the last value stays has {naive:.4g}"
        told = f"{record['data']}: {record['rows']:,} rows; at most {record['epochs']} epochs; seed {record['seed']}"
        bullets(console, [told, tested])
        next_commands(console, model, ["predict", "evaluate"], "FILE")


__all__ = ["SeriesJob", "SeriesPlan", "network", "run"]
