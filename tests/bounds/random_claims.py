"""Random functions, networks, boxes and errors to prove, some of them false: nothing false may be proven.

    PYTHONPATH=src python tests/bounds/random_claims.py [2000]

The supremum is approached from below by dense search and local ascent in float64, and its value there is computed in 60
digits, as are the values at counter-examples. Errors to prove lie on both sides of it, as near as 1e-9 of it. Every
proof is saved and must pass the independent checker, and must not pass it with a limit below the supremum, without one
of its boxes, with a box that is smaller by one float, or for a domain that is larger by one.
"""

import collections
import itertools
import os
import sys
import tempfile
from dataclasses import dataclass, field

import mpmath as mp
import numpy as np

import subgrad as sg
from subgrad import nn
from subgrad.bounds import bounder, checker
from subgrad.io.model_file import read_model_file, write_model_file

ACTIVATIONS = {
    "relu": (nn.ReLU, lambda z: np.maximum(z, 0), lambda z: max(z, mp.mpf(0))),
    "tanh": (nn.Tanh, np.tanh, mp.tanh),
    "sigmoid": (nn.Sigmoid, lambda z: 1 / (1 + np.exp(-z)), lambda z: 1 / (1 + mp.exp(-z))),
    "abs": (lambda: _Abs(), np.abs, abs),
}


class _Abs(nn.Module):
    forward = staticmethod(sg.abs)


class Exact:
    """The functions that formulas use, in mpmath."""

    exp, sin, cos, tanh, sqrt = mp.exp, mp.sin, mp.cos, mp.tanh, mp.sqrt
    abs, maximum = abs, max


FORMULAS = [  # of the columns of points, with the functions of a module m
    lambda m, x: m.exp(-sum(v * v for v in x) / 2),
    lambda m, x: m.sin(3 * x[0]) * m.cos(2 * x[-1]),
    lambda m, x: m.abs(x[0]) - m.maximum(x[-1], 0.25 + 0 * x[0]),
    lambda m, x: 1 / (1 + sum(v * v for v in x)),
    lambda m, x: m.tanh(5 * x[0] - x[-1]) + 0.125 * x[0],
    lambda m, x: m.sqrt(0.5 + x[0] * x[0]) * x[-1],
    lambda m, x: x[0] * x[0] * x[-1] - x[0] + 3,
    lambda m, x: m.exp(m.sin(x[0])) - x[-1] * m.cos(x[-1]),
]


