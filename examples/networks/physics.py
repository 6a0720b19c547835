"""A physics-informed network (Raissi, Perdikaris, Karniadakis 2019): u'' = f with boundary conditions.

    python examples/networks/physics.py

The loss has second derivatives of the network in it. Adam comes near, L-BFGS goes on from there. With
f = -π² sin(πx) and u(0) = u(1) = 0 the solution is sin(πx).
"""

from __future__ import annotations

import numpy as np

import subgrad as sg
from subgrad import nn

POINTS = np.linspace(0, 1, 33)[:, None]
ADAM, LBFGS = 300, 100  # steps


class Residual(nn.Module):
    """How far u is from solving the equation at points (n, 1), and ten times how far at both ends: (n, 3)."""

    def __init__(self) -> None:
        self.u = nn.Sequential(nn.Linear(1, 16, seed=0), nn.Tanh(), nn.Linear(16, 1, seed=1))

    def forward(self, x: sg.Tensor) -> sg.Tensor:
        slope = sg.grad(self.u(x).sum(), x)
        bend = sg.grad(slope.sum(), x)
        ends = self.u(sg.tensor([[0.0], [1.0]], x.dtype)).reshape(1, 2)
        inside = bend + np.pi**2 * sg.sin(np.pi * x)
        return sg.concatenate([inside, 10 * sg.broadcast_to(ends, (x.shape[0], 2))], axis=1)


def main() -> tuple[float, float]:
    """Train, and give the largest error after Adam and after L-BFGS."""
    with sg.using_dtype("float64"):
        model = Residual()
    target, errors = np.zeros((len(POINTS), 3)), []
    for method, epochs in ((sg.Adam(0.01), ADAM), (sg.LBFGS(), LBFGS)):
        sg.fit(model, POINTS, target, loss="squared", optimizer=method, epochs=epochs, batch_size=len(POINTS))
        errors.append(float(np.abs(model.u.predict(POINTS) - np.sin(np.pi * POINTS)).max()))
        print(f"after {type(method).__name__}: the largest error is {errors[-1]:.1e}")
    return errors[0], errors[1]


if __name__ == "__main__":
    main()
