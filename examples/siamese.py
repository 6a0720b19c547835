"""A siamese network: one encoder for two images, or three, that learns which digits are alike.

    python examples/siamese.py
"""

from __future__ import annotations

import numpy as np

import subgrad as sg
from subgrad import nn


class Siamese(nn.Module):
    """The codes of each of its inputs, by one encoder."""

    def __init__(self, seed: int = 0) -> None:
        self.encoder = sg.models.mlp(64, 64, 8, seed=seed)

    def forward(self, *images: sg.Tensor) -> tuple[sg.Tensor, ...]:
        return tuple(self.encoder(x) for x in images)


def contrastive(codes: tuple[sg.Tensor, sg.Tensor], alike: sg.Tensor, margin: float = 1.0) -> sg.Tensor:
    """Hadsell, Chopra and LeCun 2006."""
    distance = sg.norm(codes[0] - codes[1], axis=1)
    return sg.where(alike, distance**2, sg.relu(margin - distance) ** 2).mean()


def triplet(codes: tuple[sg.Tensor, sg.Tensor, sg.Tensor], _: sg.Tensor) -> sg.Tensor:
    return nn.triplet_loss(*codes)


def nearest(net: Siamese, X: np.ndarray, y: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """The digit of the nearest code."""
    known, asked = net.encoder.predict(X), net.encoder.predict(Z)
    return y[((asked[:, None] - known[None]) ** 2).sum(2).argmin(1)]


def main() -> tuple[float, float]:
    """How often the nearest of 500 images is the same digit, after each of the losses."""
    X, y = sg.data.load_digits()
    X = X / 16
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 500, (2, 6000))
    b[::2] = [rng.choice(np.flatnonzero(y[:500] == digit)) for digit in y[a[::2]]]
    pairs = Siamese()
    sg.fit(pairs, (X[a], X[b]), y[a] == y[b], loss=contrastive, epochs=10)
    same, other = b[::2], b[1::2]
    anchor = a[::2]
    apart = y[anchor] != y[other]
    triplets = Siamese()
    three = X[anchor][apart], X[same][apart], X[other][apart]
    sg.fit(triplets, three, np.zeros(apart.sum()), loss=triplet, epochs=10)
    found = [float(np.mean(nearest(net, X[:500], y[:500], X[500:]) == y[500:])) for net in (pairs, triplets)]
    print(f"the nearest image is the same digit: contrastive {found[0]:.1%}, triplets {found[1]:.1%}")
    return found[0], found[1]


if __name__ == "__main__":
    main()
