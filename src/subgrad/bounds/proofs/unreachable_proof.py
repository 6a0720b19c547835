"""The proof of what is unreachable as a file: the graph, polytopes of outputs, and what shows that none is reached."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.branching.branch_and_bound import Evidence
from subgrad.bounds.branching.polytopes import Polytopes
from subgrad.bounds.proofs.proof import PROOF, Content, Written, simpler, written
from subgrad.errors import ArgumentError
from subgrad.graph.order import dependents, toposort
from subgrad.ops.shape import cast

KIND = "proof of unreachable outputs"
ELEMENTS = {"units", "smooth"}  # arrays of which a row is a step and the number of an element of it


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
            for name in ELEMENTS & set(parts):
                at = np.array([place[step] for step in parts[name][:, 0].tolist()], np.int64)
                parts[name] = np.stack([at, parts[name][:, 1]], axis=1)
            arrays.update({f"{name} {k}": np.ascontiguousarray(part) for name, part in parts.items()})
            groups.append({"box": of.box.tolist(), "members": [m.tolist() for m in of.members], "by": shown.kind})
        return Content(arrays, {"kind": KIND, "network": places[0], "groups": groups, "graph": graph})

    def _split_steps(self) -> list[int]:
        """The numbers of the steps of which elements have signs, or slopes, in a part."""
        every = [shown.arrays[name][:, 0] for _, shown in self.groups for name in ELEMENTS & set(shown.arrays)]
        return np.unique(np.concatenate([np.empty(0, np.int64), *every])).tolist()


def is_known(bounds: LinearBounds) -> bool:
    """Whether the checker knows all that a network makes of its inputs: it compares none, and knows no jumps."""
    order = toposort(simpler([bounds.output]))
    varying = dependents(order, [bounds.point]) - {bounds.point}
    return all(node.dtype.kind == "f" and (node.op is cast or node.op in PROOF) for node in varying)


def proof_at_once(bounds: LinearBounds, polytopes: Polytopes) -> UnreachableProof | None:
    """The proof by the box as it is, if bounds of it suffice, and the checker knows the network."""
    low, high = polytopes.box.T[:, None]
    excess = polytopes.excess(bounds.over(low, high).below(polytopes.rows).bound)
    if not (excess.max() < 0 and is_known(bounds)):
        return None
    return UnreachableProof(bounds, [(polytopes, Evidence("boxes", {"low": low, "high": high}))])


class TooLarge:
    """In the place of a proof that takes more than what was kept."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Raise `ArgumentError`."""
        raise ArgumentError("this proof is too large: what it takes was not kept")


__all__ = ["TooLarge", "UnreachableProof", "is_known", "proof_at_once"]
