"""Initial values of weights: functions of a shape and a seed that return float64 arrays.

A weight has PyTorch's layout, (out, in, *window): each output sums ``fan_in`` = in * window products, and each input
goes into ``fan_out`` = out * window of them. A seed is an int, a NumPy generator (which is then advanced), or None for
the default stream that `subgrad.manual_seed` starts.

>>> import numpy as np
>>> from subgrad.nn import init
>>> w = init.he_normal((500, 200), seed=0)
>>> w.shape, bool(abs(w.std() - np.sqrt(2 / 200)) < 1e-3)
((500, 200), True)
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.dtype import default_dtype
from subgrad.graph.tensor import Parameter, constant
from subgrad.nn.lookup import look_up
from subgrad.ops import random

if TYPE_CHECKING:  # looking at np.random loads it, some 8 ms of the time that `import subgrad` takes
    Seed = int | np.random.Generator | None
    Initialiser = Callable[[Sequence[int], Seed], np.ndarray]


def generator(seed: Seed = None) -> np.random.Generator:
    """The generator of a seed; a generator is its own. Raises `ArgumentError` for what is no seed."""
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer))):
        raise ArgumentError(f"a seed is an integer, a NumPy generator or None, got {seed!r}")
    return random.generator(0 if _room.get() else seed)  # a draw for nothing would move the default stream


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """``(fan_in, fan_out)`` of a weight of shape (out, in, *window).

    Raises:
        ShapeError: for fewer than two axes, or an axis of length 0.

    Example:
        >>> fans((16, 3, 5, 5))
        (75, 400)
    """
    if len(shape) < 2 or min(shape) < 1:
        raise ShapeError(f"a weight to initialise has a shape (out, in, ...) without zeros, got {tuple(shape)}")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def zeros(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """All 0. A hidden layer that starts so learns nothing: every unit gets the same gradient."""
    return np.zeros(shape)


def uniform(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """Uniform between -1/sqrt(fan_in) and 1/sqrt(fan_in): PyTorch's default for linear layers and convolutions."""
    return within(1 / math.sqrt(fans(shape)[0]), shape, seed)


def glorot_uniform(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """Uniform of variance 2 / (fan_in + fan_out), for tanh and sigmoid (Glorot, Bengio, AISTATS 2010)."""
    return within(math.sqrt(6 / sum(fans(shape))), shape, seed)


def glorot_normal(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """Normal of variance 2 / (fan_in + fan_out), for tanh and sigmoid (Glorot, Bengio, AISTATS 2010)."""
    return generator(seed).normal(0, math.sqrt(2 / sum(fans(shape))), shape)


def he_uniform(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """Uniform of variance 2 / fan_in, for relu (He, Zhang, Ren, Sun 2015, arXiv 1502.01852)."""
    return within(math.sqrt(6 / fans(shape)[0]), shape, seed)


def he_normal(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """Normal of variance 2 / fan_in, for relu (He, Zhang, Ren, Sun 2015, arXiv 1502.01852)."""
    return generator(seed).normal(0, math.sqrt(2 / fans(shape)[0]), shape)


def orthogonal(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """Orthonormal rows, or columns if there are more rows than columns, the axes after the first taken as one (Saxe,
    McClelland, Ganguli 2013, arXiv 1312.6120); uniform over such matrices (Mezzadri 2007, arXiv math-ph/0609050).

    >>> import numpy as np
    >>> q = orthogonal((2, 5), seed=0)
    >>> bool(np.allclose(q @ q.T, np.eye(2)))
    True
    """
    rows, columns = shape[0], fans(shape)[0]
    tall = generator(seed).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diag(r) < 0, -1, 1)  # QR alone is not uniform: its signs depend on the algorithm
    return (q if rows >= columns else q.T).reshape(shape)


def lecun_uniform(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """Uniform of variance 1 / fan_in (LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998)."""
    return within(math.sqrt(3 / fans(shape)[0]), shape, seed)


def lecun_normal(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """Normal of variance 1 / fan_in, for selu (LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998)."""
    return generator(seed).normal(0, math.sqrt(1 / fans(shape)[0]), shape)


def truncated_normal(shape: Sequence[int], seed: Seed = None, std: float = 1.0) -> np.ndarray:
    """Normal with mean 0, and no number beyond two of its standard deviations: others are drawn again."""
    random = generator(seed)
    found = random.normal(size=shape)
    while (beyond := np.abs(found) > 2).any():
        found[beyond] = random.normal(size=int(beyond.sum()))
    return std * found


kaiming_uniform, kaiming_normal = he_uniform, he_normal
xavier_uniform, xavier_normal = glorot_uniform, glorot_normal


def ones(shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """All 1."""
    return np.ones(shape)


def normal(shape: Sequence[int], seed: Seed = None, std: float = 1.0) -> np.ndarray:
    """Normal with mean 0."""
    return generator(seed).normal(0, std, shape)


def within(bound: float, shape: Sequence[int], seed: Seed = None) -> np.ndarray:
    """Uniform between -bound and bound."""
    return generator(seed).uniform(-bound, bound, shape)


# Parameters, with values or without


def parameter(shape: Sequence[int], initialiser: Initialiser, seed: Seed = None) -> Parameter:
    """A parameter of an initialiser's values; inside of `blank` one without values, which takes no memory."""
    room = _room.get()
    if room is None:
        return Parameter(initialiser(shape, seed))
    room.left -= 1
    if room.left < 0:
        raise ArgumentError(f"this has more than {room.parameters} parameters")
    return Parameter(constant(np.broadcast_to(np.zeros((), default_dtype()), tuple(shape))))


class _Room:
    def __init__(self, parameters: int) -> None:
        self.parameters = self.left = parameters


_room: ContextVar[_Room | None] = ContextVar("room", default=None)


@contextlib.contextmanager
def blank(parameters: int) -> Iterator[None]:
    """Modules made inside have parameters of the right shapes that take no memory, for values that are there already.

    Args:
        parameters: how many there may be; one more is an `ArgumentError`.
    """
    before = _room.set(_Room(parameters))
    try:
        yield
    finally:
        _room.reset(before)


def is_blank() -> bool:
    """Whether parameters get no values now."""
    return _room.get() is not None


NAMES: dict[str, Initialiser] = {
    f.__name__: f
    for f in (
        uniform, glorot_uniform, glorot_normal, he_uniform, he_normal, orthogonal, zeros, lecun_uniform, lecun_normal,
        normal, truncated_normal,
    )
} | {
    "kaiming_uniform": he_uniform, "kaiming_normal": he_normal,
    "xavier_uniform": glorot_uniform, "xavier_normal": glorot_normal,
}  # fmt: skip
"""The initialisers that `Linear` and others take by name."""


def get(init: str | Initialiser) -> Initialiser:
    """The initialiser of that name, or the function itself. Raises `ArgumentError` for an unknown name."""
    return look_up(init, NAMES, "initialiser")


def name_of(init: Callable) -> str | None:
    """The name of one of this module's initialisers; None for another function."""
    return next((name for name, known in NAMES.items() if known is init), None)


__all__ = [
    "fans", "get", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "kaiming_normal", "kaiming_uniform",
    "lecun_normal", "lecun_uniform", "normal", "orthogonal", "truncated_normal", "uniform", "xavier_normal",
    "xavier_uniform", "zeros",
]  # fmt: skip
