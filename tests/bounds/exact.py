"""Networks without rounding: the traced graph in fractions, which the references of ops compute with as well."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.traced import traced
from subgrad.graph.order import toposort
from subgrad.graph.tensor import placeholder


class Network:
    """A function of points with d inputs: its bounds, and its values in fractions."""

    def __init__(self, f, d):
        self.point = placeholder((1, d), "float64", "a point")
        found = traced(f, self.point, "the network")
        self.output, self.weights = found.output, dict(zip(found.weights, found.values, strict=True))
        self.bounds = LinearBounds(self.point, self.output, self.weights)

    def __call__(self, x):
        """The outputs at a point of floats, shape (k,)."""
        values = {self.point: fractions(x[None]), **{w: fractions(v) for w, v in self.weights.items()}}
        for node in toposort([self.output]):
            if node not in values and node.inputs:
                values[node] = node.op.ref(*(values[i] for i in node.inputs), **node.attrs)
            elif node not in values:
                values[node] = fractions(node.numpy())
        return values[self.output]


class Inner:
    """The values of a step in floats: the interval of a box that is a point."""

    def __init__(self, network, step):
        self.bounds = network.bounds
        self.number = next(k for k, s in enumerate(network.bounds.steps) if s is step)

    def __call__(self, x):
        """All of its elements, shape (n,), with a part of their rounding error."""
        return self.bounds.over(x[None], x[None]).intervals[self.number].low.ravel()


def fractions(x):
    """The floats of an array as they are; integers and conditions stay."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return x
    found = np.array([Fraction(float(v)) for v in x.ravel()] or [Fraction(0)], object)[: x.size]
    return found.reshape(x.shape)
