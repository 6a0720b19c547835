"""Random numbers from a counter: every element is a function of a seed and its place, so the same seed gives the
same bits whatever the order or the number of threads.

The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError, DTypeError
from subgrad.graph import dtype as dt
from subgrad.graph.op import Kind, defop
from subgrad.graph.tensor import Tensor, as_tensor
from subgrad.ops.select import less
from subgrad.ops.shape import as_shape

if TYPE_CHECKING:
    import numpy.typing as npt

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox(counter: Sequence[Any], key: tuple[int, int], rounds: int = 10) -> list[np.ndarray]:
    """Philox4x32: four words of 32 bits (as uint64 arrays) for a counter of four words and a key of two."""
    c = [np.asarray(w, np.uint64) for w in counter]
    k0, k1 = key
    for _ in range(rounds):
        p0, p1 = _MULTIPLIERS[0] * c[0], _MULTIPLIERS[1] * c[2]
        c = [
            (p1 >> _HALF) ^ c[1] ^ np.uint64(k0), p1 & _LOW,
            (p0 >> _HALF) ^ c[3] ^ np.uint64(k1), p0 & _LOW,
        ]  # fmt: skip
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c


def _uniform_prepare(seed: Any, shape: int | Sequence[int] = (), stream: int = 0, dtype: npt.DTypeLike | None = None):
    chosen = dt.as_dtype(dtype) if dtype is not None else dt.default_dtype()
    if chosen.kind != "f":
        raise DTypeError(f"random numbers in [0, 1) are float32 or float64, got {chosen}")
    return [as_tensor(seed)], {"shape": as_shape(shape), "stream": int(stream), "dtype": chosen}


def _uniform_shape(seed, *, shape, stream, dtype):
    if seed.shape != (2,) or seed.dtype != dt.int64:
        raise ArgumentError(f"a seed is two int64 numbers (seed, step), got {seed.dtype}{seed.shape}")
    return shape, dtype


@defop(kind=Kind.SOURCE, prepare=_uniform_prepare, shape=_uniform_shape, vjp=lambda *_, **__: (None,), text="uniform")
def uniform(seed, shape=(), stream=0, dtype=None):
    """Numbers in [0, 1) from the counter-based generator: a pure function of its arguments.

    Element i is made of the words of Philox4x32-10 with the seed as key and (i, step, stream) as counter: 24 bits of
    one word for float32, 53 bits of two for float64.

    Args:
        seed: two int64 numbers, (seed, step).
        shape: of the result.
        stream: tells the draws of one step apart.
        dtype: float32 or float64.

    Example:
        >>> import subgrad as sg
        >>> sg.random.uniform([1, 0], (2,)).tolist() == sg.random.uniform([1, 0], (2,)).tolist()
        True
    """
    n = int(np.prod(shape, dtype=np.int64))
    key, step = int(seed[0]) & (2**64 - 1), int(seed[1]) & (2**64 - 1)
    i = np.arange(n, dtype=np.uint64)
    where = [i & _LOW, (i >> _HALF) ^ np.uint64(step >> 32), np.uint64(step & 0xFFFFFFFF), np.uint64(stream)]
    words = philox(where, (key & 0xFFFFFFFF, key >> 32))
    if dtype == dt.float32:
        unit = (words[0] >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
    else:
        bits = (words[0] << np.uint64(21)) ^ (words[1] >> np.uint64(11))
        unit = (bits & np.uint64(2**53 - 1)).astype(np.float64) * 2.0**-53
    return unit.reshape(shape)


class _Stream:
    """Seeds in a row: which one comes next is decided once, whoever asks and in whichever thread."""

    def __init__(self, seed: int, drawn: int = 0) -> None:
        self.seed, self._steps = int(seed), itertools.count(drawn + 1)

    def next(self) -> tuple[int, int]:
        return self.seed, next(self._steps)


_default = _Stream(0)
_inside: ContextVar[_Stream | None] = ContextVar("stream", default=None)  # of a `stream` block


def manual_seed(seed: int) -> None:
    """Start the default stream of random numbers anew: initial weights and dropout masks that name no seed.

    The process has one such stream for all its threads, so that no two of them draw the same numbers. Every process
    starts with seed 0: a script of one thread gives the same numbers each time it runs.

    >>> import subgrad as sg
    >>> sg.manual_seed(7)
    >>> a = sg.nn.Linear(2, 2).weight.tolist()
    >>> sg.manual_seed(7)
    >>> a == sg.nn.Linear(2, 2).weight.tolist()
    True
    """
    global _default
    _default = _Stream(seed)


@contextlib.contextmanager
def stream(seed: int) -> Iterator[None]:
    """What is drawn inside, in this thread, comes from a stream of its own; the default one stays where it is."""
    token = _inside.set(_Stream(seed))
    try:
        yield
    finally:
        _inside.reset(token)


def next_seed(seed: int | None = None) -> tuple[int, int]:
    """A (seed, step) pair: of the given seed, or the next one of the default stream."""
    return (int(seed), 0) if seed is not None else (_inside.get() or _default).next()


def generator(seed: int | None = None) -> np.random.Generator:
    """A NumPy generator (Philox) for work outside of graphs, such as initial weights."""
    entropy = next_seed(seed)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([abs(entropy[0]), entropy[1]])))


class _Traced:
    """The seed of a step that is being traced, and how often it was drawn from."""

    def __init__(self, seed: Tensor) -> None:
        self.seed, self.streams = seed, itertools.count(1)


_traced: ContextVar[_Traced | None] = ContextVar("traced seed", default=None)


@contextlib.contextmanager
def seeded(seed: Tensor) -> Iterator[None]:
    """While a step is traced, draw from ``seed``, an argument of the step, so that each step draws anew."""
    token = _traced.set(_Traced(seed))
    try:
        yield
    finally:
        _traced.reset(token)


def draw(shape: int | Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
    """The next numbers in [0, 1): of the step that is being traced, else of the default stream."""
    traced = _traced.get()
    if traced is None:
        return uniform(next_seed(), shape, 0, dtype)
    return uniform(traced.seed, shape, next(traced.streams), dtype)


def bernoulli(p: float, shape: int | Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
    """True with probability ``p``, for each element of ``shape``; drawn by `draw`."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"a probability lies in [0, 1], got {p}")
    return less(draw(shape, dtype), p)


__all__ = ["bernoulli", "draw", "generator", "manual_seed", "uniform"]
