"""A small network of two Inception modules."""

from __future__ import annotations

from subgrad import nn
from subgrad.models.seeds import seeds


def inception_small(classes: int = 10, channels: int = 3, seed: int | None = None) -> nn.Sequential:
    """Two `subgrad.nn.Inception` modules of 80 channels, with a maximum between them, for images of about 32x32.

    Args:
        classes: how many scores.
        channels: of the images.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for numbers below 1.

    Example:
        >>> import subgrad as sg
        >>> sg.models.inception_small()(sg.zeros((2, 3, 8, 8))).shape
        (2, 10)
    """
    own = seeds(seed)

    def block(wide: int) -> nn.Inception:
        return nn.Inception(wide, 16, (16, 32), (8, 16), 16, init="he_uniform", seed=next(own))

    return nn.Sequential({
        "conv1": nn.Conv2d(channels, 32, 3, padding=1, init="he_uniform", seed=next(own)), "relu": nn.ReLU(),
        "inception1": block(32), "pool": nn.MaxPool2d(2), "inception2": block(80),
        "mean": nn.GlobalAvgPool(), "fc": nn.Linear(80, classes, seed=next(own)),
    })  # fmt: skip
