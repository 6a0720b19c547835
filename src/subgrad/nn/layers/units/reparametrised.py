"""Layers whose weight is made of other parameters: of a direction and lengths, or divided by its largest singular
value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Parameter, Tensor
from subgrad.nn import init, validation
from subgrad.nn.functional_call import bound
from subgrad.nn.module import Module


class _Reparametrised(Module):
    """A layer with another tensor in the place of its weight."""

    def __init__(self, layer: Module, name: str = "weight") -> None:
        weight = getattr(layer, name, None)
        if not isinstance(layer, Module) or not isinstance(weight, Parameter) or weight.ndim < 2:
            raise ArgumentError(f"{type(self).__name__} takes a layer whose {name} has two axes or more, got {layer!r}")
        weight.requires_grad = False
        self.layer, self.name = layer, name

    def _weight(self) -> Tensor:
        raise NotImplementedError

    def forward(self, *xs: Any, **options: Any) -> Any:
        with bound([getattr(self.layer, self.name)], [self._weight()]):
            return self.layer(*xs, **options)


def _rows(weight: Tensor) -> Tensor:
    return weight.reshape(weight.shape[0], -1)


class WeightNorm(_Reparametrised):
    """A layer whose weight is g v / \\|v\\| for each output: length and direction are learnt apart (Salimans, Kingma
    2016, arXiv 1602.07868).

    Args:
        layer: a module with a weight of shape (out, ...), such as `Linear` or `Conv2d`. Its own weight is not trained
            any more.
        name: of the weight.

    Attributes:
        length: g, of shape (out,).
        direction: v, of the shape of the weight.

    Raises:
        ArgumentError: for a layer without such a weight.

    Example:
        >>> import subgrad as sg
        >>> layer = sg.nn.WeightNorm(sg.nn.Linear(3, 2, seed=0))
        >>> [(name, p.shape) for name, p in layer.named_parameters()]
        [('layer.bias', (2,)), ('length', (2,)), ('direction', (2, 3))]
        >>> bool(sg.allclose(layer(sg.ones((1, 3))), sg.nn.Linear(3, 2, seed=0)(sg.ones((1, 3)))))
        True
    """

    def __init__(self, layer: Module, name: str = "weight") -> None:
        super().__init__(layer, name)
        weight = getattr(layer, name)
        self.length = init.parameter((weight.shape[0],), lambda shape, seed: np.linalg.norm(_matrix(weight), axis=1))
        self.direction = init.parameter(weight.shape, lambda shape, seed: weight.numpy())

    def _weight(self) -> Tensor:
        v = _rows(self.direction)
        return (v * (self.length / ops.norm(v, 1)).reshape(-1, 1)).reshape(self.direction.shape)


class SpectralNorm(_Reparametrised):
    """A layer whose weight, as a matrix (out, rest), is divided by its largest singular value: a map that stretches
    nothing (Miyato, Kataoka, Koyama, Yoshida 2018, arXiv 1802.05957).

    The singular value is followed by one step of the power method for each call in training mode; the vectors count as
    constants for the gradient.

    Args:
        layer: a module with a weight of shape (out, ...). The weight itself is trained.
        name: of the weight.
        iterations: steps of the power method a call, and 15 at the start.
        seed: for the first vector; the default stream if it is None.

    Attributes:
        original: the weight before it is divided.
        left: the left singular vector, of shape (out,); not trained.

    Raises:
        ArgumentError: for a layer without such a weight, or iterations below 1.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> layer = sg.nn.SpectralNorm(sg.nn.Linear(3, 2, bias=False, seed=0), seed=0).eval()
        >>> image = layer(sg.eye(3)).numpy()
        >>> round(float(np.linalg.norm(image, 2)), 2)
        1.0
    """

    def __init__(self, layer: Module, name: str = "weight", iterations: int = 1, *, seed: int | None = None) -> None:
        super().__init__(layer, name)
        validation.sizes("SpectralNorm", iterations=iterations)
        self.iterations = iterations
        weight = getattr(layer, name)
        self.original = init.parameter(weight.shape, lambda shape, seed: weight.numpy())
        first = init.generator(seed).normal(size=weight.shape[0])
        self.left = init.parameter((weight.shape[0],), lambda shape, seed: _followed(_matrix(weight), first))
        self.left.requires_grad = False

    def _weight(self) -> Tensor:
        matrix = _rows(self.original)
        fixed, left = ops.stop_gradient(matrix), self.left.node
        right = ops.normalize(left @ fixed)
        if self.training:
            for _ in range(self.iterations):
                left = ops.normalize(fixed @ right)
                right = ops.normalize(left @ fixed)
            self.left.assign(left)
        largest = (ops.stop_gradient(left) @ matrix) @ ops.stop_gradient(right)
        return (matrix / largest).reshape(self.original.shape)


def _matrix(weight: Parameter) -> np.ndarray:
    return weight.numpy().reshape(weight.shape[0], -1)


def _followed(matrix: np.ndarray, left: np.ndarray) -> np.ndarray:
    for _ in range(15):
        right = left @ matrix
        left = matrix @ (right / max(np.linalg.norm(right), 1e-12))
        left = left / max(np.linalg.norm(left), 1e-12)
    return left


__all__ = ["SpectralNorm", "WeightNorm"]
