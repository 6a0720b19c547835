"""Blocks of convolutions that networks for images are made of: Inception modules and residual blocks."""

from __future__ import annotations

from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor
from subgrad.nn import validation
from subgrad.nn.layers.activation import ReLU
from subgrad.nn.layers.batchnorm import BatchNorm2d
from subgrad.nn.layers.compose import Branches, Sequential
from subgrad.nn.layers.convolution import Conv2d
from subgrad.nn.layers.pooling import MaxPool2d
from subgrad.nn.module import Module
from subgrad.ops import relu


class Inception(Branches):
    """Four views of one image side by side: 1x1, 3x3 and 5x5 convolutions, and a 3x3 maximum (Szegedy et al. 2014,
    arXiv 1409.4842).

    1x1 convolutions reduce the channels before the dear ones, and after the maximum. Each convolution is followed by
    a relu, and keeps the size of the image. It is `Branches` of four `Sequential`.

    Args:
        in_channels: of the input.
        one: channels of the 1x1 convolution.
        three: (reduced, out) of the 3x3 convolution.
        five: (reduced, out) of the 5x5 convolution.
        pool: channels after the maximum.
        init: an initialiser of `subgrad.nn.init` by name.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for sizes below 1.
        ShapeError: when called, if the input is not (N, in_channels, H, W).

    Example:
        >>> import subgrad as sg
        >>> block = sg.nn.Inception(32, 16, (16, 32), (8, 16), 16)
        >>> block(sg.zeros((2, 32, 8, 8))).shape
        (2, 80, 8, 8)
    """

    def __init__(
        self, in_channels: int, one: int, three: tuple[int, int], five: tuple[int, int], pool: int, *,
        init: str = "uniform", seed: int | None = None,
    ) -> None:  # fmt: skip
        def convolved(i: int, channels: int, out: int, size: int) -> list[Module]:
            own = None if seed is None else seed + i
            return [Conv2d(channels, out, size, padding=size // 2, init=init, seed=own), ReLU()]

        super().__init__(
            Sequential(*convolved(0, in_channels, one, 1)),
            Sequential(*convolved(1, in_channels, three[0], 1), *convolved(2, three[0], three[1], 3)),
            Sequential(*convolved(3, in_channels, five[0], 1), *convolved(4, five[0], five[1], 5)),
            Sequential(MaxPool2d(3, stride=1, padding=1), *convolved(5, in_channels, pool, 1)),
        )


class ResidualBlock(Module):
    """relu(body(x) + shortcut(x)), the body being convolutions with batch normalisation (He, Zhang, Ren, Sun 2015,
    arXiv 1512.03385).

    The basic body is two 3x3 convolutions. The bottleneck is 1x1 to a quarter of the channels, 3x3, and 1x1 back. The
    shortcut is x itself, or, where the shape changes, a 1x1 convolution with batch normalisation (a projection). The
    names of parameters are those of torchvision's ``BasicBlock`` and ``Bottleneck``.

    Args:
        in_channels: of the input.
        out_channels: of the result; a multiple of 4 for a bottleneck.
        stride: of the (first) 3x3 convolution and the projection.
        bottleneck: which body.
        init: an initialiser of `subgrad.nn.init` by name; ``"he_normal"`` is the paper's.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for sizes below 1, or channels that do not divide by 4 for a bottleneck.
        ShapeError: when called, if the input is not (N, in_channels, H, W).

    Example:
        >>> import subgrad as sg
        >>> block = sg.nn.ResidualBlock(16, 32, stride=2)
        >>> block(sg.zeros((2, 16, 8, 8))).shape
        (2, 32, 4, 4)
        >>> [name for name, _ in sg.nn.ResidualBlock(4, 4).named_parameters()][:3]
        ['conv1.weight', 'bn1.weight', 'bn1.bias']
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, bottleneck: bool = False, *,
        init: str = "he_normal", seed: int | None = None,
    ) -> None:  # fmt: skip
        validation.sizes("ResidualBlock", in_channels=in_channels, out_channels=out_channels, stride=stride)
        if bottleneck and out_channels % 4:
            raise ArgumentError(f"a bottleneck has a quarter of the channels inside, got out_channels={out_channels}")

        def convolution(i: int, channels: int, out: int, size: int, stride: int = 1) -> Conv2d:
            own = None if seed is None else seed + i
            return Conv2d(channels, out, size, stride, size // 2, bias=False, init=init, seed=own)

        width = out_channels // 4 if bottleneck else out_channels
        if bottleneck:
            self.conv1, self.bn1 = convolution(0, in_channels, width, 1), BatchNorm2d(width)
            self.conv2, self.bn2 = convolution(1, width, width, 3, stride), BatchNorm2d(width)
            self.conv3, self.bn3 = convolution(2, width, out_channels, 1), BatchNorm2d(out_channels)
        else:
            self.conv1, self.bn1 = convolution(0, in_channels, width, 3, stride), BatchNorm2d(width)
            self.conv2, self.bn2 = convolution(1, width, width, 3), BatchNorm2d(width)
        self.bottleneck = bottleneck
        self.downsample: Module | None = None
        if stride != 1 or in_channels != out_channels:
            projection = convolution(3, in_channels, out_channels, 1, stride)
            self.downsample = Sequential(projection, BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        if self.bottleneck:
            y = self.bn3(self.conv3(relu(y)))
        return relu(y + (x if self.downsample is None else self.downsample(x)))


__all__ = ["Inception", "ResidualBlock"]
