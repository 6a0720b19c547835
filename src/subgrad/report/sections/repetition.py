"""How the model was trained, and how to do all of it again."""

from __future__ import annotations

import platform

import numpy as np

import subgrad
from subgrad.display.markup import Markup, element
from subgrad.report.pictures.learning import curves_of
from subgrad.report.sections.parts import Section, figure, figures, notes, pairs, section
from subgrad.report.subject import Background

_LEADS = {
    False: "Where the two curves part, the model begins to learn the rows by heart.",
    True: "Where the loss falls and the other curve gets no better, the model begins to learn the rows by heart.",
}


def training(background: Background) -> Section | None:
    """The section with the learning curves; None if nothing is known of the training."""
    history, told = background.history, background.training
    if not told and (history is None or not len(history)):
        return None
    drawn = []
    if history is not None and len(history):
        rows = {name: history[name] for name in history.names}
        curves = curves_of(rows, history.best_epoch, background.epoch, background.validated)
        drawn = [figure(f"{name[0].upper()}{name[1:]}", picture, "") for name, picture in curves]
    lead = "What the model is."
    if drawn:
        lead = _LEADS[bool(background.validated)]
    return section("training", "The training", lead, figures(drawn), notes(told))


def repeat(background: Background) -> Section:
    """The section with what it takes to repeat the report."""
    typed = background.command
    command = element("pre", element("code", typed), tabindex="0", aria_label="command") if typed else Markup()
    versions = [
        ("seed", str(background.seed)),
        ("subgrad", subgrad.__version__),
        ("Python", platform.python_version()),
        ("NumPy", np.__version__),
    ]
    lead = "The same seed, data, versions and number of threads give the same numbers."
    return section("repeat", "How to repeat it", lead, command, pairs(versions, "facts"))


__all__ = ["repeat", "training"]
