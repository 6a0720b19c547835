"""A mixture-density network (Bishop 1994): where x has several answers, it says how likely each is.

    python examples/mixture_density.py

The points are those of x = y + 0.3 sin(2 π y), read from x to y; the loss is one of our own.
"""

from __future__ import annotations

import math

import numpy as np

import subgrad as sg

PARTS = 3


def data(n: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.random((n, 1))
    return y + 0.3 * np.sin(2 * math.pi * y) + rng.normal(0, 0.03, (n, 1)), y


def mixture(scores: sg.Tensor) -> tuple[sg.Tensor, sg.Tensor, sg.Tensor]:
    """Logarithms of weights, means, and logarithms of deviations, (n, parts) each."""
    weights, means, deviations = sg.split(scores, 3, axis=1)
    return sg.log_softmax(weights), means, sg.clip(deviations, -6, 3)


def negative_log_likelihood(scores: sg.Tensor, y: sg.Tensor) -> sg.Tensor:
    weights, means, deviations = mixture(scores)
    of_parts = weights - deviations - 0.5 * ((y - means) * sg.exp(-deviations)) ** 2
    return (0.5 * math.log(2 * math.pi) - sg.logsumexp(of_parts, axis=1)).mean()


def sample(net: sg.nn.Module, x: np.ndarray) -> np.ndarray:
    """One answer for each x."""

    @sg.compile
    def draw(x):
        weights, means, deviations = mixture(net(x))
        part = sg.expand_dims(sg.random.categorical(weights), 1)
        mean, deviation = (sg.take_along_axis(of, part, axis=1)[:, 0] for of in (means, deviations))
        return sg.random.normal(mean.shape, mean, sg.exp(deviation))

    return np.asarray(draw(np.asarray(x, np.float32)))


def main() -> tuple[float, float, np.ndarray]:
    """The loss of the mixture, that of one normal distribution, and answers to x = 1/2, of which there are three."""
    X, y = data()
    losses = []
    for parts in (PARTS, 1):
        net = sg.models.mlp(1, 32, 3 * parts, activation="tanh", seed=0)
        history = sg.fit(net, X, y, loss=negative_log_likelihood, optimizer=sg.Adam(0.01), epochs=150, batch_size=100)
        losses.append(history["loss"][-1])
        if parts == PARTS:
            sg.manual_seed(0)
            answers = sample(net, np.full((1000, 1), 0.5))
    print(f"negative log-likelihood {losses[0]:.2f}, of one normal distribution {losses[1]:.2f}")
    shares = np.histogram(answers, [-0.5, 0.35, 0.65, 1.5])[0] / 1000
    print(f"at x = 0.5 the answers below, about and above 1/2 have the shares {shares.tolist()}")
    return losses[0], losses[1], answers


if __name__ == "__main__":
    main()
