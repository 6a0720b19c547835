"""The page about forecasts of a series."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from subgrad.data.table import Table
from subgrad.metrics.bootstrap import Estimate, decimals_for, estimates
from subgrad.report.page import write_page
from subgrad.report.sections.moments import Forecasts, beside_truth, hardest_moments
from subgrad.report.sections.parts import Section
from subgrad.report.sections.quality import of_numbers, quality
from subgrad.report.sections.repetition import repeat, training
from subgrad.report.sections.understood import understood
from subgrad.report.subject import Background, Judged, Score


def write_series_report(
    path: str | os.PathLike[str], found: Forecasts, table: Table, background: Background, verbose: bool | None = None
) -> None:
    """Write a page about forecasts: how good they are beside the one that nothing changes, and where they fail.

    Args:
        path: of the page; written atomically.
        found: forecasts beside the truth.
        table: of the series.
        background: what else is known; ``scores`` are made here.
        verbose: whether to say on standard error what is being done; None does on a terminal.

    Raises:
        FileError: if the file cannot be written.
        MissingExtraError: if matplotlib is not installed.
    """

    def parts() -> Sequence[Section | None]:
        about = background.but(scores=_scores(found, background.seed), guess="that the last value stays",
                               drawn="pieces of such forecasts")  # fmt: skip
        judged = Judged(found.target, (), found.truth, found.answers, None, about)
        return [
            quality(judged, [beside_truth(found), *of_numbers(judged)]),
            hardest_moments(found),
            understood(table, found.target, background),
            training(background),
            repeat(background),
        ]

    write_page(path, found.target, [background.data, "the answer is the next value"], parts, verbose)


def _scores(found: Forecasts, seed: int) -> list[Score]:
    errors, naive = np.abs(found.truth - found.answers), np.abs(found.truth - found.last)
    mean, root = _estimate(errors, 1, seed), _estimate(errors, 2, seed)
    guesses = float(naive.mean()), float(np.sqrt(np.mean(naive**2)))
    decimals = decimals_for(mean.value, root.value, *guesses)
    words = "mean absolute error", "root mean squared error"
    return [Score(w, e, g, decimals) for w, e, g in zip(words, (mean, root), guesses, strict=True)]


def _estimate(errors: np.ndarray, power: int, seed: int) -> Estimate:
    """The mean of a power of errors (n,), and its root.

    Its interval comes from drawing pieces of n^(1/3) forecasts again: errors beside each other are alike (Kuensch
    1989).
    """
    length = max(1, round(len(errors) ** (1 / 3)))
    piece = np.arange(len(errors)) // length
    sums, counts = np.bincount(piece, errors**power), np.bincount(piece)

    def number(weights: np.ndarray | None) -> np.ndarray:
        of = np.ones(len(sums)) if weights is None else weights
        return (of @ sums / (of @ counts)) ** (1 / power)

    return estimates({"": number}, len(sums), seed=seed)[""]


__all__ = ["write_series_report"]