@dataclass
class Claim:
    """|f - net| <= eps on a box; made from a seed."""

    seed: int
    eps: float = field(init=False)

    def __post_init__(self):
        rng = self.rng = np.random.default_rng(self.seed)
        self.d = int(rng.integers(1, 4))
        self.formula = FORMULAS[rng.integers(len(FORMULAS))]
        self.activation = str(rng.choice(list(ACTIVATIONS)))
        self.box = self._box()
        self.layers = self._layers()
        self.net = self._network()
        self.point = self._worst_point()
        self.supremum = self.error(self.point)
        side = rng.choice([-1, 1])
        size = float(rng.choice([1e-9, 1e-6, 1e-3, 0.02, 0.3]))
        self.eps = float(self.supremum * (1 + mp.mpf(side * size)))

    def _box(self):
        rng, d = self.rng, self.d
        kind = rng.choice(["plain", "plain", "tiny", "subnormal", "point", "flat", "far"])
        middle, half = rng.uniform(-2, 2, d), rng.uniform(0.1, 1.5, d)
        if kind == "tiny":
            half = half * 10.0 ** -rng.integers(3, 12)
        elif kind == "subnormal":
            middle, half = np.zeros(d), rng.integers(1, 9, d) * 5e-324 * 10.0 ** rng.integers(0, 12)
        elif kind == "point":
            half = np.zeros(d)
        elif kind == "flat":
            half[rng.integers(d)] = 0
        elif kind == "far":
            middle = middle * 1000
        return np.stack([middle - half, middle + half], axis=1)

    def _layers(self):
        rng = self.rng
        widths = [self.d, *rng.integers(1, 8, rng.integers(1, 3)), 1]
        ill = rng.random() < 0.4
        layers = []
        for m, n in itertools.pairwise(widths):
            scale = 10.0 ** rng.integers(-6, 7, (n, m)) if ill else 1 / np.sqrt(m)
            shift = 10.0 ** rng.integers(-6, 7) if ill else 1
            layers.append((rng.standard_normal((n, m)) * scale, rng.standard_normal(n) * shift))
        return layers

    def _network(self):
        with sg.using_dtype("float64"):
            linears = [nn.Linear(w.shape[1], w.shape[0]) for w, _ in self.layers]
        for linear, (w, b) in zip(linears, self.layers, strict=True):
            linear.weight.assign(w)
            linear.bias.assign(b)
        parts = [linears[0]]
        for linear in linears[1:]:
            parts += [ACTIVATIONS[self.activation][0](), linear]
        return nn.Sequential(*parts)

    def f(self, x):
        return self.formula(sg, [x[:, i] for i in range(self.d)])

    def error(self, point):
        """The error at a point, in 60 digits."""
        with mp.workdps(60):
            z = [mp.mpf(float(v)) for v in point]
            y = self.formula(Exact, z)
            for i, (w, b) in enumerate(self.layers):
                z = z if not i else [ACTIVATIONS[self.activation][2](v) for v in z]
                z = [mp.fdot(map(mp.mpf, row), z) + mp.mpf(s) for row, s in zip(w.tolist(), b.tolist(), strict=True)]
            return abs(y - z[0])

    def errors(self, points):
        """The errors at points, in float64."""
        with np.errstate(all="ignore"):
            y, z = self.formula(np, list(points.T)), points
            for i, (w, b) in enumerate(self.layers):
                z = (z if not i else ACTIVATIONS[self.activation][1](z)) @ w.T + b
            return np.abs(y - z[:, 0])

    def _worst_point(self):
        low, high = self.box.T
        grid = self.rng.uniform(0, 1, (3000, self.d))
        grid[:600] = self.rng.integers(0, 2, (600, self.d))
        points = low + (high - low) * grid
        points[:600] = np.where(grid[:600] > 0, high, low)
        best = points[np.argsort(-self.errors(points))[:8]]
        step = 0.1 * (high - low)
        for _ in range(40):
            moves = best[:, None] + step * self.rng.standard_normal((len(best), 16, self.d))
            moves = np.clip(np.concatenate([best[:, None], moves], axis=1), low, high)
            values = self.errors(moves.reshape(-1, self.d)).reshape(moves.shape[:2])
            best = moves[np.arange(len(best)), np.argmax(values, axis=1)]
            step = step * 0.7
        return max((*best, *points[:4]), key=self.error)

    def check(self, budget=2500):
        """Try to prove it; raises AssertionError for anything false. Gives what came out."""
        found = sg.certify(self.f, self.net, self.box, self.eps, budget=budget)
        assert mp.mpf(found.bound) >= self.supremum, f"a bound below the supremum: seed {self.seed}"
        if found.status == "proven":
            assert self.supremum <= mp.mpf(self.eps), f"a false proof: seed {self.seed}"
            assert found.bound <= self.eps
            return self.check_proof(found)
        elif found.status == "refuted":
            x = found.counterexample
            assert (self.box[:, 0] <= x).all()
            assert (x <= self.box[:, 1]).all()
            assert self.error(x) > mp.mpf(self.eps), f"a false counter-example: seed {self.seed}"
        return found.status

    def check_proof(self, found):
        """The checker accepts the proof, and not what is made of it with a limit below the supremum or a gap."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "proof.safetensors")
            found.save(path)
            checker.check(path)
            for change in (self._limit_too_low, self._missing_box, self._smaller_box, self._larger_domain):
                tensors, header = read_model_file(path)
                del header["format"]
                tensors = {k: v.copy() for k, v in tensors.items()}
                if change(tensors, header) is not None:
                    self._must_fail(os.path.join(folder, "changed.safetensors"), tensors, header, change.__name__)
        return "proven"

    def _must_fail(self, path, tensors, header, change):
        write_model_file(path, tensors, header)
        try:
            checker.check(path)
        except checker.CheckFailed:
            return
        raise AssertionError(f"the checker accepts what is false, {change}: seed {self.seed}")

    def _limit_too_low(self, tensors, header):
        below = float(self.supremum * mp.mpf("0.9"))
        header["limit"], tensors["bound"] = below, np.minimum(tensors["bound"], below)
        return below if below < self.supremum else None

    def _some_box(self, tensors):
        return int(self.rng.integers(len(tensors["bound"])))

    def _missing_box(self, tensors, header):
        box = self._some_box(tensors)
        tensors.update({k: np.delete(tensors[k], box, axis=0) for k in ("low", "high", "bound")})
        return box

    def _smaller_box(self, tensors, header):
        box, axis = self._some_box(tensors), int(self.rng.integers(self.d))
        tensors["high"][box, axis] = np.nextafter(tensors["high"][box, axis], -np.inf)
        return box

    def _larger_domain(self, tensors, header):
        axis = int(self.rng.integers(self.d))
        header["box"][axis][1] = float(np.nextafter(header["box"][axis][1], np.inf))
        return axis


def main(count):
    """Check ``count`` claims; every 20th with native code from the start."""
    patience, outcomes = bounder.PATIENCE, collections.Counter()
    for seed in range(count):
        bounder.PATIENCE = patience if seed % 20 else 0
        claim = Claim(seed)
        side = "below" if mp.mpf(claim.eps) < claim.supremum else "above"
        outcomes[side, claim.check()] += 1
        if sys.stderr.isatty() or seed % 200 == 199:
            print(seed + 1, dict(outcomes), file=sys.stderr)
    for (side, status), n in sorted(outcomes.items()):
        print(f"eps {side} the largest error that was found, {status}: {n}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
