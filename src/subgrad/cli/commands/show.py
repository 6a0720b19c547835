"""``subgrad show``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from subgrad import io
from subgrad.cli.failure import job
from subgrad.cli.jobs import text
from subgrad.cli.jobs.forecaster import Forecaster
from subgrad.cli.jobs.trained import Trained, kind_of
from subgrad.cli.screen import bullets, screen

ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that subgrad train wrote.")]


@job
def show(model: ModelFile) -> None:
    """Show what is in a model file: the layers, the columns, the preparation, the training."""
    show_kind = {"series": _show_series, "text": _show_text}.get(kind_of(model) or "", _show_table)
    show_kind(model, screen())


def _show_table(model: Path, console: Console) -> None:
    trained = Trained.load(model)
    prepared = trained.preparation
    answer = f"one of {len(prepared.classes)} classes" if prepared.classes else "a number"
    console.print(f"{model}: {prepared.task}", style="bold")
    bullets(console, [f"'{prepared.target_name}', {answer}, from {_columns(prepared.feature_names)}"])
    _heading(console, "Layers")
    console.print(trained.model.summary((1, len(prepared.feature_names))))
    _heading(console, "Preparation")
    bullets(console, prepared.describe())
    _heading(console, "Training")
    bullets(console, training_lines(trained.record))
    _usage(console, model, ["predict", "evaluate"], "FILE")


def _show_series(model: Path, console: Console) -> None:
    forecaster = Forecaster.load(model)
    names, window, record = forecaster.names, forecaster.window, forecaster.record
    console.print(f"{model}: series", style="bold")
    seen = f"{window} rows of {', '.join(names)}" + (f", for each '{forecaster.key}'" if forecaster.key else "")
    bullets(console, [f"The next value of '{names[0]}', from the changes and the levels of the last {seen}."])
    _heading(console, "Layers")
    console.print(forecaster.model.summary((1, window, 2 * len(names))))
    _heading(console, "Training")
    tested = "No row was held out to test on."
    if "error" in record:
        tested = f"Test: mean absolute error {record['error']:.4g}; that the last value stays has {record['naive']:.4g}"
    bullets(console, [
        f"{record['data']}: {record['rows']:,} rows; at most {record['epochs']} epochs; seed {record['seed']}",
        tested,
    ])  # fmt: skip
    _usage(console, model, ["predict", "evaluate"], "FILE")


def _show_text(model: Path, console: Console) -> None:
    network, known = text.load(model)
    record = io.read_model_file(model)[1]["info"]["training"]
    console.print(f"{model}: text", style="bold")
    bullets(console, [f"The next character, one of {len(known) - 1} that it knows, from those before it."])
    _heading(console, "Layers")
    console.print(network.summary((1, 1), dtype="int64"))
    _heading(console, "Training")
    bullets(console, [
        f"{record['data']}; {record['network']}; {record['epochs']} epochs; seed {record['seed']}",
        f"Test: {record['bits']:.3f} bits a character" if record["bits"] else "No part was held out to test on.",
    ])  # fmt: skip
    _usage(console, model, ["generate"], "--prompt TEXT")


def _usage(console: Console, model: Path, commands: list[str], argument: str) -> None:
    _heading(console, "Use")
    bullets(console, [f"subgrad {command} {shlex.quote(str(model))} {argument}" for command in commands])


def training_lines(record: dict[str, Any]) -> list[str]:
    """How the network was trained and how good it was, a line each."""
    rows = record["rows"]
    parts = ", ".join(f"{count:,} for {part}" for part, count in rows.items() if count)
    return [
        f"{record['data']}: {parts}",
        f"{record['network']}; {record['method']}; seed {record['seed']}",
        run_line(record["run"]),
        f"Test: {_numbers(record['test'])}" if "test" in record else "No row was held out to test on.",
    ]


def run_line(run: dict[str, Any]) -> str:
    """How many epochs there were, which one was kept, and its numbers."""
    why = f" ({run['stopped']})" if run["stopped"] != "finished" else ""
    kept = f"; epoch {run['kept']} was best" if run["kept"] < run["epochs"] else ""
    return f"{run['epochs']} epochs in {run['seconds']:.1f} s{why}{kept}: {_numbers(run['numbers'])}"


def _numbers(numbers: dict[str, Any]) -> str:
    texts = {
        name: value if isinstance(value, int) else f"{value:.4g}"
        for name, value in numbers.items()
        if value is not None
    }
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in texts.items())


def _columns(names: list[str]) -> str:
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"{len(names)} features: {listed}"


def _heading(console: Console, text: str) -> None:
    console.print(f"\n{text}", style="bold")
