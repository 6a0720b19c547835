"""A generative adversarial network on points in the plane (Goodfellow et al. 2014).

    python examples/gan.py

A generator makes points of normal noise, a discriminator tells them from points of a ring. Both take their steps in one
native program, each with its own optimiser; the noise is drawn inside of it.
"""

from __future__ import annotations

import math

import numpy as np

import subgrad as sg
from subgrad import nn

STEPS, BATCH = 3000, 64


def ring(n: int) -> sg.Tensor:
    """Points at distance 2 from (1, 0), nearly."""
    angle = 2 * math.pi * sg.random.draw((n,))
    circle = sg.stack([sg.cos(angle), sg.sin(angle)], axis=1)
    return 2 * circle + sg.tensor([1.0, 0.0]) + sg.random.normal((n, 2), std=0.05)


def network(inputs: int, outputs: int, seed: int) -> nn.Sequential:
    return sg.models.mlp(inputs, 32, 32, outputs, activation="leakyrelu", seed=seed)


def main() -> np.ndarray:
    """Train, and give some points of the generator's."""
    sg.manual_seed(0)
    generator, discriminator = network(4, 2, seed=1), network(2, 1, seed=2)
    slow, fast = sg.Adam(1e-3, betas=(0.5, 0.9)), sg.Adam(2e-3, betas=(0.5, 0.9))
    ones = sg.ones((BATCH, 1))

    @sg.compile
    def step(of_generator, of_discriminator):
        real, made = ring(BATCH), generator(sg.random.normal((BATCH, 4)))
        loss = nn.binary_cross_entropy(discriminator(real), ones)
        loss = loss + nn.binary_cross_entropy(discriminator(sg.stop_gradient(made)), -ones)
        of_discriminator = sg.update(discriminator, sg.grad(loss, discriminator), fast, of_discriminator)
        fooled = nn.binary_cross_entropy(discriminator(made), ones)
        of_generator = sg.update(generator, sg.grad(fooled, generator), slow, of_generator)
        return loss, fooled, of_generator, of_discriminator

    states = slow.init(generator), fast.init(discriminator)
    for i in range(STEPS):
        loss, fooled, *states = step(*states)
        if (i + 1) % 1000 == 0:
            print(f"step {i + 1}: discriminator {loss:.3f}, generator {fooled:.3f}")
    points = sg.predict(generator, np.random.default_rng(0).normal(size=(1000, 4)))
    distance = np.linalg.norm(points - [1, 0], axis=1)
    print(f"distance from the middle of the ring: {distance.mean():.2f} +- {distance.std():.2f}; real: 2.00 +- 0.05")
    return points


if __name__ == "__main__":
    main()
