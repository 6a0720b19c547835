"""The page about forecasts of a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console

from subgrad.cli.jobs.forecaster import Errors
from subgrad.cli.pages.asked_page import Page
from subgrad.data import Table
from subgrad.fit import History


def write(
    page: Page, target: str, errors: Mapping[str, Errors], table: Table, data: str, log: Sequence[str],
    console: Console, history: History | None = None, training: Sequence[str] = (), which: str = "",
) -> None:  # fmt: skip
    """Write a page about forecasts of a column.

    Args:
        page: what was asked for.
        target: the column.
        errors: forecasts beside the truth, for each series by its name; of a single one the name is empty.
        table: the file.
        data: what it is, in a line.
        log: what was done to it, a sentence each.
        console: where to say so.
        history: of the training, if it is known.
        training: how the model was made, a sentence each.
        which: forecasts these are.
    """
    from subgrad.report import Background, Forecasts, write_series_report

    whole = Errors.together(list(errors.values()))
    names = [name for name, own in errors.items() for _ in own.truth] if list(errors) != [""] else None
    found = Forecasts(target, whole.rows, whole.truth, whole.forecasts, whole.last, names)
    about = Background(
        data=data, row="forecast", which=which, sentences=log, history=history, training=training,
        command=page.command, epoch=page.epoch, seed=page.seed,
    )  # fmt: skip
    write_series_report(page.path, found, table, about, verbose=False if console.quiet else None)
    page.told(console)


__all__ = ["write"]
