"""LeNet-5, with relu and maxima in the place of its time's sigmoids and means."""

from __future__ import annotations

from subgrad import nn
from subgrad.models.seeds import seeds


def lenet(classes: int = 10, channels: int = 1, size: int = 28, seed: int | None = None) -> nn.Sequential:
    """LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998, doi 10.1109/5.726791) for square images (N, channels, size, size).

    Args:
        classes: how many scores.
        channels: of the images.
        size: of a side of the images; 12 at least.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for numbers that are too small.

    Example:
        >>> import subgrad as sg
        >>> sg.models.lenet()(sg.zeros((2, 1, 28, 28))).shape
        (2, 10)
    """
    own = seeds(seed)
    left = (size // 2 - 4) // 2  # of each side, at the end
    return nn.Sequential({
        "conv1": nn.Conv2d(channels, 6, 5, padding=2, seed=next(own)), "relu1": nn.ReLU(), "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(6, 16, 5, seed=next(own)), "relu2": nn.ReLU(), "pool2": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(16 * left * left, 120, seed=next(own)), "relu3": nn.ReLU(),
        "fc2": nn.Linear(120, 84, seed=next(own)), "relu4": nn.ReLU(),
        "fc3": nn.Linear(84, classes, seed=next(own)),
    })  # fmt: skip
