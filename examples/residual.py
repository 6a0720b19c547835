"""A network of your own that is no chain: residual blocks, written as a module, trained, saved, loaded and drawn.

    python examples/residual.py [PICTURE]

PICTURE, such as residual.svg, needs Graphviz; residual.dot needs nothing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import subgrad as sg
from subgrad import nn


class Block(nn.Module):
    """x + W2 relu(W1 x): the identity path carries the gradient past the weights."""

    def __init__(self, width: int) -> None:
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)

    def forward(self, x: sg.Tensor) -> sg.Tensor:
        return x + self.outer(sg.relu(self.inner(x)))


class Net(nn.Module):
    """A stem, residual blocks, a head."""

    def __init__(self, inputs: int, width: int, depth: int) -> None:
        self.stem = nn.Linear(inputs, width)
        self.blocks = [Block(width) for _ in range(depth)]
        self.head = nn.Linear(width, 1)

    def forward(self, x: sg.Tensor) -> sg.Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def waves(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of the square [-1, 1]² and the function to learn, sin(4x1) cos(3x2)."""
    X = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return X, np.sin(4 * X[:, 0]) * np.cos(3 * X[:, 1])


def main(picture: str | None = None) -> float:
    sg.manual_seed(0)
    net = Net(inputs=2, width=16, depth=2)
    print(net.summary((32, 2)))
    if picture:
        sg.draw(net, input_shape=(32, 2)).save(picture)
    X, y = waves(2000, seed=1)
    sg.fit(net, X, y, loss="squared", optimizer=sg.Adam(sg.step.Cosine(0.01, steps=40 * 63)), epochs=40)
    X_test, y_test = waves(500, seed=2)
    left = sg.evaluate(net, X_test, y_test, loss="squared")["loss"] / y_test.var()
    print(f"variance left unexplained on new points: {left:.2%}")

    path = Path(tempfile.mkdtemp()) / "residual.safetensors"
    sg.save(net, path)
    again = sg.load(path, modules=[Net])
    print("saved and loaded, the same numbers:", np.array_equal(sg.predict(again, X_test), sg.predict(net, X_test)))
    return left


if __name__ == "__main__":
    main(*sys.argv[1:])
