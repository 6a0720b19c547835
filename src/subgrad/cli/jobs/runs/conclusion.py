"""The beginning and the end of a run, as they are printed; between them the model goes into its file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.trained.prediction_report import Outcome
from subgrad.cli.jobs.trained.trained_model import Trained
from subgrad.cli.screen import bullets

SENTENCES = 12  # of the preparation, that are printed: a table may have a thousand columns


def introduce(console: Console, title: str, log: Sequence[str], rows: str, out: Path) -> None:
    """What the data are, what was done to them, and which rows are for what."""
    console.print(title, style="bold")
    tell(console, log, out)
    bullets(console, [rows])


def about_rows(learnt: int, deciding: int, tested: int) -> str:
    """How many rows are for what, in a sentence.

    >>> about_rows(1000, 200, 0)
    '1,000 examples to learn from, 200 to decide when to stop, no row is held out to test on.'
    """
    decides = f", {deciding:,} to decide when to stop" if deciding else ""
    held_out = f"{tested:,} held out" if tested else "no row is held out"
    return f"{learnt:,} examples to learn from{decides}, {held_out} to test on."


def tell(console: Console, log: Sequence[str], out: Path) -> None:
    """What was done to the data, the first sentences of it."""
    bullets(console, log[:SENTENCES])
    if len(log) > SENTENCES:
        bullets(console, [f"And {len(log) - SENTENCES} more, see: subgrad show {out}"])


def conclude(console: Console, trained: Trained, outcome: Outcome | None, lines: Sequence[str], out: Path) -> None:
    """Save the model, with how good it is on rows to test on, and print that after the lines about its training."""
    if outcome is not None:
        trained.record["test"] = outcome.numbers()
    trained.save(out)
    for sentence in [*lines, *trained.calibrated.describe(trained.classes)]:
        console.print(sentence, soft_wrap=not console.is_terminal)
    if outcome is not None:
        console.print()
        outcome.print(console)
    console.print(f"\nSaved {out}. Next:", style="bold")
    bullets(console, _next_commands(trained, shlex.quote(str(out))))


def _next_commands(trained: Trained, out: str) -> list[str]:
    if isinstance(trained.preparation, Pixels):
        return [f"subgrad show {out}", "subgrad train FILE.csv --target COLUMN", "subgrad xor"]
    return [f"subgrad show {out}", f"subgrad predict {out} FILE.csv"]


__all__ = ["about_rows", "conclude", "introduce", "tell"]
