"""A convolutional network for images of 28 by 28 pixels: two convolutions, pooling, dropout, cross-entropy.

    python examples/networks/convnet.py

The images are the bundled digits, enlarged; the accuracy of both parts is printed after each epoch.
"""

from __future__ import annotations

import numpy as np

import subgrad as sg
from subgrad import nn

EPOCHS = 4


def images() -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 1, 28, 28) from 0 to 1, and which digit each shows."""
    X, y = sg.data.load_digits()
    large = np.kron(X.reshape(-1, 8, 8) / 16, np.ones((3, 3)))
    return np.pad(large, ((0, 0), (2, 2), (2, 2)))[:, None].astype(np.float32), y


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, seed=0), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, seed=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(16 * 4 * 4, 10, seed=2),
    )  # fmt: skip


def main() -> float:
    """Train, and give the accuracy of the images that were not trained on."""
    X, y = images()
    train, test = sg.data.train_test_split(len(y), 0.3, seed=0, stratify=y)
    history = sg.fit(
        network(), X[train], y[train], loss="cross_entropy", optimizer=sg.Adam(3e-3), epochs=EPOCHS, batch_size=32,
        metrics=["accuracy"], validation=(X[test], y[test]), seed=0,
    )  # fmt: skip
    for i, row in enumerate(history, 1):
        print(f"epoch {i}: accuracy {row['accuracy']:.3f}, validation {row['validation_accuracy']:.3f}")
    return history["validation_accuracy"][-1]


if __name__ == "__main__":
    main()
