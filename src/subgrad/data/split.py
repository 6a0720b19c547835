"""Splitting examples into a part to train on and a part to test on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from subgrad.entropy import philox
from subgrad.errors import ArgumentError, DataError

if TYPE_CHECKING:
    import numpy.typing as npt


def train_test_split(
    n: int, fraction: float = 0.2, seed: int = 0, stratify: npt.ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Indices ``(train, test)`` of ``n`` examples, int64, each in increasing order, drawn by the seed.

    Without ``stratify``, ``fraction`` of all examples, rounded, and at least one, goes to the test part. With
    labels ``stratify`` (n,), it is that fraction of each class, rounded: a class of two or more examples has
    at least one in each part, a class of one example goes to the training part.

    Raises `ArgumentError` for a fraction outside (0, 1) or fewer than two examples, and `DataError` for
    labels that are missing or not (n,).

    >>> train, test = train_test_split(8, fraction=0.25, stratify=list("aaaabbbb"))
    >>> len(train), len(test), ["aaaabbbb"[i] for i in test]
    (6, 2, ['a', 'b'])
    """
    if not 0 < fraction < 1:
        raise ArgumentError(f"fraction needs to lie between 0 and 1, got {fraction}")
    if n < 2:
        raise ArgumentError(f"a split needs at least 2 examples, got {n}")
    rng = philox(seed)
    groups = [np.arange(n)] if stratify is None else _classes(np.asarray(stratify), n)
    chosen = [rng.permutation(group)[: _test_size(len(group), fraction)] for group in groups]
    in_test = np.zeros(n, dtype=bool)
    in_test[np.concatenate(chosen)] = True
    if not in_test.any():
        raise DataError(f"every class of the {n} examples has one example only: nothing is left to test on")
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)


def _test_size(members: int, fraction: float) -> int:
    return 0 if members == 1 else min(max(round(members * fraction), 1), members - 1)


def _classes(labels: np.ndarray, n: int) -> list[np.ndarray]:
    if labels.shape != (n,):
        raise DataError(f"labels to stratify by need the shape ({n},), got {labels.shape}")
    if any(label is None or label != label for label in labels.tolist()):
        raise DataError("labels to stratify by are missing in some rows")
    _, codes = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
