"""Dropout: of elements, and of whole channels."""

from __future__ import annotations

from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import validation
from subgrad.nn.module import Module
from subgrad.ops import where
from subgrad.ops.random import bernoulli


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
        if not 0 <= p < 1:
            raise ArgumentError(f"Dropout needs a probability in [0, 1), got {p}")
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


__all__ = ["Dropout", "Dropout2d"]
