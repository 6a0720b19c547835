"""The workloads' networks as PyTorch's users write them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from bench.peers import torch_blocks as blocks
from bench.work import arrays
from bench.work.layers import Layer, Shape, through
from bench.work.workloads import Workload


def network(workload: Workload, variant: str) -> nn.Module:
    """The workload's network, or its members side by side, with the initial weights."""
    layers = workload.shaped_layers()
    model = one_by_one(layers, variant) if workload.members == 1 else side_by_side(layers, workload.members)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), arrays.initial(workload), strict=True):
            parameter.copy_(torch.from_numpy(value))
    return model


def one_by_one(layers: Iterable[tuple[Layer, Shape]], variant: str) -> nn.Sequential:
    return nn.Sequential(*(make(layer, shape, variant) for layer, shape in layers))


def make(layer: Layer, shape: Shape, variant: str) -> nn.Module:
    match layer:
        case ("linear", width):
            return nn.Linear(shape[-1], width)
        case ("rnn" | "lstm" as kind, width):
            return blocks.Recurrent(kind, shape[1], width)
        case ("bigru", width, depth):
            return blocks.BothWays(shape[1], width, depth)
        case ("conv", channels, kernel, padding, bias):
            return nn.Conv2d(shape[0], channels, kernel, padding=padding, bias=bias)
        case ("conv1d", channels, kernel, padding):
            return nn.Conv1d(shape[0], channels, kernel, padding=padding)
        case ("residual", channels, stride):
            return blocks.Residual(shape[0], channels, stride)
        case ("inception",):
            return blocks.Inception(shape[0])
        case ("separable", channels, stride):
            return blocks.separable(shape[0], channels, stride)
        case ("norm",):
            return nn.BatchNorm2d(shape[0])
        case ("pool", size):
            return nn.MaxPool2d(size)
        case ("pool1d", size):
            return nn.MaxPool1d(size)
        case ("embedding", count, width):
            return nn.Embedding(count, width)
        case ("embeddings", counts, width):
            return blocks.Tables(counts, width)
        case ("positions",):
            return blocks.Positions(*shape)
        case ("layernorm",):
            return nn.LayerNorm(shape[-1])
        case ("transformer", heads):
            return blocks.Transformer(shape[1], heads)
        case ("vae", hidden, latent):
            return blocks.Autoencoder(shape[0] - latent, hidden, latent)
        case ("burgers", layers):
            kind = blocks.BurgersInOne if variant == "compile-step" else blocks.Burgers
            return kind(one_by_one(through(layers, shape), variant))
    return PLAIN[layer[0]]()


class Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(tuple(range(2, x.ndim)))


def side_by_side(layers: Iterable[tuple[Layer, Shape]], members: int) -> nn.Sequential:
    """The members of an ensemble of plain networks, as batched products: (members, samples, outputs)."""
    found: list[nn.Module] = [Copies(members)]
    for layer, shape in layers:
        if layer[0] not in ("linear", "relu", "tanh"):
            raise NotImplementedError(f"no ensemble with layers {layer[0]}")
        found.append(Linears(*shape, layer[1], members) if layer[0] == "linear" else PLAIN[layer[0]]())
    return nn.Sequential(*found)


class Copies(nn.Module):
    def __init__(self, members: int) -> None:
        super().__init__()
        self.members = members

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.expand(self.members, *x.shape)


class Linears(nn.Module):
    """A linear layer of each member: one batched product, in PyTorch's layout of weights."""

    def __init__(self, inputs: int, outputs: int, members: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, outputs, inputs))
        self.bias = nn.Parameter(torch.empty(members, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.baddbmm(self.bias[:, None], x, self.weight.mT)


PLAIN = {"relu": nn.ReLU, "tanh": nn.Tanh, "mean": Mean, "flatten": nn.Flatten}
