"""The method "train": the network trained with Adam, as a baseline for the other methods."""

from __future__ import annotations

import numpy as np

from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.shallow import activation_of
from subgrad.fit import fit
from subgrad.graph.dtype import float64, using_dtype
from subgrad.nn.layers.compose import Sequential
from subgrad.nn.layers.linear import Linear
from subgrad.optim import Adam
from subgrad.optim.step import Cosine

EPOCHS, BATCH = 200, 64


def trained(points: np.ndarray, values: np.ndarray, n: int, activation: str, seed: int) -> HiddenUnits:
    """n units by Adam on the mean squared error: 200 epochs, batches of 64, steps falling from 0.01 along a cosine."""
    with using_dtype(float64):
        hidden, out = Linear(points.shape[1], n, seed=seed), Linear(n, 1, seed=seed + 1)
        net = Sequential(hidden, activation_of(activation), out)
        steps = EPOCHS * -(-len(points) // BATCH)
        history = fit(
            net, points, values[:, None], loss="squared", optimizer=Adam(Cosine(0.01, steps=steps)), epochs=EPOCHS,
            batch_size=BATCH, seed=seed, verbose=False,
        )  # fmt: skip
    if history.stopped == "interrupted":  # `fit` keeps what it has, which is no answer here
        raise KeyboardInterrupt
    assert hidden.bias is not None
    assert out.bias is not None
    return HiddenUnits(hidden.weight.numpy(), hidden.bias.numpy(), out.weight.numpy()[0], out.bias.item())
