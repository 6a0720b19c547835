"""Where a NaN or inf came from: the first op, on the way back from the result, whose inputs were still finite."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.fit.step import Step
from subgrad.graph.tensor import INPUT, Tensor
from subgrad.ops import where


def find_source(step: Step, arrays: Sequence[np.ndarray]) -> str | None:
    """A sentence that names the op that made the first non-finite number of this step; None if all were finite.

    The search starts at the loss, then looks at the new parameters, and goes back through inputs that are not finite.
    """
    values = step.interpreter().trace(arrays)
    for out in step.outputs:
        if not _finite(out, values):
            return _describe(_walk_back(out, values))
    return None


def _finite(node: Tensor, values: dict[Tensor, np.ndarray]) -> bool:
    value = values[node] if node in values else node.numpy()
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _walk_back(node: Tensor, values: dict[Tensor, np.ndarray]) -> Tensor:
    while True:
        guilty = [i for i in _contributing(node, values) if not _finite(i, values)]
        if not guilty:
            return node
        node = guilty[0]


def _contributing(node: Tensor, values: dict[Tensor, np.ndarray]) -> Sequence[Tensor]:
    """The inputs that can have spoiled ``node``: of a ``where``, those of the branches that were taken."""
    if node.op is not where:
        return node.inputs
    condition, a, b = node.inputs
    taken = values[condition] if condition in values else condition.numpy()
    return [branch for branch, used in ((a, taken.any()), (b, not taken.all())) if used]


def _describe(node: Tensor) -> str:
    if node.op is INPUT:
        return f"{node.attrs['name']} held NaN or inf already"
    inside = f" in {node.scope}" if node.scope else ""
    return f"the first NaN or inf came from {node.op.name}{inside}, at {node.site}"
