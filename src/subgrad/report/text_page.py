"""The page about a network that reads a text and expects its next character."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from subgrad.metrics.bootstrap import Estimate, estimates
from subgrad.report.page import write_page
from subgrad.report.pictures.sequences import bits_by_place
from subgrad.report.sections.parts import Section, figure
from subgrad.report.sections.passages import Passages, characters, hardest_passages
from subgrad.report.sections.quality import calibration, confusion, quality
from subgrad.report.sections.repetition import repeat, training
from subgrad.report.subject import Background, Judged, Score

_FEW = 5  # characters among which the next one is looked for


def write_text_report(
    path: str | os.PathLike[str], passages: Passages, background: Background, verbose: bool | None = None
) -> None:
    """Write a page about a network for texts: how well it foresees characters, and which passages it finds hard.

    Args:
        path: of the page; written atomically.
        passages: of a text, beside what the network expected.
        background: what else is known; ``scores`` are made here.
        verbose: whether to say on standard error what is being done; None does on a terminal.

    Raises:
        FileError: if the file cannot be written.
        MissingExtraError: if matplotlib is not installed.
    """

    def parts() -> Sequence[Section | None]:
        about = _scored(passages, background)
        names = np.array(passages.names, dtype=object)
        chances = passages.chances.reshape(-1, len(names))
        judged = Judged("the next character", passages.names, names[passages.truth.ravel()],
                        names[chances.argmax(axis=1)], chances, about)  # fmt: skip
        places = figure("Surprise along a passage", bits_by_place(passages.bits), "How much what came before helps.")
        return [
            quality(judged, [confusion(judged), *calibration(judged), places]),
            hardest_passages(passages),
            characters(passages, background.sentences),
            training(background),
            repeat(background),
        ]

    write_page(path, "the next character", [background.data], parts, verbose)


def _scored(passages: Passages, background: Background) -> Background:
    """With the numbers of the passages, whose intervals come from drawing whole passages again."""
    k = len(passages.known)
    right = passages.chances.argmax(axis=2) == passages.truth
    among = (passages.chances > np.take_along_axis(passages.chances, passages.truth[..., None], 2)).sum(2) < _FEW
    guesses = _by_frequency(passages)
    found = [
        Score("bits a character", _mean(passages.bits, background.seed), guesses.get("bits")),
        Score("foreseen: the likeliest one", _mean(right, background.seed), guesses.get("right")),
    ]
    if k > 2 * _FEW:
        found.append(Score(f"among the {_FEW} likeliest", _mean(among, background.seed), guesses.get("among")))
    guess = "the frequencies of the training" if guesses else ""
    return background.but(scores=found, drawn="whole passages", guess=guess)


def _by_frequency(passages: Passages) -> dict[str, float]:
    """What the frequencies of the training give, each counted one time more; nothing if they are unknown."""
    if passages.frequencies is None:
        return {}
    shares = (passages.frequencies + 1) / (passages.frequencies + 1).sum()
    order = np.argsort(-shares, kind="stable")
    return {
        "bits": float(-np.log2(shares)[passages.truth].mean()),
        "right": float(np.mean(passages.truth == order[0])),
        "among": float(np.isin(passages.truth, order[:_FEW]).mean()),
    }


def _mean(values: np.ndarray, seed: int) -> Estimate:
    """The mean of values (passages, length) with its interval."""
    means = values.mean(axis=1)

    def number(weights: np.ndarray | None) -> np.ndarray:
        return means.mean() if weights is None else weights @ means / weights.sum(axis=-1)

    return estimates({"": number}, len(means), seed=seed)[""]


__all__ = ["write_text_report"]
