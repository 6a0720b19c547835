"""Rows of coefficients on their way back through the steps: what they are, and what is free for them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from subgrad.bounds.taylor.rounding import UNIT

SLACK = 1 + 1e-6  # what sums of errors may be off themselves, relatively, if they have up to a thousand million terms


@dataclass
class Choice:
    """What is free for rows, and where they came through. All arrays have an axis of rows, P, in front.

    Attributes:
        slopes: of the lower lines of curves, by the numbers of their steps, shape (P, \\*T).
        added: coefficients for steps, of linear functions that are nowhere negative, shape (P, \\*S).
        trail: the coefficients with which rows came to curves, shape (P, \\*T).
    """

    slopes: dict[int, np.ndarray] = field(default_factory=dict)
    added: dict[int, np.ndarray] = field(default_factory=dict)
    trail: dict[int, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, rows: np.ndarray) -> Choice:
        """That of some rows."""
        parts = (self.slopes, self.added, self.trail)
        return Choice(*({k: v[rows] for k, v in part.items()} for part in parts))


class Rows:
    """Linear functions on their way back: coefficients at steps, a constant, and how far all that may be off."""

    def __init__(self, count: int) -> None:
        self.open: dict[int, np.ndarray] = {}
        self.total, self.off = np.zeros(count), np.zeros(count)

    def put(self, step: int, a: np.ndarray, size: np.ndarray, product: bool = False) -> None:
        """Coefficients for a step of magnitudes up to ``size``, beside those that it has.

        A sum may be smaller than what it is of, so what rounding does to these is counted here.
        """
        if step in self.open:
            before = self.open[step]
            sum_ = before + a
            rounded = np.abs(sum_) + (np.abs(a) if product else 0.0) + np.abs(before)
            self.off += UNIT * times(rounded, size)
            a = sum_
        self.open[step] = a

    def add(self, value: np.ndarray) -> None:
        """A part of the constant."""
        self.total += value
        self.off += UNIT * np.abs(self.total)

    def upper(self) -> np.ndarray:
        """What no value exceeds."""
        found = np.nextafter(self.total + self.off * SLACK, np.inf)
        return np.where(np.isnan(found), np.inf, found)


def taken(x: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The part of each row's box."""
    return x if len(x) == 1 else x[owner]


def dots(a: np.ndarray, x: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The products of each row with what belongs to its box."""
    return times(a, x[0]) if len(x) == 1 else np.einsum("pn,pn->p", a, x[owner])


def times(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The product of each row with one array. (BLAS would share it among threads, which takes longer.)"""
    return np.einsum("pn,n->p", a.reshape(len(a), x.size), x.ravel())


__all__ = ["Choice", "Rows", "dots", "taken", "times"]
