"""Residual networks for small images."""

from __future__ import annotations

from numbers import Integral

from subgrad import nn
from subgrad.errors import ArgumentError
from subgrad.models.seeds import seeds


def resnet(depth: int, classes: int = 10, channels: int = 3, seed: int | None = None) -> nn.Sequential:
    """The residual network of 6n + 2 layers for images of about 32x32 (He, Zhang, Ren, Sun 2015, arXiv 1512.03385,
    section 4.2): three stages of n basic blocks with 16, 32 and 64 channels.

    Where a stage halves the image its first block's shortcut is a projection.

    Args:
        depth: 8, 14, 20, 32, 44, 56, 110 or any other 6n + 2.
        classes: how many scores.
        channels: of the images.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for another depth, or numbers below 1.

    Example:
        >>> import subgrad as sg
        >>> net = sg.models.resnet(8, seed=0)
        >>> net(sg.zeros((2, 3, 16, 16))).shape, len(net.parameters())
        ((2, 10), 29)
    """
    if not isinstance(depth, Integral) or depth < 8 or depth % 6 != 2:
        raise ArgumentError(f"a resnet has 6n + 2 layers, such as 20 or 32, got {depth!r}")
    own, blocks = seeds(seed), (int(depth) - 2) // 6

    def stage(wide: int, out: int, stride: int) -> nn.Sequential:
        first = nn.ResidualBlock(wide, out, stride, seed=next(own))
        return nn.Sequential(first, *(nn.ResidualBlock(out, out, seed=next(own)) for _ in range(blocks - 1)))

    return nn.Sequential({
        "conv1": nn.Conv2d(channels, 16, 3, padding=1, bias=False, init="he_normal", seed=next(own)),
        "bn1": nn.BatchNorm2d(16), "relu": nn.ReLU(),
        "layer1": stage(16, 16, 1), "layer2": stage(16, 32, 2), "layer3": stage(32, 64, 2),
        "pool": nn.GlobalAvgPool(), "fc": nn.Linear(64, classes, seed=next(own)),
    })  # fmt: skip


def resnet20(classes: int = 10, channels: int = 3, seed: int | None = None) -> nn.Sequential:
    """`resnet` of 20 layers: 0.27 million parameters.

    >>> import subgrad as sg
    >>> sum(p.size for p in sg.models.resnet20().parameters())
    272474
    """
    return resnet(20, classes, channels, seed)
