"""The operators of ONNX that are known here, each a function of tensors; and the node that one is called for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad.errors import ArgumentError, NotTraceableError
from subgrad.graph.tensor import Tensor

Results = Tensor | Sequence[Tensor | None]


class Operator(NamedTuple):
    """How an operator is computed: ``run(call, *inputs)``, with None for inputs that are left out.

    ``weights`` are the numbers of the inputs that are trained if the file has values for them; ``state`` of those that
    are kept as parameters, and not trained. ``spare`` are attributes without which the result is the same: they say
    what a shape says as well, how to draw random numbers, or belong to another mode.
    """

    run: Callable[..., Results]
    weights: tuple[int, ...] = ()
    state: tuple[int, ...] = ()
    spare: frozenset[str] = frozenset()


OPERATORS: dict[str, Operator] = {}
"""All that can be read, by name; one of another domain than ONNX's own has that in front, as ``domain::Name``."""


def operator(
    *names: str, weights: Sequence[int] = (), state: Sequence[int] = (), spare: Sequence[str] = ()
) -> Callable[[Callable[..., Results]], Callable[..., Results]]:
    """Decorate a function that computes operators of these names; `Call.kind` tells several apart."""

    def note(run: Callable[..., Results]) -> Callable[..., Results]:
        for name in names:
            OPERATORS[name] = Operator(run, tuple(weights), tuple(state), frozenset({*spare, "consumed_inputs"}))
        return run

    return note


class Call(NamedTuple):
    """A node whose operator is called.

    Attributes:
        kind: the operator's name.
        name: the node's.
        attributes: by name.
        outputs: how many results are asked for.
        version: of the operators in the file.
        inside: ``inside(graph, *inputs)`` runs a graph among the attributes.
        read: which attributes were asked for; a file that has others says something that is not known here.
    """

    kind: str
    name: str
    attributes: Mapping[str, Any]
    outputs: int
    version: int
    inside: Callable[..., list[Tensor]]
    read: set[str]

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute."""
        self.read.add(name)
        return self.attributes.get(name, default)

    def values(self, x: Tensor) -> np.ndarray:
        """The values of an input that must be known now, such as a shape; `ArgumentError` if they are not."""
        try:
            return x.numpy()
        except NotTraceableError:
            what = f"{self.kind} {self.name!r}" if self.name else self.kind
            raise ArgumentError(f"the {what} of this ONNX file needs values that are known before it runs") from None

    def integers(self, x: Tensor | None, name: str, default: Any = None) -> Any:
        """Integers that are an attribute in some versions of an operator, and an input in others."""
        self.read.add(name)
        if x is not None:
            return [int(v) for v in self.values(x).ravel()]
        return self.get(name, default)

    def refuse(self, why: str) -> ArgumentError:
        """The error for what is not known here."""
        return ArgumentError(f"the {self.kind} {self.name!r} of this ONNX file cannot be read: {why}")


__all__ = ["OPERATORS", "Call", "Operator", "Results", "operator"]
