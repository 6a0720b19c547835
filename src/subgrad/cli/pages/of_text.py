"""The page about a network that reads a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console

from subgrad.cli.pages.asked_page import Page
from subgrad.data.characters import Characters
from subgrad.fit import History, predict

MOST = 5_000_000
"""Probabilities that a page is made of, at most, for its memory: of more passages some are taken, evenly."""


def write(
    page: Page, model: Any, known: Characters, pieces: tuple[np.ndarray, np.ndarray], data: str, console: Console,
    history: History | None = None, frequencies: np.ndarray | None = None, training: Sequence[str] = (),
    which: str = "",
) -> None:  # fmt: skip
    """Write a page about a network and pieces of a text.

    Args:
        page: what was asked for.
        model, known: the network, and its characters.
        pieces: what it reads and what comes next, (n, length) both.
        data: what the text is, in a line.
        console: where to say so.
        history: of the training, if it is known.
        frequencies: of the characters in the training, if they are known.
        training: how the model was made, a sentence each.
        which: characters these are.
    """
    from subgrad.report import Background, Passages, write_text_report

    X, y = pieces
    most = max(1, MOST // (X.shape[1] * len(known)))
    at = np.arange(len(X)) if len(X) <= most else np.linspace(0, len(X) - 1, most).astype(int)
    said = [] if len(at) == len(X) else [f"{len(at):,} of {len(X):,} passages were taken, evenly."]
    passages = Passages(known.known, y[at], _chances(predict(model, X[at])), frequencies, at + 1)
    about = Background(
        data=data, row="character", which=which, sentences=said, history=history, training=training,
        command=page.command, epoch=page.epoch, seed=page.seed,
    )  # fmt: skip
    write_text_report(page.path, passages, about, verbose=False if console.quiet else None)
    page.told(console)


def _chances(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True), dtype=np.float64)
    return powers / powers.sum(axis=-1, keepdims=True)


__all__ = ["write"]
