"""What a network in integers computes, as a function of numbers: to try it in Python, and to prove how far it is from
the network in floats."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.diff.vmap import vmap
from subgrad.errors import ShapeError, SubgradError
from subgrad.export.routine import Grid
from subgrad.graph.dtype import float64
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor

FEW, BOXES = 8, 2000
"""Up to how many inputs `certify` is asked, since boxes of more stay large, and for how many boxes: a moment's work."""


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A network in integers as a function from inputs to scores, both numbers, with all rounding and cutting off.

    Inputs become the nearest of 256 codes, and the results are what integers stand for. In between are whole numbers
    in float64, which holds them exactly. `subgrad.certify` takes it as it takes any function, and proves how far it is
    from the network that it was made of, on a box of your choice.

    Attributes:
        grid: the numbers that codes of inputs stand for.

    Example:
        >>> import os, tempfile, numpy as np, subgrad as sg
        >>> from subgrad.bounds import ball
        >>> net, path = sg.models.mlp(2, 6, 1, seed=0), os.path.join(tempfile.mkdtemp(), "net.o")
        >>> rows = np.random.default_rng(0).uniform(-1, 1, (100, 2))
        >>> made = sg.export(net, path, cpu="cortex-m0", quantize="int8", calibration=rows)
        >>> integers = made.quantized.network
        >>> integers(rows).shape
        (100, 1)
        >>> here = sg.certify(net, integers, ball([0.3, -0.2], 0.01), budget=100)
        >>> here.status, here.bound < made.quantized.proven
        ('proven', True)
    """

    _rows: Tensor = field(repr=False)
    _scores: Tensor = field(repr=False)
    grid: Grid

    @property
    def box(self) -> np.ndarray:
        """The lowest and the highest number that codes of an input stand for, for each element of a row, (d, 2)."""
        ends = self.grid.numbers(np.array([0, 255]))
        return np.tile(ends, (self._rows.size // self._rows.shape[0], 1))

    def __call__(self, x: TensorLike) -> Tensor:
        """The scores of rows, float64; there are as many rows as in the example of the export, or a multiple of them.

        Raises:
            ShapeError: for another shape.
        """
        x = ops.astype(as_tensor(x, float64), float64)
        batch, *row = self._rows.shape
        if x.shape == self._rows.shape:
            return substitute([self._scores], {self._rows: x})[0]
        if x.ndim != len(row) + 1 or x.shape[1:] != tuple(row) or x.shape[0] % batch:
            raise ShapeError(f"expected rows of shape {tuple(row)}, a multiple of {batch}, got {x.shape}")
        each = vmap(self)(x.reshape(-1, *self._rows.shape))
        return each.reshape(-1, *each.shape[2:])


def certified_distance(model: Any, network: IntegerNetwork) -> float | None:
    """How far ``network`` is from ``model`` at most on all of its box, as `certify` proves; None where it is not asked,
    or does not say."""
    from subgrad.bounds import certify

    if len(network.box) > FEW:
        return None
    try:
        found = certify(model, network, network.box, budget=BOXES, verbose=False)
    except SubgradError:
        return None
    return found.bound if np.isfinite(found.bound) else None


__all__ = ["IntegerNetwork", "certified_distance"]
