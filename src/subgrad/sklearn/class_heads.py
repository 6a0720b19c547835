"""What a classifier's y becomes for a network, and what the network's outputs say of classes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from subgrad import nn
from subgrad.errors import ArgumentError, DataError
from subgrad.graph.tensor import Tensor

Loss = Callable[..., Tensor]


@dataclass(frozen=True, eq=False)
class OneOf:
    """One of several classes for each row: a score for each."""

    classes: np.ndarray

    @property
    def outputs(self) -> int:
        return max(2, len(self.classes))  # a single class has a rival that never occurs

    @property
    def loss(self) -> Loss:
        return nn.cross_entropy

    def encoded(self, y: np.ndarray) -> np.ndarray:
        return _places(y, self.classes)

    def weights(self, class_weight: Any, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """The weight of each row's class; 0 of a class whose rows all have the weight 0."""
        there = np.ones(len(y), bool) if weights is None else weights > 0
        some, of_some = np.unique(y[there]), None if weights is None else weights[there]
        by_class = np.zeros(len(self.classes))
        by_class[self.encoded(some)] = compute_class_weight(
            class_weight, classes=some, y=y[there], sample_weight=of_some
        )
        return by_class[self.encoded(y)]

    def scores(self, f: np.ndarray) -> np.ndarray:
        """(n,) for two classes, positive for the second; else (n, classes)."""
        return f[:, 1] - f[:, 0] if len(self.classes) == 2 else f[:, : len(self.classes)]

    def probabilities(self, f: np.ndarray) -> np.ndarray:
        return _softmax(f[:, : len(self.classes)])

    def predicted(self, f: np.ndarray) -> np.ndarray:
        return self.classes[f[:, : len(self.classes)].argmax(1)]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of which each row has any number, as a matrix of 0 and 1: the log-odds of each."""

    count: int

    @property
    def classes(self) -> np.ndarray:
        return np.arange(self.count)

    @property
    def outputs(self) -> int:
        return self.count

    @property
    def loss(self) -> Loss:
        return nn.binary_cross_entropy

    def encoded(self, y: np.ndarray) -> np.ndarray:
        if y.ndim != 2 or y.shape[1] != self.count or not np.isin(y, (0, 1)).all():
            raise DataError(f"y must be a matrix of 0 and 1 with {self.count} columns, got shape {y.shape}")
        return 2.0 * y - 1

    def weights(self, class_weight: Any, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return compute_sample_weight(class_weight, y)

    def scores(self, f: np.ndarray) -> np.ndarray:
        return f

    def probabilities(self, f: np.ndarray) -> np.ndarray:
        small = np.exp(-np.abs(f))
        return np.where(f >= 0, 1, small) / (1 + small)

    def predicted(self, f: np.ndarray) -> np.ndarray:
        return (f > 0).astype(int)


@dataclass(frozen=True, eq=False)
class Several:
    """Several columns, in each of them one of several classes: a score for each class of each column."""

    heads: tuple[OneOf, ...]

    @property
    def classes(self) -> list[np.ndarray]:
        return [head.classes for head in self.heads]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(head.outputs for head in self.heads)

    @property
    def outputs(self) -> int:
        return sum(self.sizes)

    @property
    def loss(self) -> Loss:
        return functools.partial(cross_entropies, sizes=self.sizes)

    def encoded(self, y: np.ndarray) -> np.ndarray:
        if y.ndim != 2 or y.shape[1] != len(self.heads):
            raise DataError(f"y must have {len(self.heads)} columns of classes, got shape {y.shape}")
        return np.stack([head.encoded(column) for head, column in zip(self.heads, y.T, strict=True)], axis=1)

    def weights(self, class_weight: Any, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return compute_sample_weight(class_weight, y)

    def _each(self, f: np.ndarray) -> list[tuple[OneOf, np.ndarray]]:
        return [*zip(self.heads, np.split(f, np.cumsum(self.sizes)[:-1], axis=1), strict=True)]

    def scores(self, f: np.ndarray) -> list[np.ndarray]:
        return [head.scores(part) for head, part in self._each(f)]

    def probabilities(self, f: np.ndarray) -> list[np.ndarray]:
        return [head.probabilities(part) for head, part in self._each(f)]

    def predicted(self, f: np.ndarray) -> np.ndarray:
        return np.stack([head.predicted(part) for head, part in self._each(f)], axis=1)


Heads = OneOf | Labels | Several


def heads_of(y: np.ndarray, classes: Any = None) -> Heads:
    """What the targets y are; ``classes`` names all there are, if y may lack some."""
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multilabel-indicator" and (classes is None or not isinstance(classes, (list, tuple))
                                           or np.ndim(classes[0]) == 0):  # fmt: skip
        return Labels(y.shape[1])
    if y.ndim == 2:
        given = [None] * y.shape[1] if classes is None else classes
        return Several(tuple(OneOf(np.unique(c if g is None else g)) for c, g in zip(y.T, given, strict=True)))
    return OneOf(np.unique(y if classes is None else np.asarray(classes)))


def same_classes(a: Heads, b: Heads) -> bool:
    """Whether targets of both are of the same classes."""
    mine, theirs = (heads.classes if isinstance(heads, Several) else [heads.classes] for heads in (a, b))
    return len(mine) == len(theirs) and all(map(np.array_equal, mine, theirs))


def loss_of(heads: Heads, given: Any) -> Loss:
    """The loss that is asked for: a name or a function that suits the targets, None for the usual one."""
    if given is None:
        return heads.loss
    if not isinstance(heads, OneOf):
        raise ArgumentError("loss is for targets of one class a row; several labels or columns have their own")
    facts = nn.loss.TABLE.get(given) if isinstance(given, str) else None
    if isinstance(given, str) and (facts is None or facts.targets != "classes"):
        raise ArgumentError(
            f"loss of a classifier is 'cross_entropy' or a function of scores and classes, got {given!r}"
        )
    return nn.loss.get(given)


def cross_entropies(f: Tensor, y: Tensor, sizes: tuple[int, ...], *, sample_weight: Any = None) -> Tensor:
    """The sum of the cross-entropies of several columns, each with its part of the scores."""
    total, at = None, 0
    for column, size in enumerate(sizes):
        part = nn.cross_entropy(f[:, at : at + size], y[:, column], sample_weight=sample_weight)
        total, at = part if total is None else total + part, at + size
    assert total is not None
    return total


def _places(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    places = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    unknown = classes[places] != y
    if unknown.any():
        shown = ", ".join(map(repr, np.unique(y[unknown])[:5].tolist()))
        raise DataError(f"y holds classes that are not among those of the first fit: {shown}")
    return places.astype(np.int64)


def _softmax(f: np.ndarray) -> np.ndarray:
    powers = np.exp(f - f.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
