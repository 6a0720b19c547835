"""What a loss says about a network: its task, how many scores it gives, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.data.target import Label
from subgrad.data.task import Task
from subgrad.errors import DataError
from subgrad.nn.loss import TABLE

LOSSES: dict[str, Task] = {
    name: "regression" if facts.targets == "numbers" else "classification" for name, facts in TABLE.items()
}
"""The task of each loss."""

DEFAULT_LOSS: dict[Task, str] = {"classification": "cross_entropy", "regression": "squared"}


def width(loss: str, task: Task, classes: Sequence[Label]) -> int:
    """How many scores the network gives. Raises `DataError` if the loss does not suit the task or the classes."""
    if LOSSES[loss] != task:
        raise DataError(f"the loss {loss} is for {LOSSES[loss]}, and this is {task}")
    if TABLE[loss].targets == "signs" and len(classes) != 2:
        raise DataError(f"the loss {loss} is for 2 classes, there are {len(classes)}; cross_entropy takes any number")
    return len(classes) if TABLE[loss].targets == "classes" else 1


def encoded(loss: str, y: np.ndarray) -> np.ndarray:
    """Targets as the loss takes them: the binary ones take -1 for the first class and 1 for the second.

    >>> encoded("hinge", np.array([0, 1]))
    array([-1.,  1.], dtype=float32)
    """
    return (2 * y - 1).astype(np.float32) if TABLE[loss].targets == "signs" else y


def decided(loss: str, scores: np.ndarray) -> np.ndarray:
    """The place of the class with the highest score, or the number, for each row of scores (n, k).

    >>> decided("hinge", np.array([[-0.5], [2.0]])).tolist()
    [0, 1]
    """
    targets = TABLE[loss].targets
    if targets == "signs":
        return (scores[:, 0] > 0).astype(np.int64)
    return scores.argmax(axis=1) if targets == "classes" else scores[:, 0]


def has_probabilities(loss: str) -> bool:
    """Whether `probabilities` are of a meaning for this loss.

    >>> has_probabilities("cross_entropy"), has_probabilities("hinge")
    (True, False)
    """
    return TABLE[loss].log_odds is not None or TABLE[loss].targets == "classes"


def probabilities(loss: str, scores: np.ndarray) -> np.ndarray | None:
    """The probability of each class, (n, classes), if the loss gives scores such a meaning; else None.

    >>> probabilities("binomial", np.array([[0.0], [np.log(3) / 2]])).round(6).tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    >>> probabilities("hinge", np.array([[0.0]])) is None
    True
    """
    facts = TABLE[loss]
    if facts.log_odds is not None:
        odds = facts.log_odds * scores.astype(np.float64)
        scores = np.concatenate([np.zeros_like(odds), odds], axis=1)
    elif not has_probabilities(loss):
        return None
    powers = np.exp(scores - scores.max(axis=1, keepdims=True), dtype=np.float64)
    return powers / powers.sum(axis=1, keepdims=True)
