"""A text: how surprising its characters were, and the passages where they were most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from subgrad.display.markup import Markup, element
from subgrad.report.explanations.table_model import LEAST_CHANCE
from subgrad.report.phrases import aligned, percent
from subgrad.report.pictures.inline_svg import bars
from subgrad.report.sections.parts import Section, grid, notes, section

HARDEST = 8
CHARACTERS = 30  # that the table of characters shows
LEVELS, A_LEVEL = 5, 2.0  # of surprise, and how many bits one has
_NAMES = {" ": "space", "\n": "newline", "\t": "tab"}
_SIGNS = {"\n": "↵\n", "\t": "⇥\t"}


@dataclass(frozen=True)
class Passages:
    """Passages of a text beside what a network expected.

    Attributes:
        known: the characters, of which the first stands for all others.
        truth: their numbers (passages, length), as they came.
        chances: of each character (passages, length, characters).
        frequencies: how often each came in the training (characters,); None if nobody knows.
        numbers: of the passages in the text, from 1 on; None if they are all there are.
    """

    known: str
    truth: np.ndarray
    chances: np.ndarray
    frequencies: np.ndarray | None = None
    numbers: np.ndarray | None = None

    @cached_property
    def bits(self) -> np.ndarray:
        """How surprising each character was (passages, length): minus the logarithm of its probability, to base 2."""
        own = np.take_along_axis(self.chances, self.truth[..., None], axis=2)[..., 0]
        return -np.log2(np.clip(own, LEAST_CHANCE, 1))

    @property
    def names(self) -> list[str]:
        """What the characters are called, each in its own way."""
        return ["any other", *(_NAMES.get(c, c) for c in self.known[1:])]


def hardest_passages(passages: Passages) -> Section:
    """The section with the passages of the most bits a character."""
    means = passages.bits.mean(axis=1)
    worst = np.argsort(-means, kind="stable")[:HARDEST]
    shown = []
    for place in worst:
        right = np.mean(passages.chances[place].argmax(axis=1) == passages.truth[place])
        number = place + 1 if passages.numbers is None else passages.numbers[place]
        told = f"passage {number}: {means[place]:.2f} bits a character, {percent(float(right))} foreseen"
        text = element("p", *_marked(passages, int(place)), class_="passage")
        shown.append(element("figure", text, element("figcaption", told)))
    lead = (
        "Where the text was most surprising: the stronger the colour, the less a character was expected, in steps of "
        f"{A_LEVEL:g} bits."
    )
    return section("hardest", "The hardest passages", lead, *shown)


def _marked(passages: Passages, place: int) -> list[Markup]:
    levels = np.minimum(passages.bits[place] // A_LEVEL, LEVELS - 1).astype(int).tolist()
    texts = [_SIGNS.get(c, c) for c in (passages.known[i] for i in passages.truth[place])]
    found = []
    for level, group in groupby(zip(levels, texts, strict=True), key=lambda pair: pair[0]):
        text = "".join(character for _, character in group)
        found.append(element("span", text, style=f"--share:{level / (LEVELS - 1):.2f}" if level else None))
    return found


def characters(passages: Passages, sentences: Sequence[str]) -> Section:
    """The section about the text: its most frequent characters, and how hard each is."""
    truth, bits = passages.truth.ravel(), passages.bits.ravel()
    counts = np.bincount(truth, minlength=len(passages.known))
    right = np.bincount(truth[passages.chances.argmax(axis=2).ravel() == truth], minlength=len(counts))
    sums = np.bincount(truth, bits, len(counts))
    shown = [int(i) for i in np.argsort(-counts, kind="stable")[:CHARACTERS] if counts[i]]
    means, names = aligned([sums[i] / counts[i] for i in shown], 2), passages.names
    rows = [
        [names[i], f"{counts[i]:,}", percent(counts[i] / len(truth)), percent(right[i] / counts[i]), mean,
         _surprise(bits[truth == i], names[i])]
        for i, mean in zip(shown, means, strict=True)
    ]  # fmt: skip
    header = ["character", "times", "share", "foreseen", "bits", "from 0 to 10 bits"]
    rest = int((counts > 0).sum()) - len(shown)
    told = [*sentences, *([f"{rest:,} rarer characters are not shown."] if rest else [])]
    lead = "The characters that come most often, how many of them were the likeliest one, and how surprising they were."
    return section("data", "The text", lead, grid("Characters", header, rows, (1, 2, 3, 4)), notes(told))


def _surprise(bits: np.ndarray, name: str) -> Markup:
    return bars(np.histogram(np.minimum(bits, 10), 20, (0, 10))[0].tolist(), f"how surprising {name} was")


__all__ = ["Passages", "characters", "hardest_passages"]
