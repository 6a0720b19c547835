"""One network that all networks of the page are parts of, and its compiled routines.

A page has one training step, not one for each architecture: that of the widest and deepest network. Settings, which are
numbers in its memory, make the others of it. A mask leaves units out, a layer may be passed by, and the activation, the
loss and the step rule are chosen by their numbers. What is left out is multiplied by 0 and has the gradient 0, so a
network has the same losses as one of its own size.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from subgrad import nn, ops
from subgrad.graph.tensor import Parameter, Tensor
from subgrad.nn import loss as losses
from subgrad.nn.module import Module

LAYERS: dict[type[Module], str] = {
    nn.ReLU: "relu", nn.LeakyReLU: "leaky_relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid",
}  # fmt: skip
"""The activations that are layers, with the page's names for them."""

ACTIVATIONS = (*LAYERS.values(), "abs")
"""The names of all activations; their numbers are their places."""

LOSSES = ("hinge", "binomial", "binary_cross_entropy", "squared", "absolute", "huber", "cross_entropy")
"""The names of losses; the last one looks at all scores, the others at the first."""

RULES = ("given", "length", "polyak")
"""What the number that a step is given means: its size, its length, or the least loss that there can be."""


class Sizes(NamedTuple):
    """Of the network that all others are parts of: units of a layer, hidden layers, scores."""

    width: int = 8
    depth: int = 4
    outputs: int = 6


class Layers(NamedTuple):
    """What each hidden layer computes (N, width): before its activation, and after it, with what it passes on."""

    before: list[Tensor]
    after: list[Tensor]


class Family(Module):
    """The whole network: hidden layers, and scores of the last one and of the inputs themselves.

    Attributes:
        units: 1 for a unit that is there, 0 for one that is not (depth, width).
        passed: how often a layer's input is added to what it computes (depth,): 1 for a residual layer and for one
            that is not there.
        joined: 1 where a unit may see one of the layer before (width, width); a path of two does not see the other.
        classes: 1 for a class that is there (outputs,).
        skip: 1 if scores see the inputs.
        activation, loss, rule: the numbers of the chosen ones.
        l1, l2: how much the sum of the absolute values, and of the squares, of all weights adds to the loss.
        gradients, gathered: what the chunks of a batch have had so far, and the last batch in the end: the gradients by
            the names of their parameters, and the loss.
    """

    def __init__(self, sizes: Sizes) -> None:
        width, depth, outputs = sizes
        self.first_weight, self.first_bias = _zeros(width, 2), _zeros(width)
        self.inner_weight, self.inner_bias = _zeros(depth - 1, width, width), _zeros(depth - 1, width)
        self.out_weight, self.out_bias, self.skip_weight = _zeros(outputs, width), _zeros(outputs), _zeros(outputs, 2)
        self.units, self.passed, self.joined = _held(depth, width), _held(depth), _held(width, width)
        self.classes, self.skip = _held(outputs), _held()
        self.activation, self.loss, self.rule, self.l1, self.l2 = (_held() for _ in range(5))
        self.gradients = {name: _held(*p.shape) for name, p in self.named_parameters()}
        self.gathered = _held()
        self.depth = depth

    def layers(self, x: Tensor) -> Layers:
        """The hidden layers for inputs x (N, 2)."""
        z = ops.einsum("ni,oi->no", x, self.first_weight) + self.first_bias
        before, after = [z], [self._activated(z, 0)]
        for i in range(self.depth - 1):
            weight = self.inner_weight[i] * self.joined
            before.append(ops.einsum("ni,oi->no", after[-1], weight) + self.inner_bias[i])
            after.append(self._activated(before[-1], i + 1) + self.passed[i + 1] * after[-1])
        return Layers(before, after)

    def _activated(self, z: Tensor, layer: int) -> Tensor:
        return self.units[layer] * chosen(self.activation, [*(kind()(z) for kind in LAYERS), ops.abs(z)])

    def scores(self, x: Tensor, last: Tensor) -> Tensor:
        """(N, outputs), of the inputs and the last hidden layer."""
        direct = self.skip * ops.einsum("ni,oi->no", x, self.skip_weight)
        return ops.einsum("ni,oi->no", last, self.out_weight) + self.out_bias + direct

    def each_loss(self, scores: Tensor, target: Tensor) -> Tensor:
        """The loss of each sample (N,); targets (N, outputs) are one number or sign, or the shares of classes."""
        one, wanted = scores[:, 0], target[:, 0]
        present = ops.where(self.classes > 0, scores, -1e4)  # whose exponential is 0
        found = [losses.get(name)(one, wanted, reduction="none") for name in LOSSES[:-1]]
        found.append(losses.get(LOSSES[-1])(present, target, reduction="none"))
        return chosen(self.loss, found)

    def settings(self) -> list[Parameter]:
        """What the page sets and no step changes."""
        numbers = [self.skip, self.activation, self.loss, self.rule, self.l1, self.l2]
        return [self.units, self.passed, self.joined, self.classes, *numbers]

    def penalty(self) -> Tensor:
        """What regularisation adds to the loss."""
        weights = [self.first_weight, self.inner_weight, self.out_weight, self.skip_weight]
        sizes, squares = [ops.abs(w).sum() for w in weights], [ops.square(w).sum() for w in weights]
        return self.l1 * reduce(operator.add, sizes) + self.l2 * reduce(operator.add, squares)


def _zeros(*shape: int) -> Parameter:
    return Parameter(np.zeros(shape, np.float32))


def _held(*shape: int) -> Parameter:
    setting = Parameter(np.ones(shape, np.float32))
    setting.requires_grad = False
    return setting


def chosen(number: Tensor, values: Sequence[Tensor]) -> Tensor:
    """The value of that number."""
    found = values[0]
    for i, value in enumerate(values[1:], 1):
        found = ops.where(number == i, value, found)
    return found


__all__ = ["ACTIVATIONS", "LOSSES", "RULES", "Family", "Sizes", "chosen"]
