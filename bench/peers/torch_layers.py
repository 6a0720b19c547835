"""The workloads' networks as PyTorch's users write them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import max_pool2d, relu

from bench import arrays
from bench.layers import INCEPTION, Layer, Shape
from bench.workloads import Workload

RECURRENT = {"rnn": nn.RNN, "lstm": nn.LSTM}


def network(workload: Workload) -> nn.Sequential:
    """The workload's network with its initial weights."""
    model = nn.Sequential(*(make(layer, shape) for layer, shape in workload.shaped_layers()))
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), arrays.initial(workload), strict=True):
            parameter.copy_(torch.from_numpy(value))
    return model


def make(layer: Layer, shape: Shape) -> nn.Module:
    match layer:
        case ("linear", width):
            return nn.Linear(*shape, width)
        case ("rnn" | "lstm" as kind, width):
            return Recurrent(kind, shape[1], width)
        case ("conv", channels, kernel, padding, bias):
            return nn.Conv2d(shape[0], channels, kernel, padding=padding, bias=bias)
        case ("residual", channels, stride):
            return Residual(shape[0], channels, stride)
        case ("inception",):
            return Inception(shape[0])
        case ("norm",):
            return nn.BatchNorm2d(shape[0])
        case ("pool", size):
            return nn.MaxPool2d(size)
    return PLAIN[layer[0]]()


class Recurrent(nn.Module):
    """The last state of a recurrent layer."""

    def __init__(self, kind: str, width: int, size: int) -> None:
        super().__init__()
        self.layer = RECURRENT[kind](width, size, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0][:, -1]


class Residual(nn.Module):
    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.norm2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.shortcut = nn.Identity()
        if stride > 1 or channels != out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = relu(self.norm1(self.conv1(x)))
        return relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Inception(nn.Module):
    """With one relu behind the joined branches, which is what relus behind each of them are."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        one, three, five, pool = INCEPTION
        self.one = nn.Conv2d(channels, one, 1)
        self.reduce3, self.three = nn.Conv2d(channels, three[0], 1), nn.Conv2d(*three, 3, padding=1)
        self.reduce5, self.five = nn.Conv2d(channels, five[0], 1), nn.Conv2d(*five, 5, padding=2)
        self.pool = nn.Conv2d(channels, pool, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        three, five = self.three(relu(self.reduce3(x))), self.five(relu(self.reduce5(x)))
        return relu(torch.cat([self.one(x), three, five, self.pool(max_pool2d(x, 3, 1, 1))], 1))


class Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


PLAIN = {"relu": nn.ReLU, "tanh": nn.Tanh, "mean": Mean, "flatten": nn.Flatten}
