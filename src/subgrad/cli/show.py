"""``subgrad show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from subgrad.cli.failure import job
from subgrad.cli.screen import bullets, screen
from subgrad.cli.trained import Trained

ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that subgrad train wrote.")]


@job
def show(model: ModelFile) -> None:
    """Show what is in a model file: the layers, the columns, the preparation, the training."""
    trained = Trained.load(model)
    prepared, console = trained.preparation, screen()
    answer = f"one of {len(prepared.classes)} classes" if prepared.classes else "a number"
    console.print(f"{model}: {prepared.task}", style="bold")
    bullets(console, [f"'{prepared.target_name}', {answer}, from {_columns(prepared.feature_names)}"])
    _heading(console, "Layers")
    console.print(trained.model.summary((1, len(prepared.feature_names))))
    _heading(console, "Preparation")
    bullets(console, prepared.describe())
    _heading(console, "Training")
    bullets(console, training_lines(trained.record))


def training_lines(record: dict[str, Any]) -> list[str]:
    """How the network was trained and how good it was, a line each."""
    rows = record["rows"]
    parts = ", ".join(f"{count:,} for {part}" for part, count in rows.items() if count)
    return [
        f"{record['data']}: {parts}",
        f"{record['network']}; {record['method']}; seed {record['seed']}",
        run_line(record["run"]),
        f"Test: {_numbers(record['test'])}",
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
