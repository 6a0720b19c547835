"""The workloads' networks as users of this project write them."""

from __future__ import annotations

from collections.abc import Iterable

import subgrad as sg
from bench.work import arrays
from bench.work.layers import INCEPTION, VISCOSITY, Layer, Shape, through
from bench.work.workloads import Workload
from subgrad import nn

PLAIN = {"relu": nn.ReLU, "tanh": nn.Tanh, "mean": nn.GlobalAvgPool, "flatten": nn.Flatten}
RECURRENT = {"rnn": nn.RNN, "lstm": nn.LSTM}


def network(workload: Workload) -> nn.Module:
    """The workload's network, or its members side by side, with the initial weights."""
    model: nn.Module = chain(workload.shaped_layers())
    if workload.members > 1:
        model = nn.Ensemble(model, workload.members)
    for parameter, value in zip(model.parameters(), arrays.initial(workload), strict=True):
        parameter.assign(value)
    return model


def chain(layers: Iterable[tuple[Layer, Shape]]) -> nn.Sequential:
    return nn.Sequential(*(make(layer, shape) for layer, shape in layers))


def make(layer: Layer, shape: Shape) -> nn.Module:
    match layer:
        case ("linear", width):
            return nn.Linear(shape[-1], width, seed=0)
        case ("rnn" | "lstm" as kind, width):
            return RECURRENT[kind](shape[1], width, returns="last", seed=0)
        case ("bigru", width, depth):
            return nn.GRU(shape[1], width, depth, bidirectional=True, returns="last", seed=0)
        case ("conv", channels, kernel, padding, bias):
            return nn.Conv2d(shape[0], channels, kernel, padding=padding, bias=bias, seed=0)
        case ("conv1d", channels, kernel, padding):
            return nn.Conv1d(shape[0], channels, kernel, padding=padding, seed=0)
        case ("residual", channels, stride):
            return nn.ResidualBlock(shape[0], channels, stride, seed=0)
        case ("inception",):
            return nn.Inception(shape[0], *INCEPTION, seed=0)
        case ("separable", channels, stride):
            return separable(shape[0], channels, stride)
        case ("norm",):
            return nn.BatchNorm2d(shape[0])
        case ("pool", size):
            return nn.MaxPool2d(size)
        case ("pool1d", size):
            return nn.MaxPool1d(size)
        case ("embedding", count, width):
            return nn.Embedding(count, width, seed=0)
        case ("embeddings", counts, width):
            return Tables(counts, width)
        case ("positions",):
            return nn.PositionalEmbedding(*shape, seed=0)
        case ("layernorm",):
            return nn.LayerNorm(shape[-1])
        case ("transformer", heads):
            return nn.TransformerBlock(shape[1], heads, causal=True, seed=0)
        case ("vae", hidden, latent):
            return Autoencoder(shape[0] - latent, hidden, latent)
        case ("burgers", layers):
            return Burgers(chain(through(layers, shape)))
    return PLAIN[layer[0]]()


def separable(channels: int, out: int, stride: int) -> nn.Sequential:
    depthwise = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False, seed=0)
    pointwise = nn.Conv2d(channels, out, 1, bias=False, seed=0)
    return nn.Sequential(depthwise, nn.BatchNorm2d(channels), nn.ReLU(), pointwise, nn.BatchNorm2d(out), nn.ReLU())


class Tables(nn.Module):
    """An embedding of each column, side by side."""

    def __init__(self, counts: tuple[int, ...], width: int) -> None:
        self.tables = [nn.Embedding(count, width, seed=0) for count in counts]

    def forward(self, x: sg.Tensor) -> sg.Tensor:
        return sg.concatenate([table(x[:, i]) for i, table in enumerate(self.tables)], 1)


class Autoencoder(nn.Module):
    """Scores of the pixels, means and logarithms of variances side by side, from pixels and noise side by side."""

    def __init__(self, pixels: int, hidden: int, latent: int) -> None:
        self.pixels, self.latent = pixels, latent
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def forward(self, x: sg.Tensor) -> sg.Tensor:
        found = self.encoder(x[:, : self.pixels])
        mean, logvar = found[:, : self.latent], found[:, self.latent :]
        scores = self.decoder(mean + x[:, self.pixels :] * sg.exp(logvar / 2))
        return sg.concatenate([scores, mean, logvar], 1)


def elbo_loss(output: sg.Tensor, y: sg.Tensor) -> sg.Tensor:
    """The negative evidence lower bound of an `Autoencoder`, a mean over samples."""
    pixels = y.shape[1]
    scores, rest = output[:, :pixels], output[:, pixels:]
    mean, logvar = rest[:, : rest.shape[1] // 2], rest[:, rest.shape[1] // 2 :]
    unlike = (sg.softplus(scores) - y * scores).sum(1)
    divergence = (mean * mean + sg.exp(logvar) - logvar - 1).sum(1) / 2
    return (unlike + divergence).mean()


class Burgers(nn.Module):
    """u and what Burgers' equation leaves of it, at points (t, x), by gradients of gradients."""

    def __init__(self, u: nn.Module) -> None:
        self.u = u

    def forward(self, x: sg.Tensor) -> sg.Tensor:
        u = self.u(x)
        first = sg.grad(u.sum(), x)
        u_t, u_x = first[:, :1], first[:, 1:]
        u_xx = sg.grad(u_x.sum(), x)[:, 1:]
        return sg.concatenate([u, u_t + u * u_x - VISCOSITY * u_xx], 1)
