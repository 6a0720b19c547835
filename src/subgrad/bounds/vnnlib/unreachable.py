"""The property of a VNN-LIB file: outputs that no point of a box may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.bounds.box import as_box
from subgrad.errors import ArgumentError


@dataclass(frozen=True, eq=False)
class Case:
    """The points x of a box at which the outputs y have ``matrix @ y <= limits``, in every row.

    Args:
        box: shape (d, 2), a lower and an upper end for each input.
        matrix: shape (m, k), a row for each inequality, k the number of outputs.
        limits: shape (m,); or (m, 2) for numbers between two floats, as most decimal fractions are.
        inside: like ``box``, for ends that are not floats: the floats next to them inside of the box, while ``box`` has
            those outside of it. An end of which no float lies inside has them in the wrong order.
        inputs: shape (m, d), for inequalities of inputs and outputs: ``matrix @ y + inputs @ x <= limits``.

    Raises:
        ArgumentError: if shapes do not fit.

    Example:
        >>> from subgrad.bounds import Case
        >>> Case([(0, 1), (0, 1)], [[1, -1]], [0]).rows    # the first output is the smaller one
        1
    """

    box: Any
    matrix: Any
    limits: Any
    inside: Any = None
    inputs: Any = None

    def __post_init__(self) -> None:
        try:
            matrix, limits = np.array(self.matrix, np.float64), np.array(self.limits, np.float64)
        except (TypeError, ValueError):
            raise ArgumentError("a case has a matrix and limits of numbers") from None
        limits = np.stack([limits, limits], axis=-1) if limits.ndim == 1 else limits
        if matrix.ndim != 2 or not matrix.size or limits.shape != (len(matrix), 2):
            raise ArgumentError(
                f"a case has a matrix of a row for each inequality and a limit for each row, got the shapes "
                f"{matrix.shape} and {np.shape(self.limits)}"
            )
        if not (np.isfinite(matrix).all() and np.isfinite(limits).all()):
            raise ArgumentError("the matrix and the limits of a case are finite")
        box = as_box(self.box)
        inside = box if self.inside is None else np.array(self.inside, np.float64)
        inputs = None if self.inputs is None else np.array(self.inputs, np.float64)
        if inputs is not None and (inputs.shape != (len(matrix), len(box)) or not np.isfinite(inputs).all()):
            raise ArgumentError(f"factors of inputs are finite, of the shape {(len(matrix), len(box))}")
        for name, value in (
            ("box", box), ("matrix", matrix), ("limits", limits), ("inside", inside), ("inputs", inputs),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    @property
    def rows(self) -> int:
        """The number of inequalities."""
        return len(self.matrix)


@dataclass(frozen=True, eq=False)
class Unreachable:
    """No point of any case: what `subgrad.verify` proves, or refutes by a point of one of them.

    Args:
        cases: each a `Case`; all of as many inputs and outputs.

    Raises:
        ArgumentError: for cases of different sizes, or none where it matters.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.bounds import Case, Unreachable
        >>> net = sg.nn.Sequential(sg.nn.Linear(2, 8, seed=0), sg.nn.ReLU(), sg.nn.Linear(8, 1, seed=1))
        >>> sg.verify(net, Unreachable([Case([(-1, 1), (-1, 1)], [[-1]], [-5])])).status    # y >= 5
        'proven'
    """

    cases: Sequence[Case]

    def __post_init__(self) -> None:
        cases = tuple(self.cases)
        if not all(isinstance(c, Case) for c in cases):
            raise ArgumentError("what is unreachable is a sequence of Case of subgrad.bounds")
        sizes = sorted({(len(c.box), c.matrix.shape[1]) for c in cases})
        if len(sizes) > 1:
            raise ArgumentError(f"all cases have as many inputs and outputs, got {sizes[0]} and {sizes[1]}")
        object.__setattr__(self, "cases", cases)

    def __repr__(self) -> str:
        n = len(self.cases)
        return f"Unreachable({n} case{'s' if n != 1 else ''})"


__all__ = ["Case", "Unreachable"]
