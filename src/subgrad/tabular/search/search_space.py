"""What a search for better settings draws from."""

from __future__ import annotations

from collections.abc import Mapping

from subgrad.sweeps.ranges import Choice, LogUniform, Range

SPACE: Mapping[str, Range] = {
    "hidden": Choice(((64,), (128,), (256,), (64, 64), (128, 128), (256, 256), (128, 128, 128))),
    "activation": Choice(("silu", "relu", "gelu")),
    "waves": Choice((0, 8, 16)),
    "bins": Choice((0, 16, 32)),
    "dropout": Choice((0.0, 0.1, 0.2, 0.4)),
    "lr": LogUniform(0.01, 0.12),
    "weight_decay": LogUniform(0.002, 0.2),
}
"""The values of each of these `Settings`."""

__all__ = ["SPACE"]
