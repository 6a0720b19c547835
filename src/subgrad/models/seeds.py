"""A seed for each layer of a network, from one for all of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from subgrad.entropy import entropy


def seeds(seed: int | None) -> Iterator[int | None]:
    """Seeds without end; None without end, for the default stream, if ``seed`` is None.

    >>> next(seeds(None)), next(seeds(1)) == next(seeds(1)), next(seeds(1)) == next(seeds(2))
    (None, True, False)
    """
    if seed is None:
        return itertools.repeat(None)
    # Far enough apart for the blocks that give their layers a seed, the next one, and so on.
    return (int(entropy(seed, i).generate_state(1)[0]) for i in itertools.count())
