"""Seeds of random numbers: any integer is one, -1 another than 1, and each use of a seed has numbers of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError

if TYPE_CHECKING:  # looking at np.random loads it, some 8 ms of the time that `import subgrad` takes
    Entropy = np.random.SeedSequence
    Generator = np.random.Generator

_BELOW = 2**31  # marks numbers below 0, of which a SeedSequence takes none


def whole(seed: Any) -> int:
    """A seed as an int; `ArgumentError` for what is none."""
    if not isinstance(seed, (int, np.integer)):
        raise ArgumentError(f"a seed is an integer, got {seed!r}"[:200])
    return int(seed)


def entropy(*numbers: int) -> Entropy:
    """What generators start with, of a seed and the numbers of what it is used for.

    >>> entropy(1, 2).generate_state(1) == np.random.SeedSequence([1, 2]).generate_state(1)
    array([ True])
    >>> entropy(-1, 2).generate_state(1) == entropy(1, 2).generate_state(1)
    array([False])
    """
    given = [whole(n) for n in numbers]
    signs = sum(2**i for i, n in enumerate(given) if n < 0)
    return np.random.SeedSequence([*map(abs, given), *([_BELOW + signs] if signs else [])])


def philox(*numbers: int) -> Generator:
    """A generator of a seed and the numbers of what it is used for."""
    return np.random.Generator(np.random.Philox(entropy(*numbers)))


def pcg64(seed: int) -> Generator:
    """NumPy's own kind of generator."""
    return np.random.default_rng(entropy(seed))


__all__ = ["entropy", "pcg64", "philox", "whole"]
