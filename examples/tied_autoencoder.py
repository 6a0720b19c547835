"""An autoencoder whose decoder has the encoder's weights, transposed: one parameter in two places.

    python examples/tied_autoencoder.py

Without a nonlinearity the best one is known: it projects on the first principal components.
"""

from __future__ import annotations

import numpy as np

import subgrad as sg
from subgrad import nn


class Tied(nn.Module):
    """x -> W'(W x + b) + c."""

    def __init__(self, inputs: int, hidden: int, seed: int = 0) -> None:
        self.encoder = nn.Linear(inputs, hidden, seed=seed)
        self.c = sg.Parameter(np.zeros(inputs))

    def encode(self, x: sg.Tensor) -> sg.Tensor:
        return self.encoder(x)

    def forward(self, x: sg.Tensor) -> sg.Tensor:
        return self.encode(x) @ self.encoder.weight + self.c


def main() -> tuple[float, float]:
    """The mean squared error on the digits, and the least that eight numbers for each image can have."""
    X = sg.data.load_digits()[0] / 16
    net = Tied(64, 8)
    adam = sg.Adam(sg.step.Cosine(0.01, steps=60 * 15))
    history = sg.fit(net, X, X, loss="mse", optimizer=adam, epochs=60, batch_size=120)
    singular = np.linalg.svd(X - X.mean(0), compute_uv=False)
    least = float((singular[8:] ** 2).sum() / X.size)
    found = sg.evaluate(net, X, X, loss="mse")["loss"]
    print(f"{len(net.parameters())} parameters; error {found:.5f} after {len(history)} epochs, {least:.5f} at best")
    return found, least


if __name__ == "__main__":
    main()
