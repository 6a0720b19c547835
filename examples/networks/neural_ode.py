"""A neural differential equation (Chen, Rubanova, Bettencourt, Duvenaud 2018): a trajectory is fitted.

    python examples/networks/neural_ode.py

The network is the right side of y' = f(y). The classic Runge-Kutta method, in a scan, makes a trajectory of it, and
gradients go back through all steps. The truth is a spiral, y' = A y³.
"""

from __future__ import annotations

import numpy as np

import subgrad as sg
from subgrad import nn

STEPS, WIDTH, EPOCHS = 40, 0.05, 150
TRUTH = np.array([[-0.1, -2.0], [2.0, -0.1]])


def runge_kutta(f, y, h: float):
    """A step of the classic method, of fourth order."""
    k1 = f(y)
    k2 = f(y + h / 2 * k1)
    k3 = f(y + h / 2 * k2)
    k4 = f(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


class Flow(nn.Module):
    """Trajectories (n, STEPS, 2) from where they start, (n, 2)."""

    def __init__(self) -> None:
        self.slope = sg.models.mlp(2, 32, 2, activation="tanh", seed=0)

    def forward(self, start: sg.Tensor) -> sg.Tensor:
        def step(y, _):
            y = runge_kutta(lambda y: self.slope(y**3), y, WIDTH)
            return y, y

        _, path = sg.scan(step, start, length=STEPS)
        return sg.transpose(path, (1, 0, 2))


def truth(start: np.ndarray) -> np.ndarray:
    """The trajectories of the spiral, by steps a tenth as wide."""
    y, found = start, []
    for _ in range(STEPS):
        for _ in range(10):
            y = runge_kutta(lambda y: y**3 @ TRUTH.T, y, WIDTH / 10)
        found.append(y)
    return np.stack(found, axis=1)


def main() -> tuple[float, float]:
    """Train, and give the root mean square error on new trajectories before and after."""
    rng = np.random.default_rng(0)
    start, new = (rng.uniform(-1.2, 1.2, (n, 2)).astype(np.float32) for n in (128, 32))
    net, errors = Flow(), []
    for epochs in (0, EPOCHS):
        if epochs:
            method = sg.Adam(sg.step.Cosine(0.01, steps=epochs * 4))
            sg.fit(net, start, truth(start), loss="squared", optimizer=method, epochs=epochs, batch_size=32, seed=0)
        errors.append(float(np.sqrt(np.mean((sg.predict(net, new) - truth(new)) ** 2))))
        print(f"after {epochs} epochs: root mean square error {errors[-1]:.3f}")
    return errors[0], errors[1]


if __name__ == "__main__":
    main()
