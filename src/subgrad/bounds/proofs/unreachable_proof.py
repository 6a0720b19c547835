"""The proof of what is unreachable as a file: the graph, polytopes of outputs, and boxes without outputs in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.bounds.branching.polytopes import Polytopes
from subgrad.bounds.proof import Content, Written, written
from subgrad.graph.tensor import Tensor

KIND = "proof of unreachable outputs"


@dataclass(frozen=True, eq=False)
class UnreachableProof(Written):
    """What searches have shown.

    Attributes:
        point, output, weights: the graph, as `subgrad.bounds.backward.linear_bounds.LinearBounds` has it.
        groups: for each box the polytopes, and the corners of boxes that cover it.
    """

    point: Tensor
    output: Tensor
    weights: Mapping[Tensor, np.ndarray]
    groups: Sequence[tuple[Polytopes, np.ndarray, np.ndarray]]

    def content(self) -> Content:
        graph, constants, places = written([self.output], self.point, dict(self.weights))
        arrays, groups = dict(constants), []
        for k, (of, low, high) in enumerate(self.groups):
            parts = {"rows": of.rows, "limits": of.limits[:, 1], "low": low, "high": high}
            arrays.update({f"{name} {k}": np.ascontiguousarray(part, np.float64) for name, part in parts.items()})
            groups.append({"box": of.box.tolist(), "members": [m.tolist() for m in of.members]})
        return Content(arrays, {"kind": KIND, "network": places[0], "groups": groups, "graph": graph})


__all__ = ["UnreachableProof"]
