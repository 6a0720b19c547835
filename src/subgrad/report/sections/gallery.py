"""Images: those that a model has most wrong, and what there is of each class."""

from __future__ import annotations

import numpy as np

from subgrad.display.markup import Markup, element
from subgrad.report.explanations.hardest import hardest_rows
from subgrad.report.phrases import counted, percent, short
from subgrad.report.pictures.grey_image import pixels
from subgrad.report.sections.parts import Section, grid, notes, section
from subgrad.report.subject import Subject

HARDEST = 12
CLASSES = 30  # that are shown
EACH = 4  # images of a class beside its mean


def hardest_images(subject: Subject, images: np.ndarray) -> Section | None:
    """The section with the images (n, height, width) of the largest losses; None if all answers are right."""
    rows = hardest_rows(subject.model, subject.table, subject.truth, HARDEST)
    if not rows:
        return None
    known = subject.background.row_numbers
    drawn = []
    for row in rows:
        number = row.row + 1 if known is None else known[row.row]
        chance = "" if row.chance is None else f", chance of the truth {percent(row.chance)}"
        said = f"{short(row.truth)}, answered {short(row.answer)}"
        caption = element("figcaption", element("strong", said), f"image {number}{chance}")
        drawn.append(element("figure", pixels(images[row.row], f"image {number}: {said}"), caption))
    lead = (
        "Where the loss is largest, the truth first. Look at these: they show labels that are wrong, and shapes that "
        "the training had too few of."
    )
    return section("hardest", "The hardest images", lead, element("div", *drawn, class_="gallery"))


def seen_images(subject: Subject, images: np.ndarray) -> Section:
    """The section about the images: of each class how many there are and how many are right, their mean, the first."""
    height, width = images.shape[1:]
    counts = np.bincount(subject.places, minlength=len(subject.classes))
    shown = np.flatnonzero(counts)[:CLASSES]
    rows = [_class(subject, images, int(place)) for place in shown]
    told = list(subject.background.sentences)
    if rest := int((counts > 0).sum()) - len(shown):
        told.append(f"{counted(rest, 'more class') if rest == 1 else f'{rest:,} more classes'} not shown.")
    which = f" {subject.background.which}" if subject.background.which else ""
    lead = f"{counted(len(images), 'image')}{which}, each of {height} × {width} pixels."
    header = ["class", "images", "answered right", "their mean", "the first of them"]
    return section("data", "The images", lead, grid("Classes", header, rows, (1, 2), class_="images"), notes(told))


def _class(subject: Subject, images: np.ndarray, place: int) -> list[str | Markup]:
    own = subject.places == place
    name, some = short(subject.classes[place]), images[own]
    first = [pixels(image, f"one of {name}") for image in some[:EACH]]
    return [
        name, f"{len(some):,}", percent(float(np.mean(subject.answered_places[own] == place))),
        pixels(some.mean(axis=0), f"the mean of {name}"), element("span", *first, class_="first"),
    ]  # fmt: skip


__all__ = ["hardest_images", "seen_images"]
