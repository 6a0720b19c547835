"""How much of the digits is classified rightly wherever each pixel moves by up to eps, trained plainly and certifiably:
proven at least, and at most what an attack leaves.

    python -m bench.nonsmooth.robust                 # prints a table
    python -m bench.nonsmooth.robust --publish       # and writes it into docs/benchmarks.md

The test part is that of `subgrad train digits`. All runs have one seed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

import subgrad as sg
from bench.page.section import put
from bench.page.tables import table
from subgrad import nn

RADII = 0.01, 0.02, 0.05
BATCH = 32


def dense() -> nn.Sequential:
    """64-64-10, with relu."""
    return sg.models.mlp(64, 64, 10, seed=0)


def convolutional() -> nn.Sequential:
    """Two convolutions with relu, 512 and 256 units, and a linear layer."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1, seed=0), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1, seed=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10, seed=2),
    )  # fmt: skip


NETWORKS: dict[str, Callable[[], nn.Sequential]] = {"64-64-10": dense, "convolutional": convolutional}


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and classes to learn from, and to test on."""
    x, y = sg.data.load_digits()
    learnt, held_out = sg.data.train_test_split(len(y), 0.2, 0, y)
    x = x / np.float32(16)
    return x[learnt], y[learnt], x[held_out], y[held_out]


def trained(net: nn.Sequential, x: np.ndarray, y: np.ndarray, radius: float, epochs: int) -> nn.Sequential:
    """Plainly for a radius of 0, else by CROWN-IBP: 5% of the steps to warm up, and half of them to the radius."""
    steps = epochs * -(-len(y) // BATCH)
    ramp = {"warmup": steps // 20, "ramp": steps // 2}
    loss = sg.robust.CrownIBPLoss(radius, **ramp, low=0, high=1) if radius else "cross_entropy"
    sg.fit(net, x, y, loss=loss, optimizer=sg.Adam(1e-3), epochs=epochs, batch_size=BATCH, verbose=False)
    return net


def rows(epochs: int, timeout: float | None, names: list[str]) -> list[list[str]]:
    """A line for each network and way of training."""
    x, y, x_test, y_test = digits()
    found = []
    for name in names:
        plain = trained(NETWORKS[name](), x, y, 0.0, epochs)
        for radius in RADII:
            start = time.perf_counter()
            certified = trained(NETWORKS[name](), x, y, radius, epochs)
            print(f"{name}, {radius}: trained in {time.perf_counter() - start:.1f} s", flush=True)
            for how, net in (("plain", plain), ("CROWN-IBP", certified)):
                start = time.perf_counter()
                at = sg.robust.evaluate(net, x_test, y_test, radius, low=0, high=1, timeout=timeout)
                print(f"  {how}: {at}, {time.perf_counter() - start:.1f} s", flush=True)
                shares = at["accuracy"], at["verified_accuracy"], at["pgd_accuracy"]
                found.append([name, f"{radius:g}", how, *(f"{100 * s:.1f}" for s in shares)])
    return found


def text(found: list[list[str]], epochs: int, timeout: float | None) -> str:
    head = ["network", "eps", "training", "accuracy", "verified", "PGD"]
    beyond = f", and {timeout:g} s of branch and bound for each image that these leave open" if timeout else ""
    return (
        "## Robust digits\n\n"
        "Of the fifth of the digits that is held out, the percentage that is right, that is proven to be right however "
        "each pixel moves by up to eps (of a range of 1), and that stays right under an attack (PGD of 40 steps, 5 "
        "starts): the true share lies between the last two. The proof is by linear bounds that go backward, with all "
        f"rounding errors{beyond}. Training took {epochs} epochs of Adam with batches of {BATCH} and one seed; that by "
        "CROWN-IBP was for the same eps. The convolutional network has two convolutions, 512 and 256 units with relu, "
        "and a linear layer. "
        "`python -m bench.nonsmooth.robust --publish` repeats it.\n\n" + table(head, found)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--timeout", type=float, help="seconds of search for each image that bounds leave open")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--publish", action="store_true", help="write the table into docs/benchmarks.md")
    given = parser.parse_args()
    found = text(rows(given.epochs, given.timeout, given.networks), given.epochs, given.timeout)
    print(found)
    if given.publish:
        put("robust", found)


if __name__ == "__main__":
    main()
