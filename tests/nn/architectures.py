"""Small networks here and in PyTorch, with the same names of parameters, and the numbers in ``architectures.json``.

Run with PyTorch installed to make the file anew: ``python tests/nn/architectures.py``. It holds three sums of every
output and gradient; where PyTorch is installed the tests compare every number of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FILE = Path(__file__).with_name("architectures.json")


def wave(*shape: int, start: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """Numbers between -scale and scale that need no random generator, and of which no two are alike."""
    i = np.arange(int(np.prod(shape)))
    return (scale * np.sin(start + 1.7 * i + 0.01 * i**1.5)).reshape(shape)


class Case(NamedTuple):
    """``ours(nn)`` and ``theirs(torch)`` make the networks; ``inputs`` are arrays."""

    inputs: list[np.ndarray]
    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    training: bool = True


def sequence(torch: Any, *layers: Any) -> Any:
    return torch.nn.Sequential(*layers)


def lenet(nn: Any) -> list[Any]:
    return [
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 5),
    ]  # fmt: skip


def mixed(nn: Any) -> list[Any]:
    """Strides, dilations, groups, a depthwise convolution, "same"."""
    return [
        nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), 1, 2), nn.Tanh(), nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=6),
        nn.Tanh(), nn.Conv2d(6, 4, (2, 3), padding="same", bias=False), nn.GELU(), nn.Conv2d(4, 3, 1),
    ]  # fmt: skip


def normed(nn: Any) -> list[Any]:
    return [nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4), nn.BatchNorm1d(4, momentum=0.3)]


def one_dimensional(nn: Any, pool: Callable[..., Any]) -> list[Any]:
    return [
        nn.Conv1d(3, 6, 5, stride=2, padding=2), nn.BatchNorm1d(6), nn.ReLU(), pool(),
        nn.Conv1d(6, 4, 3, padding="same"), nn.SiLU(), nn.AvgPool1d(2, 1, 1, False, False), nn.Flatten(),
        nn.Linear(20, 3),
    ]  # fmt: skip


def grouped(nn: Any) -> list[Any]:
    return [
        nn.Conv2d(2, 6, 3, padding=1), nn.GroupNorm(3, 6), nn.ReLU(), nn.AvgPool2d(3, 2, 1), nn.Conv2d(6, 4, 2),
        nn.GroupNorm(1, 4), nn.ELU(), nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten(), nn.Linear(24, 3),
    ]  # fmt: skip


def autoencoder(nn: Any, up: Callable[..., Any]) -> list[Any]:
    return [
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.Tanh(), nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.Tanh(),
        nn.ConvTranspose2d(6, 4, 3, 2, 1, 1, 2), nn.Tanh(), up(), nn.ConvTranspose2d(4, 1, (2, 3), 1, 1, 0, 1, True, 2),
    ]  # fmt: skip


def torch_block(torch: Any, i: int, o: int, stride: int, bottleneck: bool = False) -> Any:
    nn, functional = torch.nn, torch.nn.functional
    w = o // 4 if bottleneck else o

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            first, second = ((1, 1), (3, stride)) if bottleneck else ((3, stride), (3, 1))
            self.conv1, self.bn1 = nn.Conv2d(i, w, *first, first[0] // 2, bias=False), nn.BatchNorm2d(w)
            self.conv2, self.bn2 = nn.Conv2d(w, w, *second, second[0] // 2, bias=False), nn.BatchNorm2d(w)
            if bottleneck:
                self.conv3, self.bn3 = nn.Conv2d(w, o, 1, bias=False), nn.BatchNorm2d(o)
            if stride != 1 or i != o:
                self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

        def forward(self, x: Any) -> Any:
            y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
            if bottleneck:
                y = self.bn3(self.conv3(functional.relu(y)))
            return functional.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))

    return Block()


def torch_mean(torch: Any) -> Any:
    class Mean(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean((2, 3))

    return Mean()


def torch_inception(torch: Any, i: int) -> Any:
    nn = torch.nn

    class Inception(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.paths = nn.ModuleList([
                nn.Sequential(nn.Conv2d(i, 2, 1), nn.ReLU()),
                nn.Sequential(nn.Conv2d(i, 2, 1), nn.ReLU(), nn.Conv2d(2, 3, 3, padding=1), nn.ReLU()),
                nn.Sequential(nn.Conv2d(i, 1, 1), nn.ReLU(), nn.Conv2d(1, 2, 5, padding=2), nn.ReLU()),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(i, 2, 1), nn.ReLU()),
            ])  # fmt: skip

        def forward(self, x: Any) -> Any:
            return torch.cat([path(x) for path in self.paths], 1)

    return Inception()


def torch_positions(torch: Any, length: int, features: int) -> Any:
    class Positions(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(length, features))

        def forward(self, x: Any) -> Any:
            return x + self.weight[: x.shape[1]]

    return Positions()


def torch_encoder(
    torch: Any, features: int, heads: int, hidden: int, activation: str, first: bool, causal: bool
) -> Any:
    class Encoder(torch.nn.TransformerEncoderLayer):
        def forward(self, x: Any) -> Any:
            n = x.shape[1]
            mask = torch.triu(torch.ones(n, n, dtype=torch.bool), 1) if causal else None
            return super().forward(x, mask)

    return Encoder(features, heads, hidden, 0.0, activation, batch_first=True, norm_first=first)


def torch_attention(torch: Any, features: int, heads: int) -> Any:
    class Attention(torch.nn.MultiheadAttention):
        def forward(self, x: Any, memory: Any) -> Any:
            return super().forward(x, memory, memory, need_weights=False)[0]

    return Attention(features, heads, batch_first=True)


def drawn_by_hand(base: type, conv: Any, linear: Any, relu: Any, join: Callable[..., Any], mean: Callable[..., Any]):
    """Two inputs, a branch that both go through, and a shortcut over three modules."""

    class Drawn(base):
        def __init__(self) -> None:
            super().__init__()
            self.shared = conv(2, 4, 3, padding=1)
            self.a, self.b, self.c = (conv(8, 8, 3, padding=1) for _ in range(3))
            self.out = linear(8, 3)

        def forward(self, left: Any, right: Any) -> Any:
            both = join([relu(self.shared(left)), relu(self.shared(right))], 1)
            return self.out(mean(both + self.c(relu(self.b(relu(self.a(both)))))))

    return Drawn()


def our_drawing(nn: Any) -> Any:
    import subgrad as sg

    return drawn_by_hand(nn.Module, nn.Conv2d, nn.Linear, sg.relu, sg.concatenate, lambda x: x.mean((2, 3)))


def their_drawing(torch: Any) -> Any:
    nn = torch.nn
    return drawn_by_hand(nn.Module, nn.Conv2d, nn.Linear, torch.relu, torch.cat, lambda x: x.mean((2, 3)))


CASES = {
    "lenet": Case([wave(3, 1, 16, 16)], lambda nn: nn.Sequential(*lenet(nn)), lambda t: sequence(t, *lenet(t.nn))),
    "mixed convolutions": Case(
        [wave(2, 4, 7, 6)], lambda nn: nn.Sequential(*mixed(nn)), lambda t: sequence(t, *mixed(t.nn))
    ),
    "batch norm of features": Case(
        [wave(5, 6)], lambda nn: nn.Sequential(*normed(nn)), lambda t: sequence(t, *normed(t.nn))
    ),
    "batch norm in evaluation": Case(
        [wave(5, 6)], lambda nn: nn.Sequential(*normed(nn)), lambda t: sequence(t, *normed(t.nn)), False
    ),
    "sequences": Case(
        [wave(3, 3, 13)],
        lambda nn: nn.Sequential(*one_dimensional(nn, lambda: nn.MaxPool1d(3, 2, 1, ceil_mode=True))),
        lambda t: sequence(t, *one_dimensional(t.nn, lambda: t.nn.MaxPool1d(3, 2, 1, ceil_mode=True))),
    ),
    "group norm": Case(
        [wave(2, 2, 9, 8)], lambda nn: nn.Sequential(*grouped(nn)), lambda t: sequence(t, *grouped(t.nn))
    ),
    "autoencoder": Case(
        [wave(2, 1, 9, 12)],
        lambda nn: nn.Sequential(*autoencoder(nn, lambda: nn.Upsample(2, "bilinear"))),
        lambda t: sequence(t, *autoencoder(t.nn, lambda: t.nn.Upsample(scale_factor=2, mode="bilinear"))),
    ),
    "nearest": Case(
        [wave(2, 1, 9, 12)],
        lambda nn: nn.Sequential(*autoencoder(nn, lambda: nn.Upsample((3, 2)))),
        lambda t: sequence(t, *autoencoder(t.nn, lambda: t.nn.Upsample(scale_factor=(3, 2)))),
    ),
    "residual": Case(
        [wave(3, 3, 8, 8)],
        lambda nn: nn.Sequential(nn.ResidualBlock(3, 3), nn.ResidualBlock(3, 6, 2), nn.GlobalAvgPool()),
        lambda t: sequence(t, torch_block(t, 3, 3, 1), torch_block(t, 3, 6, 2), torch_mean(t)),
    ),
    "bottleneck": Case(
        [wave(3, 4, 6, 6)],
        lambda nn: nn.Sequential(nn.ResidualBlock(4, 8, 2, True), nn.ResidualBlock(8, 8, 1, True), nn.GlobalAvgPool()),
        lambda t: sequence(t, torch_block(t, 4, 8, 2, True), torch_block(t, 8, 8, 1, True), torch_mean(t)),
    ),
    "inception": Case(
        [wave(2, 3, 6, 6)],
        lambda nn: nn.Sequential(
            nn.Inception(3, 2, (2, 3), (1, 2), 2), nn.MaxPool2d(2), nn.Inception(9, 2, (2, 3), (1, 2), 2),
            nn.GlobalAvgPool(), nn.Linear(9, 4),
        ),
        lambda t: sequence(
            t, torch_inception(t, 3), t.nn.MaxPool2d(2), torch_inception(t, 9), torch_mean(t), t.nn.Linear(9, 4)
        ),
    ),
    "transformer": Case(
        [wave(2, 5, 8)],
        lambda nn: nn.Sequential(
            nn.PositionalEmbedding(7, 8), nn.TransformerBlock(8, 2, 12, causal=True), nn.TransformerBlock(8, 4),
            nn.RMSNorm(8, 1e-3), nn.Linear(8, 3),
        ),
        lambda t: sequence(
            t, torch_positions(t, 7, 8), torch_encoder(t, 8, 2, 12, "gelu", True, True),
            torch_encoder(t, 8, 4, 32, "gelu", True, False), t.nn.RMSNorm(8, 1e-3), t.nn.Linear(8, 3),
        ),
    ),
    "transformer of 2017": Case(
        [wave(2, 6, 6)],
        lambda nn: nn.Sequential(nn.TransformerBlock(6, 3, 7, activation="relu", norm_first=False)),
        lambda t: sequence(t, torch_encoder(t, 6, 3, 7, "relu", False, False)),
    ),
    "attention to a memory": Case(
        [wave(2, 3, 8), wave(2, 5, 8, start=1.0)],
        lambda nn: nn.MultiHeadAttention(8, 4),
        lambda t: torch_attention(t, 8, 4),
    ),
    "drawn by hand": Case([wave(2, 2, 5, 5), wave(2, 2, 5, 5, start=2.0)], our_drawing, their_drawing),
}  # fmt: skip


def values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A value for the parameter ``name``: scales and variances near 1, weights as large as networks have them."""
    start = float(sum(map(ord, name)) % 97)
    last = name.rsplit(".", 1)[-1]
    if last == "running_var" or (last == "weight" and len(shape) == 1):
        return 1 + wave(*shape, start=start, scale=0.3)
    fan = int(np.prod(shape[1:])) or 1
    return wave(*shape, start=start, scale=1.5 / np.sqrt(fan) if len(shape) > 1 else 0.3)


