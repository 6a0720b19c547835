"""Many small networks for tables as one module, the members side by side along the first axis of each parameter."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Parameter, Tensor, constant
from subgrad.nn import Module, init
from subgrad.nn.layers import activation as activations
from subgrad.ops.random import bernoulli


class TabularNetwork(Module):
    """M members, each a multi-layer perceptron with its own weights: (M, n, features) to (M, n, outputs).

    The features are numbers first, then others, then places of categories. Numbers have, beside themselves, features
    made of waves (PBLD of RealMLP): linear maps of ``cos(2 pi (w x + b))``, with w and b learnt. Categories have
    vectors. Each feature is multiplied by a number of its own, learnt with large steps, before the first layer
    (RealMLP).

    Args:
        numbers, plain: how many features are numbers, and neither numbers nor places.
        places: how many places each column of categories has.
        outputs: scores for each row.
        members: M.
        hidden, activation, waves, wave_features, dropout: see `subgrad.tabular.Settings`.
        seed: of the initial values.
    """

    def __init__(
        self, numbers: int, plain: int, places: Sequence[int], outputs: int, *, members: int, hidden: Sequence[int],
        activation: str, waves: int = 0, wave_features: int = 3, dropout: float = 0.0, seed: int = 0,
    ) -> None:  # fmt: skip
        rng = init.generator(seed)
        self.numbers, self.plain, self.places = numbers, plain, tuple(places)
        self.members, self.dropout = members, dropout
        self.activation = activations.get(activation)()
        inputs = numbers + plain
        self.waves = waves if numbers else 0
        if self.waves:
            self.frequency = Parameter(rng.normal(0, 0.1, (members, 1, numbers, waves)))
            self.phase = Parameter(rng.uniform(-0.5, 0.5, (members, 1, numbers, waves)))
            self.mixed = Parameter(_uniform(rng, waves, (members, numbers, waves, wave_features)))
            self.shift = Parameter(_uniform(rng, waves, (members, 1, numbers * wave_features)))
            inputs += numbers * wave_features
        self.vectors = [Parameter(rng.normal(0, 1, (members, size, vector_length(size)))) for size in self.places]
        inputs += sum(map(vector_length, self.places))
        self.scale = Parameter(np.ones((members, 1, inputs)))
        widths = [inputs, *hidden, outputs]
        self.weights = [Parameter(_normal(rng, members, *pair)) for pair in itertools.pairwise(widths)]
        self.weights[-1].assign(np.zeros(self.weights[-1].shape))
        self.biases = [Parameter(_uniform(rng, i, (members, 1, o))) for i, o in itertools.pairwise(widths)]

    def rates(self) -> list[float]:
        """By what each parameter's step size is multiplied, in their order."""
        by_name = {"frequency": 0.1, "phase": 0.1, "scale": 6.0, "shift": 0.1, "vectors": 1.0, "biases": 0.1}
        by_name["mixed"] = 0.1
        return [
            1 / math.sqrt(p.shape[1]) if name.startswith("weights") else by_name[name.split(".")[0]]
            for name, p in self.named_parameters()
        ]

    @property
    def features(self) -> int:
        """How many features a row has."""
        return self.numbers + self.plain + len(self.places)

    def forward(self, x: Tensor) -> Tensor:
        x = self._embedded(x) * self.scale
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = self._dropped(self.activation(ops.einsum("mbi,mio->mbo", x, weight) + bias))
        return ops.einsum("mbi,mio->mbo", x, self.weights[-1]) + self.biases[-1]

    def _embedded(self, x: Tensor) -> Tensor:
        rows = x.shape[1]
        parts = [x[:, :, : self.numbers + self.plain]]
        if self.waves:
            turns = x[:, :, : self.numbers].reshape(self.members, rows, self.numbers, 1) * self.frequency + self.phase
            waves = ops.einsum("mbnw,mnwf->mbnf", ops.cos(2 * math.pi * turns), self.mixed)
            parts.append(waves.reshape(self.members, rows, -1) + self.shift)
        member = constant(np.arange(self.members)[:, None])
        for i, table in enumerate(self.vectors):
            place = x[:, :, self.numbers + self.plain + i].astype("int64")
            parts.append(table[member, place])
        return ops.concatenate(parts, axis=2) if len(parts) > 1 else parts[0]

    def _dropped(self, x: Tensor) -> Tensor:
        if not self.training or not self.dropout:
            return x
        kept = bernoulli(1 - self.dropout, x.shape, x.dtype)
        return ops.where(kept, x / (1 - self.dropout), 0)


def vector_length(size: int) -> int:
    """Numbers in the vector of each of so many categories.

    >>> [vector_length(size) for size in (10, 100, 1000)]
    [3, 8, 16]
    """
    return min(16, max(2, round(1.2 * size**0.4)))


def _normal(rng: np.random.Generator, members: int, inputs: int, outputs: int) -> np.ndarray:
    return rng.normal(0, 1 / math.sqrt(inputs), (members, inputs, outputs))


def _uniform(rng: np.random.Generator, inputs: int, shape: tuple[int, ...]) -> np.ndarray:
    bound = 1 / math.sqrt(inputs)
    return rng.uniform(-bound, bound, shape)


__all__ = ["TabularNetwork", "vector_length"]
