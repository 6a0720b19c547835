"""What a proof says: proven, refuted with a point, or unknown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.io.number_text import at_least, at_most

Status = Literal["proven", "refuted", "unknown"]
FEW = 16  # coordinates that are printed


class Saved(Protocol):
    """What can be written as a file for the checker."""

    def save(self, path: str | os.PathLike[str]) -> None: ...


@dataclass(frozen=True, eq=False)
class Verdict:
    """The result of `certify` or `verify`. True if the claim is proven.

    Attributes:
        claim: what was to be proven, in words.
        status: "proven", "refuted" (there is a point where the claim is false) or "unknown".
        bound: a proven upper bound of the quantity that the claim limits, over the whole box.
        value: a proven lower bound of it, attained at ``witness``.
        witness: a point of the box, shape (d,); None if there is none.
        stuck: if unknown, the box (d, 2) with the largest bound.
        boxes: how many boxes were bounded.
        seconds: the time it took.
        interrupted: whether Ctrl-C ended the search. What was proven until then holds.
        proof: what `save` writes; None where only other methods than those of the checker have proven it.
        timed_out: whether the time was over.
        outputs: of the network at the counter-example, shape (k,), for a property that is `Unreachable`.
        unbounded: the names of ops that have no bounds: what depends on them was looked for, but cannot be proven.
    """

    claim: str
    status: Status
    bound: float
    value: float
    witness: np.ndarray | None
    stuck: np.ndarray | None
    boxes: int
    seconds: float
    interrupted: bool = False
    proof: Saved | None = field(default=None, repr=False)
    timed_out: bool = False
    outputs: np.ndarray | None = None
    unbounded: tuple[str, ...] = ()

    @property
    def counterexample(self) -> np.ndarray | None:
        """A point where the claim is false, shape (d,), if it is refuted."""
        return self.witness if self.status == "refuted" else None

    def __bool__(self) -> bool:
        return self.status == "proven"

    def __str__(self) -> str:
        ended = ", interrupted" if self.interrupted else ", out of time" if self.timed_out else ""
        effort = f"{self.boxes:,} boxes, {self.seconds:.2g} s{ended}"
        if self.status == "proven":
            return f"proven: {self.claim} (bound {at_most(self.bound, 6)}; {effort})"
        if self.status == "refuted":
            assert self.witness is not None
            return f"refuted: {self.claim}: {at_least(self.value, 6)} at {_point(self.witness)} ({effort})"
        where = "" if self.stuck is None else f", stuck at {_point(self.stuck)}"
        between = f"between {at_least(self.value, 6)} and {at_most(self.bound, 6)}"
        return f"unknown: {self.claim}: {between}{where} ({effort})"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the proof as a safetensors file, which ``python -m subgrad.bounds.checker FILE`` checks.

        It holds the graph of what was bounded with the weights, and the boxes with their bounds. Where no limit was
        given, it claims a limit 0.1 % above ``bound``, which leaves the checker some room.

        Raises:
            ArgumentError: if nothing was proven, or by means that the checker does not know.
            FileError: if the file cannot be written.
        """
        if self.status != "proven":
            raise ArgumentError(f"only what is proven can be saved as a proof, this is {self.status}")
        if self.proof is None:
            raise ArgumentError("this was proven by means that the checker of proofs does not know")
        self.proof.save(path)


def _point(x: np.ndarray) -> str:
    """All of a point or box if it is short."""
    return str(x.tolist()) if len(x) <= FEW else f"{str(x[:FEW].tolist())[:-1]}, ... {len(x):,} in all]"
