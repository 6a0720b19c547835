"""Many small networks for tables as one module, the members side by side along the first axis of each parameter."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Parameter, Tensor, constant
from subgrad.nn import Module, init
from subgrad.nn.layers import activation as activations
from subgrad.ops.random import bernoulli
from subgrad.tabular.defaults import KNOTS


class TabularNetwork(Module):
    """M members, each a multi-layer perceptron with its own weights: (M, n, features) to (M, n, outputs).

    The features are numbers first, then ranks of numbers, others, and places of categories. Numbers have, beside
    themselves, features made of waves (PBLD of RealMLP): linear maps of ``cos(2 pi (w x + b))``, with w and b learnt.
    Ranks have features that are piecewise linear (PLE of Gorishniy, Rubachev, Babenko 2022, arXiv 2203.05556): linear
    maps of how far into each bin a rank reaches, from 0 to 1. Categories have vectors. Each feature is multiplied by a
    number of its own, learnt with large steps, before the first layer (RealMLP).

    Args:
        numbers, ranks, plain: how many features are numbers, their ranks as quantiles of a normal distribution, and
            none of these nor places.
        places: how many places each column of categories has.
        outputs: scores for each row.
        members: M.
        hidden, activation, waves, wave_features, bins, bin_features, dropout: see `subgrad.tabular.Settings`.
        seed: of the initial values.
    """

    def __init__(
        self, numbers: int, ranks: int, plain: int, places: Sequence[int], outputs: int, *, members: int,
        hidden: Sequence[int], activation: str, waves: int = 0, wave_features: int = 3, bins: int = 0,
        bin_features: int = 3, dropout: float = 0.0, seed: int = 0,
    ) -> None:  # fmt: skip
        rng = init.generator(seed)
        self.numbers, self.ranks, self.plain, self.places = numbers, ranks, plain, tuple(places)
        self.members, self.dropout = members, dropout
        self.activation = activations.get(activation)()
        inputs = numbers + ranks + plain
        self.waves = waves if numbers else 0
        if self.waves:
            self.frequency = _normal(0.1, (members, 1, numbers, waves), rng)
            self.phase = _within(0.5, (members, 1, numbers, waves), rng)
            self.mixed = _within(1 / math.sqrt(waves), (members, numbers, wave_features, waves), rng)
            self.shift = _within(1 / math.sqrt(waves), (members, 1, numbers * wave_features), rng)
            inputs += numbers * wave_features
        self.bins = bins if ranks else 0
        if self.bins:
            self.steps = _within(1 / math.sqrt(bins), (members, ranks, bin_features, bins), rng)
            self.floor = _within(1 / math.sqrt(bins), (members, 1, ranks * bin_features), rng)
            inputs += ranks * bin_features
        self.vectors = [_normal(1.0, (members, size, vector_length(size)), rng) for size in self.places]
        inputs += sum(map(vector_length, self.places))
        self.scale = init.parameter((members, 1, inputs), init.ones)
        widths = [inputs, *hidden, outputs]
        pairs = [*itertools.pairwise(widths)]
        self.weights = [_normal(1 / math.sqrt(i), (members, i, o), rng) for i, o in pairs]
        if not init.is_blank():
            self.weights[-1].assign(np.zeros(self.weights[-1].shape))
        self.biases = [_within(1 / math.sqrt(i), (members, 1, o), rng) for i, o in pairs]

    def rates(self) -> list[float]:
        """By what each parameter's step size is multiplied, in their order."""
        by_name = {"frequency": 0.1, "phase": 0.1, "scale": 6.0, "shift": 0.1, "vectors": 1.0, "biases": 0.1}
        by_name |= {"mixed": 0.1, "steps": 1.0, "floor": 0.1}
        return [
            1 / math.sqrt(p.shape[1]) if name.startswith("weights") else by_name[name.split(".")[0]]
            for name, p in self.named_parameters()
        ]

    @property
    def features(self) -> int:
        """How many features a row has."""
        return self._before_places + len(self.places)

    @property
    def _before_places(self) -> int:
        return self.numbers + self.ranks + self.plain

    def forward(self, x: Tensor) -> Tensor:
        x = self._embedded(x) * self.scale
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = self._dropped(self.activation(ops.einsum("mbi,mio->mbo", x, weight) + bias))
        return ops.einsum("mbi,mio->mbo", x, self.weights[-1]) + self.biases[-1]

    def _embedded(self, x: Tensor) -> Tensor:
        parts = [x[:, :, : self._before_places]]
        if self.waves:
            parts.append(self._in_waves(x[:, :, : self.numbers]))
        if self.bins:
            parts.append(self._in_bins(x[:, :, self.numbers : self.numbers + self.ranks]))
        member = constant(np.arange(self.members)[:, None])
        for i, table in enumerate(self.vectors):
            place = x[:, :, self._before_places + i].astype("int64")
            parts.append(table[member, place])
        return ops.concatenate(parts, axis=2) if len(parts) > 1 else parts[0]

    def _in_waves(self, numbers: Tensor) -> Tensor:
        turns = numbers.reshape(*numbers.shape, 1) * self.frequency + self.phase
        return _mixed(ops.cos(2 * math.pi * turns), self.mixed) + self.shift

    def _in_bins(self, ranks: Tensor) -> Tensor:
        edges = bin_edges(self.bins)
        reached = (ranks.reshape(*ranks.shape, 1) - constant(edges[:-1])) * constant(1 / np.diff(edges))
        return _mixed(ops.clip(reached, 0, 1), self.steps) + self.floor

    def _dropped(self, x: Tensor) -> Tensor:
        """Without some units: at the same places for all members, which have rows and weights of their own."""
        if not self.training or not self.dropout:
            return x
        kept = bernoulli(1 - self.dropout, x.shape[1:], x.dtype)
        return ops.where(kept, x / (1 - self.dropout), 0)


def vector_length(size: int) -> int:
    """Numbers in the vector of each of so many categories.

    >>> [vector_length(size) for size in (10, 100, 1000)]
    [3, 8, 16]
    """
    return min(16, max(2, round(1.2 * size**0.4)))


def _mixed(x: Tensor, weight: Tensor) -> Tensor:
    """Features (M, n, columns * features) of x (M, n, columns, k), those of each column by a linear map of its own."""
    return ops.einsum("mbnw,mnfw->mbnf", x, weight).reshape(*x.shape[:2], -1)


def bin_edges(bins: int) -> np.ndarray:
    """The edges (bins + 1,) of bins that share the ranks of a column evenly.

    >>> [round(float(edge), 2) for edge in bin_edges(2)]
    [-2.42, 0.0, 2.42]
    """
    outer = 0.5 / KNOTS  # the rank of the least value
    return np.array([NormalDist().inv_cdf(p) for p in np.linspace(outer, 1 - outer, bins + 1)], np.float32)


def _normal(std: float, shape: tuple[int, ...], rng: np.random.Generator) -> Parameter:
    return init.parameter(shape, functools.partial(init.normal, std=std), rng)


def _within(bound: float, shape: tuple[int, ...], rng: np.random.Generator) -> Parameter:
    return init.parameter(shape, functools.partial(init.within, bound), rng)


__all__ = ["TabularNetwork", "bin_edges", "vector_length"]
