"""What an exact subgradient costs, in plain gradients: both native, of the same function at the same point.

    python -m bench.nonsmooth.subgradients

Medians of calls that take turns. Prints a table in Markdown.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import subgrad as sg
from subgrad import nn

CALLS = 200

NETWORKS = (((8, 16, 16, 1), 16), ((64, 64, 10, 1), 32), ((64, 128, 128, 1), 128), ((256, 512, 512, 1), 256))
"""Sizes of layers, and the number of examples."""


def cases() -> Iterator[tuple[str, Callable[[Any], sg.Tensor], Any]]:
    """A name, a function, and a point: networks at random weights and at 0, and functions of one vector."""
    for sizes, batch in NETWORKS:
        name = "-".join(map(str, sizes)) + f" network, batch {batch}"
        yield name, loss_of(sizes[0], batch), network(sizes)
    zeros = network((64, 128, 128, 1))
    for p in zeros.parameters():
        p.assign(np.zeros(p.shape, np.float32))
    yield "64-128-128-1 network, batch 128, on all kinks", loss_of(64, 128), zeros
    rng = np.random.default_rng(0)
    A, b = sg.tensor(rng.standard_normal((2000, 50)), "float64"), sg.tensor(rng.standard_normal(2000), "float64")
    yield "L1 regression, 2000 x 50", lambda x: abs(A @ x - b).mean(), rng.standard_normal(50)
    yield "largest of 2000 linear pieces", lambda x: (A @ x - b).max(), rng.standard_normal(50)
    yield "norms and maxima of 1000 numbers, at 0", lambda x: sg.norm(x) + x.max() + abs(x).sum(), np.zeros(1000)


def network(sizes: tuple[int, ...]) -> nn.Module:
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def loss_of(features: int, batch: int) -> Callable[[nn.Module], sg.Tensor]:
    rng = np.random.default_rng(0)
    X = sg.tensor(rng.standard_normal((batch, features)), "float32")
    y = sg.tensor(rng.standard_normal(batch), "float32")
    return lambda net: nn.absolute_loss(net(X)[:, 0], y)


def medians(*calls: Callable[[], Any]) -> list[float]:
    """Seconds a call, after one that compiles."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(CALLS + 1):
        for call, taken in zip(calls, times, strict=True):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
    return [statistics.median(taken[1:]) for taken in times]


def main() -> None:
    print("| function | a gradient, us | an exact subgradient, us | ratio |\n|---|---|---|---|")
    for name, f, x in cases():
        gradient, native = sg.compile(lambda x, f=f: plain(f, x)), sg.compile(f)
        plain_time, ours = medians(lambda: gradient(x), lambda: sg.subgradient(native, x))  # noqa: B023
        print(f"| {name} | {1e6 * plain_time:.0f} | {1e6 * ours:.0f} | {ours / plain_time:.1f} |", flush=True)


def plain(f: Callable[[Any], sg.Tensor], x: Any) -> Any:
    y = f(x)
    return y, sg.grad(y, x)


if __name__ == "__main__":
    main()
