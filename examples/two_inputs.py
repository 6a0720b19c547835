"""Two inputs and two outputs: a table and an image go in, a class and a number come out.

    python examples/two_inputs.py

Each output has a loss of its own. The convolution was trained before and stays as it is; the part for the table takes
larger steps than the rest.
"""

from __future__ import annotations

import numpy as np

import subgrad as sg
from subgrad import nn


class Both(nn.Module):
    def __init__(self, image: nn.Module, seed: int = 0) -> None:
        self.image = image
        self.table = nn.Sequential(nn.Linear(2, 16, seed=seed), nn.ReLU())
        self.digit = nn.Linear(8 * 16 + 16, 10, seed=seed + 1)
        self.price = nn.Linear(8 * 16 + 16, 1, seed=seed + 2)

    def forward(self, table: sg.Tensor, image: sg.Tensor) -> dict[str, sg.Tensor]:
        both = sg.concatenate([self.table(table), self.image(image)], axis=1)
        return {"digit": self.digit(both), "price": self.price(both)}


def data() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Digits, and two numbers for each; the price follows from the digit and from the numbers."""
    X, digit = sg.data.load_digits()
    table = np.random.default_rng(0).normal(size=(len(X), 2)).astype(np.float32)
    price = digit / 5 + table[:, 0] - 0.5 * np.abs(table[:, 1])
    return {"table": table, "image": X.reshape(-1, 1, 8, 8) / 16}, {"digit": digit, "price": price}


def convolution(X: np.ndarray, y: np.ndarray) -> nn.Module:
    """Features of images, trained on the digits alone."""
    features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, seed=5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    sg.fit(nn.Sequential(features, nn.Linear(128, 10, seed=6)), X, y, loss="cross_entropy", epochs=3)
    return features


def main() -> dict[str, float]:
    """The numbers of the last 400 samples."""
    X, y = data()
    net = Both(convolution(X["image"][:1000], y["digit"][:1000]))
    sg.freeze(net, "image.*")
    before = net.image.state_dict()
    sg.fit(
        net, {key: a[:1397] for key, a in X.items()}, {key: a[:1397] for key, a in y.items()},
        loss={"digit": "cross_entropy", "price": "mse"}, loss_weights={"price": 0.5},
        metrics={"digit": ["accuracy"], "price": ["mae"]}, epochs=20,
        optimizer=sg.groups({"table.*": sg.Adam(1e-2), "*": sg.Adam(2e-3)}),
    )  # fmt: skip
    assert all((before[name] == value).all() for name, value in net.image.state_dict().items())
    found = sg.evaluate(
        net, {key: a[1397:] for key, a in X.items()}, {key: a[1397:] for key, a in y.items()},
        loss={"digit": "cross_entropy", "price": "mse"}, metrics={"digit": ["accuracy"], "price": ["mae"]},
    )  # fmt: skip
    print(f"digits right {found['digit_accuracy']:.1%}; mean |error| of prices {found['price_mae']:.3f}")
    return found


if __name__ == "__main__":
    main()
