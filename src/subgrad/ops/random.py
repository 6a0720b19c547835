"""Random numbers from a counter: every element is a function of a seed and its place, so the same seed gives the
same bits whatever the order or the number of threads.

The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.entropy import entropy, whole
from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph import dtype as dt
from subgrad.graph.op import Kind, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.lazy import closed
from subgrad.ops.indexing import index
from subgrad.ops.kinked import clip
from subgrad.ops.ordered.sorting import argsort
from subgrad.ops.reduce import argmax
from subgrad.ops.rules import as_float, is_scalar, normalise_axis
from subgrad.ops.select import less, where
from subgrad.ops.shape import as_shape, zeros
from subgrad.ops.singular import sqrt
from subgrad.ops.smooth import cos, log
from subgrad.ops.special.inverse_error import erfinv

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
        raise ArgumentError(
            f"a seed is two int64 numbers (seed, step), got {seed.dtype}{seed.shape}; sg.random.draw(shape) needs none"
        )
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
        self.seed, self._steps = whole(seed), itertools.count(drawn + 1)

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
    return (whole(seed), 0) if seed is not None else (_inside.get() or _default).next()


def generator(seed: int | None = None) -> np.random.Generator:
    """A NumPy generator (Philox) for work outside of graphs, such as initial weights."""
    return np.random.Generator(np.random.Philox(entropy(*next_seed(seed))))


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


def normal(
    shape: int | Sequence[int] = (), mean: TensorLike = 0.0, std: TensorLike = 1.0, dtype: npt.DTypeLike | None = None
) -> Tensor:
    """Normal numbers, drawn by `draw` (Box, Muller 1958). ``mean`` and ``std`` may be tensors that broadcast to the
    shape: gradients pass to them.

    Raises:
        ArgumentError: for a negative std, unless it is a tensor.

    Example:
    >>> import subgrad as sg
    >>> sg.manual_seed(0)
    >>> abs(float(sg.random.normal((10000,)).mean())) < 0.05
    True
    """
    _require_not_negative("normal needs a std", std)
    shape = as_shape(shape)
    radius = sqrt(-2 * log(1 - draw(shape, dtype)))
    z = radius * cos(2 * math.pi * draw(shape, dtype))
    z = z if is_scalar(std) and std == 1 else z * std
    return z if is_scalar(mean) and mean == 0 else z + mean


def exponential(scale: TensorLike = 1.0, shape: int | Sequence[int] = (), dtype: npt.DTypeLike | None = None) -> Tensor:
    """Exponentially distributed numbers of mean ``scale``, drawn by `draw`.

    >>> import subgrad as sg
    >>> bool((sg.random.exponential(2.0, (100,)) >= 0).all())
    True
    """
    _require_not_negative("exponential needs a scale", scale)
    return -log(1 - draw(shape, dtype)) * scale


def _require_not_negative(what: str, given: TensorLike) -> None:
    """Of what is known now: the value of a tensor may be one of a step that is being traced."""
    if not isinstance(given, Tensor) and not (np.asarray(given) >= 0).all():
        raise ArgumentError(f"{what} of 0 or more, got {given!r}"[:200])


def gumbel(shape: int | Sequence[int] = (), dtype: npt.DTypeLike | None = None) -> Tensor:
    """Numbers of the standard Gumbel distribution, drawn by `draw`: scores with such noise are largest as often as the
    softmax of the scores says.

    >>> import subgrad as sg
    >>> sg.random.gumbel((2, 3)).shape
    (2, 3)
    """
    u = draw(shape, dtype)
    tiny = float(np.finfo(u.dtype).tiny)
    return -log(-log(where(u > 0, u, tiny)))


def truncated_normal(
    shape: int | Sequence[int] = (), low: float = -2.0, high: float = 2.0, dtype: npt.DTypeLike | None = None
) -> Tensor:
    """Standard normal numbers between ``low`` and ``high``, drawn by `draw`.

    Raises:
        ArgumentError: unless low is below high, and if less than 1e-10 of all normal numbers lie between them: the
            quantiles have too few digits there.

    Example:
        >>> import subgrad as sg
        >>> bool((abs(sg.random.truncated_normal((100,), -1, 1)) <= 1).all())
        True
    """
    if not low < high:
        raise ArgumentError(f"truncated_normal needs low below high, got {low} and {high}")
    left, right = math.erf(low / math.sqrt(2)), math.erf(high / math.sqrt(2))
    if right - left < 2e-10:
        raise ArgumentError(f"truncated_normal has too few digits so far out, or so close together: {low} to {high}")
    wanted = dt.as_dtype(dtype) if dtype is not None else dt.default_dtype()
    tail = max(-left, right) > 0.99  # near 1, float32 tells few numbers apart
    u = draw(shape, dt.float64 if tail else wanted)
    return clip(erfinv(left + (right - left) * u) * math.sqrt(2), low, high).astype(wanted)


def randint(low: int, high: int | None = None, shape: int | Sequence[int] = ()) -> Tensor:
    """Integers from ``low`` up to ``high - 1``, or from 0 up to ``low - 1``, each as often; int64, drawn by `draw`.

    Raises:
        ArgumentError: unless they are integers, and low is below high, by at most 2**52.

    Example:
        >>> import subgrad as sg
        >>> bool((sg.random.randint(3, shape=(100,)) < 3).all())
        True
    """
    low, high = (0, low) if high is None else (low, high)
    if not all(isinstance(end, (int, np.integer)) for end in (low, high)):
        raise ArgumentError(f"randint takes integers, got {low!r} and {high!r}"[:200])
    if not 0 < high - low <= 2**52:
        raise ArgumentError(f"randint needs low below high, by at most 2**52, got {low} and {high}")
    return (draw(shape, dt.float64) * float(high - low)).astype(dt.int64) + int(low)


def permutation(n: int | TensorLike) -> Tensor:
    """0..n-1 in random order, or the rows of a tensor; drawn by `draw`.

    >>> import subgrad as sg
    >>> sorted(sg.random.permutation(4).tolist())
    [0, 1, 2, 3]
    """
    if isinstance(n, (int, np.integer)):
        return argsort(draw((int(n),), dt.float64))
    x = _rows("permutation", n)
    return index(x, permutation(len(x)))


def _rows(name: str, given: TensorLike) -> Tensor:
    x = as_tensor(given)
    if not x.ndim:
        raise ArgumentError(f"{name} takes an integer or a tensor with rows, got {given!r}"[:200])
    return x


def categorical(logits: TensorLike, axis: int = -1, shape: int | Sequence[int] | None = None) -> Tensor:
    """Integers k along ``axis``, as often as softmax(logits)_k says; int64, drawn by `draw` with Gumbel noise.

    Args:
        logits: scores, or logarithms of probabilities.
        axis: of the choices.
        shape: so many draws for each row, before the axes of the rows; None for one.

    Example:
        >>> import subgrad as sg
        >>> sg.random.categorical([[0.0, -1e9], [-1e9, 0.0]]).tolist()
        [0, 1]
    """
    logits = as_float(as_tensor(logits))
    more = () if shape is None else as_shape(shape)
    axis = normalise_axis(axis, logits.ndim)
    return argmax(logits + gumbel((*more, *logits.shape), logits.dtype), axis + len(more))


def choice(n: int | TensorLike, shape: int | Sequence[int] = (), replace: bool = True, p: TensorLike = None) -> Tensor:
    """Elements of 0..n-1, or rows of a tensor: NumPy's ``choice``, drawn by `draw`.

    Args:
        n: an integer, or a tensor whose rows are chosen from.
        shape: of the choice.
        replace: whether an element may come twice.
        p: the probability of each; None for the same.

    Raises:
        ArgumentError: for more elements than there are (of a probability above 0), without replacement; for a p that
            is no probability for each, unless it is a tensor.
        ShapeError: for a p of another length.

    Example:
        >>> import subgrad as sg
        >>> sorted(sg.random.choice(3, 3, replace=False).tolist())
        [0, 1, 2]
    """
    rows = None if isinstance(n, (int, np.integer)) else _rows("choice", n)
    count, shape = int(n) if rows is None else len(rows), as_shape(shape)  # pyright: ignore[reportArgumentType]
    possible = count if p is None else _possible(p, count)
    scores = zeros((count,), dt.float64) if p is None else log(as_tensor(p, dt.float64).astype(dt.float64))
    if replace:
        found = randint(count, shape=shape) if p is None else categorical(scores, shape=shape)
    else:
        wanted = math.prod(shape)
        if wanted > possible:
            raise ArgumentError(f"choice of {wanted} elements of {possible} needs replace=True")
        found = argsort(-(scores + gumbel((count,), dt.float64)))[:wanted].reshape(shape)
    return found if rows is None else index(rows, found)


def _possible(p: TensorLike, count: int) -> int:
    """How many elements can be chosen; of a tensor that is not known."""
    shape = p.shape if isinstance(p, Tensor) else np.shape(np.asarray(p))
    if shape != (count,):
        raise ShapeError(f"choice needs a p of shape {(count,)}, got {shape}")
    if isinstance(p, Tensor):
        return count
    known = np.asarray(p, np.float64)
    if not ((known >= 0).all() and abs(known.sum() - 1) <= 1e-5):
        raise ArgumentError(
            f"choice needs probabilities p, of 0 or more and of sum 1, got the sum {known.sum():.6g}, "
            f"the least {known.min(initial=np.inf):.6g}"
        )
    return int(np.count_nonzero(known))


__all__ = [
    "bernoulli", "categorical", "choice", "draw", "exponential", "generator", "gumbel", "manual_seed", "normal",
    "permutation", "randint", "truncated_normal", "uniform",
]  # fmt: skip

__getattr__, __dir__ = closed(__name__, __all__)
