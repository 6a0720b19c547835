"""Random changes of images in training mode that turn, zoom, colour and hide; and mixtures of examples.

They draw anew for each image and each step; in evaluation mode images pass unchanged.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from numbers import Real

import numpy as np

from subgrad import ops, validators
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.graph.dtype import int64
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import validation
from subgrad.nn.module import Module
from subgrad.ops import arange, clip, expand_dims, rules, where
from subgrad.ops.random import bernoulli, draw, permutation


class RandomRotation(Module):
    """Each image is turned about its middle by an angle between -``degrees`` and ``degrees``, with bilinear
    interpolation and 0 around it.

    Args:
        degrees: the largest angle, 0 or more.

    Raises:
        ArgumentError: for another angle.
        ShapeError: when called, if the input is not (N, C, H, W).

    Example:
        >>> import subgrad as sg
        >>> sg.nn.RandomRotation(10)(sg.ones((2, 1, 8, 8))).shape
        (2, 1, 8, 8)
    """

    def __init__(self, degrees: float) -> None:
        self.degrees = validators.not_negative("degrees of RandomRotation", degrees)

    def forward(self, x: TensorLike) -> Tensor:
        x = _images("RandomRotation", x)
        if not self.training:
            return x
        angle = _uniform(len(x), -math.radians(self.degrees), math.radians(self.degrees), x.dtype)
        cosine, sine = ops.cos(angle), ops.sin(angle)
        return _warped(x, lambda down, across: (cosine * down - sine * across, sine * down + cosine * across))


class RandomZoom(Module):
    """Each image is scaled about its middle by a factor between the two of ``scale``, with bilinear interpolation and 0
    around it.

    Args:
        scale: the least and the largest factor, above 0; above 1 enlarges.

    Raises:
        ArgumentError: for other factors.
        ShapeError: when called, if the input is not (N, C, H, W).

    Example:
        >>> import subgrad as sg
        >>> sg.nn.RandomZoom((0.9, 1.1))(sg.ones((2, 1, 8, 8))).shape
        (2, 1, 8, 8)
    """

    def __init__(self, scale: Sequence[float] = (0.8, 1.2)) -> None:
        self.scale = _range("RandomZoom", "scale", scale)

    def forward(self, x: TensorLike) -> Tensor:
        x = _images("RandomZoom", x)
        if not self.training:
            return x
        factor = _uniform(len(x), *self.scale, x.dtype)
        return _warped(x, lambda down, across: (down / factor, across / factor))


class ColorJitter(Module):
    """Brightness, contrast and saturation of each image are changed by factors between max(0, 1 - b) and 1 + b, b the
    argument of that name; as in torchvision, but in this order and without a limit on the values.

    Brightness multiplies the image. Contrast moves it away from its mean grey, or towards it, saturation each pixel
    from its own grey, 0.299 R + 0.587 G + 0.114 B.

    Raises:
        ArgumentError: for a negative argument.
        ShapeError: when called, if the input is not (N, C, H, W), or has no three channels for the saturation.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.ColorJitter(0.2, 0.2)(sg.ones((2, 3, 4, 4))).shape
        (2, 3, 4, 4)
    """

    def __init__(self, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0) -> None:
        self.brightness = validators.not_negative("brightness of ColorJitter", brightness)
        self.contrast = validators.not_negative("contrast of ColorJitter", contrast)
        self.saturation = validators.not_negative("saturation of ColorJitter", saturation)

    def forward(self, x: TensorLike) -> Tensor:
        x = _images("ColorJitter", x)
        if self.saturation and x.shape[1] != 3:
            raise ShapeError(f"the saturation is that of images of three channels, got {x.shape}")
        if not self.training:
            return x
        if self.brightness:
            x = x * self._factor(self.brightness, x)
        if self.contrast:
            x = _away(x, _grey(x).mean((1, 2, 3), keepdims=True), self._factor(self.contrast, x))
        return _away(x, _grey(x), self._factor(self.saturation, x)) if self.saturation else x

    def _factor(self, most: float, x: Tensor) -> Tensor:
        return _uniform(len(x), max(0.0, 1 - most), 1 + most, x.dtype).reshape(-1, 1, 1, 1)


class Cutout(Module):
    """A square of ``size`` pixels of each image becomes ``value``; its middle may be any pixel, so it may stick out
    (DeVries and Taylor 2017, arXiv:1708.04552).

    Raises:
        ArgumentError: for a size below 1.
        ShapeError: when called, if the input is not (N, C, H, W).

    Example:
        >>> import subgrad as sg
        >>> int((sg.nn.Cutout(3)(sg.ones((1, 1, 9, 9))) == 0).sum()) in (4, 6, 9)
        True
    """

    def __init__(self, size: int, value: float = 0.0) -> None:
        validation.sizes("Cutout", size=size)
        self.size, self.value = size, float(value)

    def forward(self, x: TensorLike) -> Tensor:
        x = _images("Cutout", x)
        if not self.training:
            return x
        half = (self.size - 1) // 2
        starts = [(draw((len(x), 1)) * n).astype(int64) - half for n in x.shape[2:]]
        inside = [
            (start <= arange(n)) & (arange(n) < start + self.size) for start, n in zip(starts, x.shape[2:], strict=True)
        ]
        return where(_rectangle(*inside), self.value, x)


class RandomErasing(Module):
    """With probability ``p`` a rectangle of an image becomes ``value`` (Zhong et al. 2017, arXiv:1708.04896).

    Args:
        p: in [0, 1].
        scale: the least and the largest share of the image that is erased.
        ratio: the least and the largest height by width, drawn evenly in the logarithm; what would be longer than the
            image is as long as that.
        value: what is put there.

    Raises:
        ArgumentError: for another p, or numbers that are no range.
        ShapeError: when called, if the input is not (N, C, H, W).

    Example:
        >>> import subgrad as sg
        >>> sg.nn.RandomErasing(1.0)(sg.ones((2, 1, 8, 8))).shape
        (2, 1, 8, 8)
    """

    def __init__(
        self, p: float = 0.5, scale: Sequence[float] = (0.02, 0.33), ratio: Sequence[float] = (0.3, 3.3),
        value: float = 0.0,
    ) -> None:  # fmt: skip
        validation.probability("RandomErasing", p)
        self.p, self.value = p, float(value)
        self.scale, self.ratio = _range("RandomErasing", "scale", scale), _range("RandomErasing", "ratio", ratio)

    def forward(self, x: TensorLike) -> Tensor:
        x = _images("RandomErasing", x)
        if not self.training:
            return x
        n, (rows, columns) = len(x), x.shape[2:]
        area = _uniform(n, *self.scale, x.dtype) * (rows * columns)
        low, high = self.ratio
        ratio = ops.exp(_uniform(n, math.log(low), math.log(high), x.dtype))
        inside = []
        for many, length in ((rows, ops.sqrt(area * ratio)), (columns, ops.sqrt(area / ratio))):
            size = clip(ops.round(length), 1, many).reshape(n, 1)
            start = ops.floor(draw((n, 1), x.dtype) * (many - size + 1))
            place = arange(many).astype(x.dtype)
            inside.append((start <= place) & (place < start + size))
        erased = _rectangle(*inside) & bernoulli(self.p, (n, 1, 1, 1))
        return where(erased, self.value, x)


def mixup(x: TensorLike, y: TensorLike, alpha: float = 0.2) -> tuple[Tensor, Tensor]:
    """Each example mixed with another one of the batch: λ x + (1 - λ) x', and the same of the targets, with one λ for
    the batch from Beta(alpha, alpha) (Zhang et al. 2018, arXiv:1710.09412).

    In `fit` the targets have to go through the model for that: as a second input, see the guide on training loops.

    Args:
        x: (n, ...) floats.
        y: (n, ...) floats: numbers, or probabilities of classes, such as ``sg.one_hot(y, classes)``.
        alpha: above 0; small ones mix little.

    Raises:
        ArgumentError: for another alpha.
        DataError: if y is one whole number for each example: the mean of two classes is no class.
        ShapeError: if x and y differ in length.

    Example:
        >>> import subgrad as sg
        >>> x, y = sg.nn.mixup(sg.ones((4, 2)), sg.eye(4))
        >>> x.tolist() == sg.ones((4, 2)).tolist(), bool(sg.allclose(y.sum(1), 1.0))
        (True, True)
    """
    x, y = as_tensor(x), as_tensor(y)
    if y.ndim == 1 and y.dtype.kind not in "fc":
        raise DataError(f"mixup takes floats as targets, such as sg.one_hot(y, classes); got {y.dtype}, {y.shape}")
    x, y = rules.as_float(x), rules.as_float(y)
    alpha = validators.positive("alpha of mixup", alpha)
    if not x.ndim or not y.ndim or len(x) != len(y):
        raise ShapeError(f"mixup takes as many targets as examples, got shapes {x.shape} and {y.shape}")
    share, other = _beta(alpha), permutation(len(x))
    return tuple(share.astype(a.dtype) * a + (1 - share).astype(a.dtype) * ops.take(a, other, 0) for a in (x, y))  # pyright: ignore


# Made of these


KNOTS = 4096


@functools.cache
def _quantiles(alpha: float) -> np.ndarray:
    """The quantiles of Beta(alpha, alpha) at 0, 1/KNOTS, ..., 1/2, in terms of x^alpha, whose density is bounded."""
    v = np.linspace(0, 0.5**alpha, 2**14)
    density = (1 - v ** (1 / alpha)) ** (alpha - 1)
    below = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(np.linspace(0, 1, KNOTS + 1), below / below[-1], v)


def _beta(alpha: float) -> Tensor:
    """A number from Beta(alpha, alpha): by its quantiles, those above the middle mirrored."""
    u = draw(())
    place = ops.minimum(u, 1 - u) * (2 * KNOTS)
    table, at = as_tensor(_quantiles(alpha).astype(u.dtype)), ops.floor(place).astype(int64)
    low, high = ops.take(table, at), ops.take(table, ops.minimum(at + 1, KNOTS))
    x = (low + (high - low) * (place - at.astype(u.dtype))) ** (1 / alpha)
    return where(u < 0.5, x, 1 - x)


def _images(owner: str, x: TensorLike) -> Tensor:
    x = rules.as_float(as_tensor(x))
    validation.images(owner, x)
    return x


def _uniform(n: int, low: float, high: float, dtype: np.dtype) -> Tensor:
    return low + (high - low) * draw((n,), dtype)


def _rectangle(down: Tensor, across: Tensor) -> Tensor:
    """Where rows (N, H) and columns (N, W) are both inside: (N, 1, H, W)."""
    return (expand_dims(down, 2) & expand_dims(across, 1)).reshape(down.shape[0], 1, down.shape[1], across.shape[1])


def _grey(x: Tensor) -> Tensor:
    if x.shape[1] != 3:
        return x.mean(1, keepdims=True)
    return 0.299 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]


def _away(x: Tensor, grey: Tensor, factor: Tensor) -> Tensor:
    return factor * x + (1 - factor) * grey


def _warped(x: Tensor, source: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Tensor:
    """Each pixel from where ``source`` of its place says, both (N, H, W) around the middle: bilinear, 0 outside."""
    n, _, rows, columns = x.shape
    middle = (rows - 1) / 2, (columns - 1) / 2
    down = (arange(rows).astype(x.dtype) - middle[0]).reshape(rows, 1, 1)
    across = (arange(columns).astype(x.dtype) - middle[1]).reshape(1, columns, 1)
    down, across = (ops.moveaxis(place, -1, 0) for place in source(down, across))
    down, across = down + middle[0], across + middle[1]
    top, left = ops.floor(down), ops.floor(across)
    pixels, found = x.transpose(0, 2, 3, 1), None
    image = arange(n).reshape(-1, 1, 1)
    for i in (0, 1):
        for j in (0, 1):
            row, column = top + i, left + j
            weight = (1 - ops.abs(down - row)) * (1 - ops.abs(across - column))
            inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
            places = (clip(p, 0, many - 1).astype(int64) for p, many in ((row, rows), (column, columns)))
            part = pixels[image, *places] * expand_dims(where(inside, weight, 0), 3)
            found = part if found is None else found + part
    assert found is not None
    return found.transpose(0, 3, 1, 2)


def _range(owner: str, name: str, values: Sequence[float]) -> tuple[float, float]:
    pair = tuple(values) if isinstance(values, (tuple, list)) else ()
    if len(pair) != 2 or not all(isinstance(v, Real) for v in pair) or not 0 < float(pair[0]) <= float(pair[1]):
        raise ArgumentError(f"{owner} needs {name} as two numbers above 0, the smaller first, got {values!r}")
    return float(pair[0]), float(pair[1])


__all__ = ["ColorJitter", "Cutout", "RandomErasing", "RandomRotation", "RandomZoom", "mixup"]
