"""Random networks of all kinds of layers, and claims on either side of what samples reach: nothing false is proven.

    PYTHONPATH=src python tests/bounds/branching/random_networks.py [3000]

Claims lie as near as 1e-9 of the least value that samples and descent from them find; boxes are wide, small, or points.
"""

import collections
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Case, Unreachable

pytest.importorskip("flint")
from subgrad.bounds import checker

ACTIVATIONS = [nn.ReLU, nn.ReLU, nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.GELU]


class Residual(nn.Module):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def normalised(layer, rng):
    """A layer of batch normalisation that has seen data."""
    n = layer.running_mean.shape[0]
    layer.running_mean.assign(rng.normal(size=n))
    layer.running_var.assign(rng.uniform(0.05, 4, n))
    return layer


def network(rng):
    """From 16 inputs, an image of 4 x 4, or from 3, to two outputs."""
    seeds = iter(rng.integers(0, 2**31, 20).tolist())
    act = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    if rng.random() < 0.4:
        parts = [nn.Linear(3, 6, seed=next(seeds)), act(), Residual(nn.Linear(6, 6, seed=next(seeds))), act()]
        return nn.Sequential(*parts, nn.Linear(6, 2, seed=next(seeds))), 3
    side = int(rng.integers(4, 6))
    parts = [nn.Reshape(1, side, side), nn.Conv2d(1, 2, 2, padding=int(rng.integers(2)), seed=next(seeds))]
    if rng.random() < 0.5:
        parts.append(normalised(nn.BatchNorm2d(2), rng))
    parts.append(act())
    if rng.random() < 0.4:
        parts += [Residual(nn.Conv2d(2, 2, 3, padding=1, seed=next(seeds))), act()]
    if rng.random() < 0.6:
        parts.append((nn.MaxPool2d if rng.random() < 0.6 else nn.AvgPool2d)(2, stride=1))
    parts.append(nn.Flatten())
    body = nn.Sequential(*parts)
    width = body(sg.zeros((1, side * side), "float64")).shape[1]
    return nn.Sequential(*parts, nn.Linear(width, 2, seed=next(seeds))), side * side


class Claim:
    """No point of a box has ``row @ y <= limit``; made from a seed."""

    def __init__(self, seed):
        rng = self.rng = np.random.default_rng(seed)
        with sg.using_dtype("float64"):
            self.net, self.d = network(rng)
        half = 10.0 ** rng.choice([0, -1, -2, -6, -300]) * rng.uniform(0.2, 1, self.d)
        centre = rng.uniform(-1, 1, self.d)
        self.box = np.stack([centre - half, centre + half], axis=1)
        self.row = rng.normal(size=2)
        self.least, self.size = self._least()

    def values(self, points):
        """``row @ y`` at points, in float64."""
        return sg.predict(self.net, points) @ self.row

    def _least(self):
        low, high = self.box.T
        points = low + (high - low) * self.rng.uniform(size=(300, self.d))
        points[:100] = np.where(self.rng.random((100, self.d)) < 0.5, low, high)
        points = np.clip(points, low, high)
        values = self.values(points)
        best, size = points[np.argmin(values)], max(np.ptp(values), 1e-12 * np.abs(values).max())
        for scale in (0.5, 0.2, 0.05):
            near = best + scale * (high - low) * self.rng.uniform(-1, 1, (100, self.d))
            near = np.clip(np.concatenate([best[None], near]), low, high)
            best = near[np.argmin(self.values(near))]
        return float(self.values(best[None])[0]), size

    def check(self, budget, checked=False):
        """Try to prove it, and to check the proof if ``checked``; raises AssertionError for anything false.

        Gives on which side it lay, and what came out."""
        side, off = self.rng.choice([-1, 1]), self.rng.choice([1e-9, 1e-3, 0.1, 1.0])
        limit = self.least + side * off * self.size
        found = sg.verify(self.net, Unreachable([Case(self.box, [self.row], [limit])]), budget=budget)
        slack = 1e-12 * (abs(self.least) + self.size)  # of values in float64
        if found.status == "proven":
            assert self.least > limit - slack
            if checked and found.proof is not None:
                with tempfile.TemporaryDirectory() as folder:
                    found.save(Path(folder) / "proof.safetensors")
                    checker.check(Path(folder) / "proof.safetensors")
        elif found.status == "refuted":
            x = found.counterexample
            assert ((self.box[:, 0] <= x) & (x <= self.box[:, 1])).all()
            assert self.values(x[None])[0] <= limit + slack
        return ("false" if side > 0 else "perhaps true"), found.status


def main(count):
    """Check so many claims."""
    outcomes = collections.Counter()
    for seed in range(count):
        outcomes[Claim(seed).check(400, checked=True)] += 1
        if seed % 100 == 99:
            print(seed + 1, dict(outcomes), file=sys.stderr, flush=True)
    for (side, status), n in sorted(outcomes.items()):
        print(f"{side}, {status}: {n}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
