"""Dropout: of elements, and of whole channels."""

from __future__ import annotations

from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import validation
from subgrad.nn.module import Module
from subgrad.ops import rules, where
from subgrad.ops.random import bernoulli, normal


class Dropout(Module):
    """In training mode each element is 0 with probability ``p``, and the others are divided by 1 - p so that the
    expected value stays; in evaluation mode x itself (Srivastava et al., JMLR 2014).

    The elements are drawn from the default stream that `subgrad.manual_seed` starts; a training run draws from its
    own seed, anew in each step.

    Args:
        p: in [0, 1).

    Raises:
        ArgumentError: for another p.

    Example:
        >>> import subgrad as sg
        >>> drop = sg.nn.Dropout(0.5)
        >>> sorted(set(drop(sg.ones(100)).tolist()))
        [0.0, 2.0]
        >>> drop.eval()(sg.ones(3)).tolist()
        [1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5) -> None:
        validation.probability(type(self).__name__, p, one=False)
        self.p = p

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x)
        if not self.training or self.p == 0:
            return x
        return where(self._kept(x), x / (1 - self.p), 0)

    def _kept(self, x: Tensor) -> Tensor:
        return bernoulli(1 - self.p, x.shape, x.dtype)


class Dropout2d(Dropout):
    """As `Dropout`, with whole channels at 0: neighbours in an image know too much of each other for one to be missed
    (Tompson, Goroshin, Jain, LeCun, Bregler 2014, arXiv 1411.4280).

    Args:
        p: in [0, 1).

    Raises:
        ArgumentError: for another p.
        ShapeError: when called, if the input is not (N, C, H, W).

    Example:
        >>> import subgrad as sg
        >>> y = sg.nn.Dropout2d(0.5)(sg.ones((1, 50, 2, 2)))
        >>> sorted({tuple(channel.ravel()) for channel in y.numpy()[0]}) == [(0.0,) * 4, (2.0,) * 4]
        True
    """

    def _kept(self, x: Tensor) -> Tensor:
        validation.images("Dropout2d", x)
        return bernoulli(1 - self.p, (*x.shape[:2], 1, 1), x.dtype)


class AlphaDropout(Dropout):
    """Dropout that keeps mean 0 and variance 1, for `SELU`: elements become its limit -1.758, and an affine map of all
    brings mean and variance back (Klambauer, Unterthiner, Mayr, Hochreiter 2017, arXiv 1706.02515).

    Args:
        p: in [0, 1).

    Raises:
        ArgumentError: for another p.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.AlphaDropout(0.1).eval()(sg.ones(3)).tolist()
        [1.0, 1.0, 1.0]
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = rules.as_float(as_tensor(x))
        if not self.training or self.p == 0:
            return x
        limit, kept = -1.7580993408473766, 1 - self.p
        scale = (kept * (1 + self.p * limit**2)) ** -0.5
        return where(self._kept(x), x, limit) * scale - scale * limit * self.p


class GaussianNoise(Module):
    """x plus normal noise in training mode; x itself in evaluation mode (Bishop 1995: it regularises as a penalty).

    Args:
        std: the standard deviation of the noise.

    Raises:
        ArgumentError: for a negative one.

    Example:
        >>> import subgrad as sg
        >>> noisy = sg.nn.GaussianNoise(0.1)
        >>> noisy.eval()(sg.ones(2)).tolist()
        [1.0, 1.0]
    """

    def __init__(self, std: float) -> None:
        if not std >= 0:
            raise ArgumentError(f"GaussianNoise needs a standard deviation of 0 or more, got {std}")
        self.std = std

    def forward(self, x: TensorLike) -> Tensor:
        x = rules.as_float(as_tensor(x))
        return x + self.std * normal(x.shape, dtype=x.dtype) if self.training and self.std else x


__all__ = ["AlphaDropout", "Dropout", "Dropout2d", "GaussianNoise"]
