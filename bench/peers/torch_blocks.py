"""Parts of networks that are made of several of PyTorch's layers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from bench.work.layers import INCEPTION, VISCOSITY

RECURRENT = {"rnn": nn.RNN, "lstm": nn.LSTM}


class Recurrent(nn.Module):
    """The last state of a recurrent layer."""

    def __init__(self, kind: str, width: int, size: int) -> None:
        super().__init__()
        self.layer = RECURRENT[kind](width, size, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0][:, -1]


class BothWays(nn.Module):
    """The last states of the last of several bidirectional GRU layers."""

    def __init__(self, width: int, size: int, depth: int) -> None:
        super().__init__()
        self.layer = nn.GRU(width, size, depth, batch_first=True, bidirectional=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        last = self.layer(x)[1]
        return torch.cat([last[-2], last[-1]], 1)


class Residual(nn.Module):
    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.norm2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.shortcut = nn.Identity()
        if stride > 1 or channels != out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


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
        three, five = self.three(F.relu(self.reduce3(x))), self.five(F.relu(self.reduce5(x)))
        return F.relu(torch.cat([self.one(x), three, five, self.pool(F.max_pool2d(x, 3, 1, 1))], 1))


def separable(channels: int, out: int, stride: int) -> nn.Sequential:
    depthwise = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
    pointwise = nn.Conv2d(channels, out, 1, bias=False)
    norms = nn.BatchNorm2d(channels), nn.BatchNorm2d(out)
    return nn.Sequential(depthwise, norms[0], nn.ReLU(), pointwise, norms[1], nn.ReLU())


class Tables(nn.Module):
    """An embedding of each column, side by side."""

    def __init__(self, counts: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(count, width) for count in counts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([table(column) for table, column in zip(self.tables, x.unbind(1), strict=True)], 1)


class Positions(nn.Module):
    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(length, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.weight


class Transformer(nn.Module):
    """A block that normalises first, with the fused attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inward, self.outward = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.hidden = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attend(self.norm1(x))
        return x + self.hidden(self.norm2(x))

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.inward(x).chunk(3, 2))
        found = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.outward(found.transpose(1, 2).flatten(2))


class Autoencoder(nn.Module):
    """Scores of the pixels, means and logarithms of variances, from pixels and noise side by side."""

    def __init__(self, pixels: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.sizes = pixels, latent
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        pixels, noise = x.split(self.sizes, 1)
        mean, logvar = self.encoder(pixels).chunk(2, 1)
        return self.decoder(mean + noise * torch.exp(logvar / 2)), mean, logvar


class Burgers(nn.Module):
    """u and what Burgers' equation leaves of it, at points (t, x), by gradients of gradients."""

    def __init__(self, u: nn.Module) -> None:
        super().__init__()
        self.u = u

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.detach().requires_grad_()
        u = self.u(x)
        u_t, u_x = _gradient(u, x).split(1, 1)
        return torch.cat([u, u_t + u * u_x - VISCOSITY * _gradient(u_x, x)[:, 1:]], 1)


def _gradient(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


class BurgersInOne(Burgers):
    """The same in function transforms, which compile into one graph with the rest of a step."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def slopes(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            u, pull = torch.func.vjp(self.u, x)
            return pull(torch.ones_like(u))[0], u

        first, pull, u = torch.func.vjp(slopes, x, has_aux=True)
        u_t, u_x = first.split(1, 1)
        second = pull(torch.tensor([0.0, 1.0]).expand_as(x))[0]
        return torch.cat([u, u_t + u * u_x - VISCOSITY * second[:, 1:]], 1)
