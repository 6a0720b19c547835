"""Checks that several families of modules share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np

from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph.tensor import Parameter, Tensor

LISTED = 10  # things that are wrong with a state, in one message


def sizes(owner: str, **given: int) -> None:
    """Raise `ArgumentError` unless all of these are positive integers."""
    for name, size in given.items():
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ArgumentError(f"{owner} needs {name} to be a positive integer, got {size!r}")


def probability(owner: str, p: float, one: bool = True) -> None:
    """Raise `ArgumentError` unless ``p`` is a number in [0, 1], or in [0, 1) without ``one``."""
    if not isinstance(p, Real) or not 0 <= float(p) <= 1 or (not one and p == 1):
        raise ArgumentError(f"{owner} needs a probability in [0, 1{']' if one else ')'}, got {p!r}")


def last_axes(owner: str, x: Tensor, expected: Sequence[int]) -> None:
    """Raise `ShapeError` unless the shape of ``x`` ends with ``expected``."""
    if x.shape[-len(expected) :] != tuple(expected):
        wanted = ", ".join(["...", *map(str, expected)])
        raise ShapeError(f"{owner} takes a shape ({wanted}), got {x.shape}")


def images(owner: str, x: Tensor, channels: int | None = None, space: int = 2) -> None:
    """Raise `ShapeError` unless ``x`` is a batch of images (N, C, ...) with so many axes of space and channels."""
    if x.ndim != 2 + space or channels not in (None, x.shape[1]):
        wanted = ", ".join(["N", str(channels or "C"), *{1: "L", 2: "HW", 3: "DHW"}[space]])
        raise ShapeError(f"{owner} takes a shape ({wanted}), got {x.shape}")


def same_shapes(owner: str, outputs: Sequence[Tensor]) -> None:
    """Raise `ShapeError` unless all have one shape: a sum that broadcasts is hardly ever meant."""
    if len({y.shape for y in outputs}) > 1:
        shapes = " and ".join(str(y.shape) for y in outputs)
        raise ShapeError(f"{owner} adds outputs of one shape, got {shapes}")


def check_state(owner: str, mine: Mapping[str, Parameter], given: Mapping[str, np.ndarray]) -> None:
    """Raise one error for what keeps ``given`` from being a state of the parameters ``mine``."""
    both = [(name, p, given[name]) for name, p in mine.items() if name in given]
    wrong = {
        ArgumentError: [f"{name} is missing" for name in mine if name not in given]
        + [f"{name} is unknown" for name in given if name not in mine],
        ShapeError: [f"{n} has shape {v.shape}, expected {p.shape}" for n, p, v in both if v.shape != p.shape],
        DTypeError: [f"{n} has dtype {v.dtype}, expected {p.dtype}" for n, p, v in both if v.dtype != p.dtype],
    }
    kinds = [kind for kind, problems in wrong.items() if problems]
    if kinds:
        problems = [text for texts in wrong.values() for text in texts]
        more = f"; and {len(problems) - LISTED:,} more" if len(problems) > LISTED else ""
        raise kinds[0](f"this state does not fit the {owner}: {'; '.join(problems[:LISTED])}{more}")
