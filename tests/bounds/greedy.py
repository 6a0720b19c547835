"""Networks to certify: orthogonal greedy approximations of a function by relu units, in plain NumPy."""

import numpy as np

from subgrad import nn


def gaussian(x):
    """exp(-|x|^2 / 2) of the rows of an array."""
    return np.exp(-(x * x).sum(1) / 2)


def greedy_net(f, d, units, seed=0, points=2000):
    """A network with one hidden layer for ``f`` on [-1, 1]^d: each unit is the best of random ones for the residual."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (points, d))
    y = f(x)
    weights, biases, columns = [], [], []
    residual = y.copy()
    for _ in range(units):
        w, b = _candidates(rng, d, 400)
        best = _best(x, residual, w, b)
        for scale in (0.3, 0.1, 0.03):
            w = np.concatenate([best[0][None], best[0] + scale * rng.standard_normal((20, d))])
            b = np.concatenate([[best[1]], best[1] + scale * rng.standard_normal(20)])
            best = _best(x, residual, w, b)
        weights.append(best[0])
        biases.append(best[1])
        columns.append(np.maximum(x @ best[0] + best[1], 0))
        a = np.stack(columns, axis=1)
        v = np.linalg.lstsq(a, y, rcond=1e-10)[0]
        residual = y - a @ v
    net = nn.Sequential(nn.Linear(d, units), nn.ReLU(), nn.Linear(units, 1, bias=False))
    net[0].weight.assign(np.array(weights))
    net[0].bias.assign(np.array(biases))
    net[2].weight.assign(v[None])
    return net


def _candidates(rng, d, count):
    w = rng.standard_normal((count, d))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    return w, rng.uniform(-1, 1, count) * np.sqrt(d)


def _best(x, residual, w, b):
    g = np.maximum(x @ w.T + b, 0)
    score = np.abs(residual @ g) / (np.linalg.norm(g, axis=0) + 1e-12)
    k = int(np.argmax(score))
    return w[k], b[k]
