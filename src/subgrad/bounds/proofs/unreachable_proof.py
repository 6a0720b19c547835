"""The proof of what is unreachable as a file: the graph, polytopes of outputs, and what shows that none is reached."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.branching.branch_and_bound import Evidence
from subgrad.bounds.branching.polytopes import Polytopes
from subgrad.bounds.proofs.proof import Content, Written, written
from subgrad.errors import ArgumentError

KIND = "proof of unreachable outputs"


@dataclass(frozen=True, eq=False)
class UnreachableProof(Written):
    """What searches have shown.

    Attributes:
        bounds: of the network.
        groups: for each box the polytopes, and what shows that none is reached.
    """

    bounds: LinearBounds
    groups: Sequence[tuple[Polytopes, Evidence]]

    def content(self) -> Content:
        point, sources = self.bounds.point, self._split_steps()
        nodes = [point if (node := self.bounds.steps[k].node) is None else node for k in sources]
        graph, arrays, places = written([self.bounds.output, *nodes], point, dict(self.bounds.weights))
        place, groups = dict(zip(sources, places[1:], strict=True)), []
        for k, (of, shown) in enumerate(self.groups):
            parts = {"rows": of.rows, "limits": of.limits[:, 1], **shown.arrays}
            if "units" in parts:
                units = parts["units"]
                at = np.array([place[step] for step in units[:, 0].tolist()], np.int64)
                parts["units"] = np.stack([at, units[:, 1]], axis=1)
            arrays.update({f"{name} {k}": np.ascontiguousarray(part) for name, part in parts.items()})
            groups.append({"box": of.box.tolist(), "members": [m.tolist() for m in of.members], "by": shown.kind})
        return Content(arrays, {"kind": KIND, "network": places[0], "groups": groups, "graph": graph})

    def _split_steps(self) -> list[int]:
        """The numbers of the steps whose elements have signs in a part."""
        every = [shown.arrays["units"][:, 0] for _, shown in self.groups if "units" in shown.arrays]
        return np.unique(np.concatenate([np.empty(0, np.int64), *every])).tolist()


class TooLarge:
    """In the place of a proof that takes more than what was kept."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Raise `ArgumentError`."""
        raise ArgumentError("this proof is too large: what it takes was not kept")


__all__ = ["TooLarge", "UnreachableProof"]
