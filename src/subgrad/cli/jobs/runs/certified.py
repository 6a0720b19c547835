"""Certified training for ``--robust``: the loss, and for how many images it is proven that the answer is right."""

from __future__ import annotations

from typing import Any

from subgrad import robust
from subgrad.cli.jobs.source import Part
from subgrad.nn import Module
from subgrad.robust import CrownIBPLoss

WARMUP, RAMP = 0.05, 0.5
"""The shares of the steps before epsilon rises, and in which it does."""

DARKEST, BRIGHTEST = 0.0, 1.0


def loss(epsilon: float, steps: int) -> CrownIBPLoss:
    """For a run of so many steps.

    >>> loss(0.02, 2000)
    CrownIBPLoss(epsilon=0.02, kappa=0.5, warmup=100, ramp=1000, low=0.0, high=1.0, beta=0.0)
    """
    return CrownIBPLoss(epsilon, warmup=int(WARMUP * steps), ramp=int(RAMP * steps), low=DARKEST, high=BRIGHTEST)


def measured(model: Module, test: Part, epsilon: float) -> dict[str, Any]:
    """What the record of a model says of how robust it is on examples to test on."""
    return {"epsilon": epsilon, **robust.evaluate(model, *test, epsilon, low=DARKEST, high=BRIGHTEST)}


__all__ = ["loss", "measured"]