def sums(array: np.ndarray) -> list[float]:
    """Three numbers that hardly agree by chance for another array."""
    flat = np.asarray(array, float).ravel()
    return [flat.sum(), float(flat @ np.cos(np.arange(flat.size))), float(np.linalg.norm(flat))]


def in_torch(case: Case) -> dict[str, np.ndarray]:
    """The output, the gradients of a weighted sum of it, and the running statistics, by name."""
    import torch  # pyright: ignore[reportMissingImports]

    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    net = case.theirs(torch).train(case.training)
    with torch.no_grad():
        for name, p in net.state_dict().items():
            if "num_batches" not in name:
                p.copy_(torch.tensor(values(name, tuple(p.shape))))
    inputs = [torch.tensor(x, requires_grad=True) for x in case.inputs]
    y = net(*inputs)
    (y * torch.tensor(np.cos(np.arange(y.numel())).reshape(y.shape))).sum().backward()
    found = {"output": y, **{f"input {i}": x.grad for i, x in enumerate(inputs)}}
    found |= {name: p.grad for name, p in net.named_parameters()}
    found |= {name: b for name, b in net.named_buffers() if "running" in name}
    return {name: np.array(value.detach().numpy()) for name, value in found.items()}


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
    made = {name: {key: sums(value) for key, value in in_torch(case).items()} for name, case in CASES.items()}
    FILE.write_text(json.dumps(made, indent=0) + "\n")


if __name__ == "__main__":
    main()
