"""Curves of what a threshold on a score lets through: of the receiver operating characteristic, and of precision."""

from __future__ import annotations

import numpy as np


def roc_curve(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of the negative rows, and that of the positive rows, with a score at or above each threshold.

    Args:
        scores: (n,).
        positive: truth values, (n,), of both kinds.

    >>> roc_curve(np.array([0.9, 0.6, 0.4]), np.array([True, False, True]))
    (array([0., 0., 1., 1.]), array([0. , 0.5, 0.5, 1. ]))
    """
    true, false = _let_through(scores, positive)
    return np.r_[0, false / false[-1]], np.r_[0, true / true[-1]]


def precision_recall_curve(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall, ascending, and precision: the share of positive rows among those at or above each threshold.

    >>> precision_recall_curve(np.array([0.9, 0.6, 0.4]), np.array([True, False, True]))[0]
    array([0.5, 0.5, 1. ])
    """
    true, false = _let_through(scores, positive)
    return true / true[-1], true / (true + false)


def _let_through(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many positive and negative rows have a score at or above each distinct one, from the highest on."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.asarray(positive, bool)[order]
    last = np.r_[np.flatnonzero(np.diff(ranked)), len(ranked) - 1]
    true = np.cumsum(hits)[last]
    return true, last + 1 - true


__all__ = ["precision_recall_curve", "roc_curve"]
