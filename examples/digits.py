"""Handwritten digits with the Python interface: data, network, training, test, and a file to keep.

    python examples/digits.py [MODEL]

MODEL, such as digits.safetensors, is where the trained network goes.
"""

from __future__ import annotations

import sys

import subgrad as sg
from subgrad import nn


def main(path: str | None = None) -> float:
    X, y = sg.data.load_digits()
    X = X / 16  # pixels from 0 (paper) to 1 (ink)
    train, test = sg.data.train_test_split(len(y), 0.2, seed=0, stratify=y)
    net = nn.Sequential(
        nn.Linear(64, 64, seed=1),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(64, 10, seed=2),
    )
    print(net.summary((32, 64)))
    history = sg.fit(
        net, X[train], y[train], loss="cross_entropy", optimizer=sg.Adam(0.003), epochs=30, metrics=["accuracy"]
    )
    measured = sg.evaluate(net, X[test], y[test], loss="cross_entropy", metrics=["accuracy"])
    print(f"training loss {history['loss'][0]:.3f} in the first epoch, {history['loss'][-1]:.3f} in the last")
    print(f"test accuracy {measured['accuracy']:.1%} on {len(test)} digits that it has not seen")
    if path:
        sg.save(net, path)
    return measured["accuracy"]


if __name__ == "__main__":
    main(*sys.argv[1:])
