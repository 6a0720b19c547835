"""Networks for images, whose rows of pixels come from `subgrad.cli.jobs.pixels`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from subgrad import models, nn
from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.source import Source
from subgrad.errors import ArgumentError

_NETWORKS: dict[str, Callable[[int, int, int], nn.Sequential]] = {  # of classes, height, seed
    "lenet": lambda classes, size, seed: models.lenet(classes, 1, size, seed),
    "resnet20": lambda classes, size, seed: models.resnet20(classes, 1, seed),
    "inception_small": lambda classes, size, seed: models.inception_small(classes, 1, seed),
}

CHANGES: dict[str, Callable[[tuple[int, int]], nn.Module]] = {
    "mirror": lambda shape: nn.RandomHorizontalFlip(),
    "shift": lambda shape: nn.RandomCrop(shape, padding=2),
}
"""What may be done to an image of some height and width in training."""


def changes(text: str) -> tuple[str, ...]:
    """The names in a list of changes.

    >>> changes("shift, mirror"), changes("none")
    (('shift', 'mirror'), ())
    """
    names = tuple(name.strip() for name in text.split(","))
    if names == ("none",):
        return ()
    if unknown := [name for name in names if name not in CHANGES]:
        raise ArgumentError(f"there is no change {unknown[0]!r}: expected {', '.join(CHANGES)}, or none")
    return names


def network(name: str, source: Source, outputs: int, augment: Sequence[str], seed: int) -> tuple[nn.Sequential, str]:
    """The network of that name for rows of pixels, and what it is in a line."""
    pixels, rows = source.preparation, source.train[0]
    assert isinstance(pixels, Pixels)
    shape = pixels.shape
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ArgumentError(f"{name} takes square images, these have {'x'.join(map(str, shape))} pixels")
    layers: dict[str, nn.Module] = {
        "images": nn.Unflatten(1, (1, *shape)),
        "normalize": nn.Normalize(round(float(rows.mean(dtype=np.float64)), 4), round(float(rows.std()), 4) or 1.0),
    }
    layers |= {change: CHANGES[change]((shape[0], shape[1])) for change in augment}
    changed = f", in training with {' and '.join(augment)}" if augment else ""
    return nn.Sequential({**layers, name: _NETWORKS[name](outputs, shape[0], seed)}), f"{name}{changed}"


__all__ = ["CHANGES", "changes", "network"]
