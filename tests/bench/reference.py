"""The losses of the benchmarks' networks in plain NumPy and float64, layer by layer."""

import numpy as np
from bench.work.layers import VISCOSITY, through
from bench.work.layers import parameters as parameters_of
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import erf, log_softmax


def loss(workload, parameters, x, y):
    """The mean over members of the loss of the workload's network."""
    members = [parameters] if workload.members == 1 else list(zip(*parameters, strict=True))
    return np.mean([of_output(workload.loss, forward(workload, member, x), y) for member in members])


def forward(workload, parameters, x):
    return chain(workload.shaped_layers(), iter([np.asarray(p, np.float64) for p in parameters]), x)


def chain(layers, parameters, x):
    for layer, shape in layers:
        kind, *sizes = layer
        own = [next(parameters) for _ in parameters_of(layer, shape)]
        x = LAYERS[kind](x, own, sizes, shape)
    return x


def of_output(name, f, y):
    if name == "mse":
        return np.mean((f - y) ** 2)
    if name == "elbo":
        scores, mean, logvar = f
        chance = 1 / (1 + np.exp(-scores))
        seen = y * np.log(chance) + (1 - y) * np.log(1 - chance)
        return (0.5 * (mean**2 + np.exp(logvar) - 1 - logvar).sum() - seen.sum()) / len(y)
    return -np.take_along_axis(log_softmax(f, -1), y[..., None], -1).mean()


def linear(x, own, sizes, shape):
    return x @ own[0].T + own[1]


def layer_norm(x, own, sizes, shape):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * own[0] + own[1]


def transformer(x, own, sizes, shape):
    (heads,), (places, width) = sizes, shape
    q, k, v = np.split(linear(layer_norm(x, own[8:10], [], shape), own[:2], [], shape), 3, -1)
    rows = []
    for head in np.split(np.arange(width), heads):
        scores = q[:, :, head] @ k[:, :, head].swapaxes(1, 2) / np.sqrt(len(head))
        scores[:, ~np.tri(places, dtype=bool)] = -np.inf
        rows.append(np.exp(log_softmax(scores, -1)) @ v[:, :, head])
    x = x + linear(np.concatenate(rows, -1), own[2:4], [], shape)
    hidden = linear(layer_norm(x, own[10:12], [], shape), own[4:6], [], shape)
    return x + linear(hidden * (1 + erf(hidden / np.sqrt(2))) / 2, own[6:8], [], shape)


def convolve(x, weight, padding, stride=1):
    """In any number of axes of space."""
    space = tuple(range(2, x.ndim))
    x = np.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * len(space)])
    windows = sliding_window_view(x, weight.shape[2:], space)[
        (slice(None), slice(None), *[slice(None, None, stride)] * len(space))
    ]
    return np.moveaxis(np.tensordot(windows, weight, ([1, *range(x.ndim, 2 * x.ndim - 2)], [1, *space])), -1, 1)


def conv1d(x, own, sizes, shape):
    return convolve(x, own[0], sizes[2]) + own[1][:, None]


def conv(x, own, sizes, shape):
    return convolve(x, own[0], sizes[2])


def pool1d(x, own, sizes, shape):
    n = x.shape[2] // sizes[0]
    return x[:, :, : n * sizes[0]].reshape(*x.shape[:2], n, -1).max(-1)


def batch_norm(x, own, sizes, shape):
    scale, bias = (p[:, None, None] for p in own)
    return (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-5) * scale + bias


def separable(x, own, sizes, shape):
    depthwise = [convolve(x[:, [c]], own[0][[c]], 1, sizes[1]) for c in range(x.shape[1])]
    x = np.maximum(batch_norm(np.concatenate(depthwise, 1), own[1:3], [], shape), 0)
    return np.maximum(batch_norm(convolve(x, own[3], 0), own[4:6], [], shape), 0)


def gru(x, own, order):
    """The last state and those of all steps, which are visited in ``order``."""
    w_ih, w_hh, b_ih, b_hh = own
    h, found = np.zeros((len(x), w_hh.shape[1])), np.zeros((*x.shape[:2], w_hh.shape[1]))
    for t in order:
        (r, z, n), (rr, zz, nn) = (np.split(a, 3, 1) for a in (x[:, t] @ w_ih.T + b_ih, h @ w_hh.T + b_hh))
        update = 1 / (1 + np.exp(-z - zz))
        h = (1 - update) * np.tanh(n + nn / (1 + np.exp(-r - rr))) + update * h
        found[:, t] = h
    return h, found


def bigru(x, own, sizes, shape):
    ends = []
    for i in range(0, len(own), 8):
        (a, ahead), (b, back) = (
            gru(x, own[i : i + 4], range(shape[0])),
            gru(x, own[i + 4 : i + 8], range(shape[0])[::-1]),
        )
        x, ends = np.concatenate([ahead, back], -1), [a, b]
    return np.concatenate(ends, 1)


def vae(x, own, sizes, shape):
    pixels, noise = np.split(x, [shape[0] - sizes[1]], 1)
    mean, logvar = np.split(linear(np.maximum(linear(pixels, own[:2], [], []), 0), own[2:4], [], []), 2, 1)
    latent = mean + noise * np.exp(logvar / 2)
    return linear(np.maximum(linear(latent, own[4:6], [], []), 0), own[6:], [], []), mean, logvar


def burgers(x, own, sizes, shape, h=1e-3):
    """Derivatives by central differences."""

    def u(t, place):
        return chain(through(sizes[0], shape), iter(own), np.stack([t, place], 1))

    t, place = np.float64(x).T
    here, ahead, back = u(t, place), u(t, place + h), u(t, place - h)
    u_t = (u(t + h, place) - u(t - h, place)) / (2 * h)
    residual = u_t + here * (ahead - back) / (2 * h) - VISCOSITY * (ahead - 2 * here + back) / h**2
    return np.concatenate([here, residual], 1)


LAYERS = {
    "linear": linear, "layernorm": layer_norm, "transformer": transformer, "conv": conv, "conv1d": conv1d,
    "pool1d": pool1d, "norm": batch_norm, "separable": separable, "bigru": bigru, "vae": vae, "burgers": burgers,
    "relu": lambda x, own, sizes, shape: np.maximum(x, 0),
    "tanh": lambda x, own, sizes, shape: np.tanh(x),
    "mean": lambda x, own, sizes, shape: x.mean(tuple(range(2, x.ndim))),
    "embedding": lambda x, own, sizes, shape: own[0][x],
    "embeddings": lambda x, own, sizes, shape: np.concatenate([t[c] for t, c in zip(own, x.T, strict=True)], 1),
    "positions": lambda x, own, sizes, shape: x + own[0],
}  # fmt: skip
