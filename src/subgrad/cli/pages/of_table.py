"""The page about a model for the rows of a table, or for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console

from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.source import Tables
from subgrad.cli.jobs.trained.prediction_report import Classified, Outcome, compared
from subgrad.cli.jobs.trained.trained_model import Trained, test_line
from subgrad.cli.pages.asked_page import Page
from subgrad.fit import History


def write(
    page: Page, trained: Trained, outcome: Outcome, tables: Tables, data: str, log: Sequence[str], console: Console,
    history: History | None = None, which: str = "",
) -> None:  # fmt: skip
    """Write a page about a model and the rows of a table.

    Args:
        page: what was asked for.
        trained, outcome: the model, and how good its answers to these rows are.
        tables: these rows, and the table they are of.
        data: what they are, in a line.
        log: what was done to them, a sentence each.
        console: where to say so.
        history: of the training; None for what the model file has of it.
        which: rows these are.
    """
    from subgrad.report import Background, write_report

    prepared = trained.preparation
    truth = prepared.restore_target(np.asarray(prepared.target(tables.test)))
    told = [line for line in trained.about_training() if line != test_line(trained.record)]
    about = Background(
        data=data, whole=tables.whole, row_numbers=tables.row_numbers, sentences=log, which=which, training=told,
        history=trained.history if history is None else history, epoch=page.epoch, command=page.command, seed=page.seed,
        validated=trained.validated, remarks=outcome.sentences(), **scored(outcome),
    )  # fmt: skip
    images = None
    if isinstance(prepared, Pixels):
        about, images = about.but(row="image"), prepared.images(tables.test)
    write_report(page.path, trained, tables.test, truth, about, images, verbose=False if console.quiet else None)
    page.told(console)


def scored(outcome: Outcome) -> dict[str, Any]:
    """The metrics as the terminal has them: what `Background` takes."""
    from subgrad.report import Score

    scores = [Score(*metric) for metric in compared(outcome)]
    event = outcome.judged_class if isinstance(outcome, Classified) and len(outcome.classes) == 2 else None
    return {"scores": scores, "guess": outcome.guess, "event": event}


__all__ = ["scored", "write"]
