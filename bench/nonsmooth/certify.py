"""How long proofs take: Gaussian bumps on [-1, 1]^d and networks from orthogonal greedy.

    python -m bench.nonsmooth.certify

The error to prove is 1.05 and 1.01 times the largest one found by dense samples and local ascent. "first" is the first
call (tracing, interpreting, compiling), "again" the median of five more, with the program at hand.
"""

import os
import statistics
import tempfile
import time

import numpy as np

import subgrad as sg
from subgrad.bounds import checker
from subgrad.bounds.bounder import Bounder
from subgrad.bounds.traced import traced
from subgrad.graph.dtype import using_dtype
from subgrad.graph.tensor import placeholder

CASES = [(2, 64), (3, 100), (4, 120)]


def bump(x):
    return sg.exp(-(x * x).sum(1) / 2)


def sampled(net, d, rng):
    """The largest error at samples, corners and after local ascent."""

    def errors(x):
        return np.abs(np.exp(-(x * x).sum(1) / 2) - net(sg.tensor(x, "float64")).numpy().reshape(len(x)))

    x = rng.uniform(-1, 1, (300_000, d))
    x[:50_000] = np.sign(x[:50_000])
    x[50_000:150_000, 0] = np.sign(x[50_000:150_000, 0])
    best, step = x[np.argsort(-errors(x))[:50]], 0.1
    for _ in range(40):
        moves = np.clip(best[:, None] + step * rng.standard_normal((50, 100, d)), -1, 1)
        moves = np.concatenate([best[:, None], moves], axis=1)
        values = errors(moves.reshape(-1, d)).reshape(50, -1)
        best, step = moves[np.arange(50), values.argmax(1)], step * 0.8
    return float(errors(best).max())


def seconds(run):
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def checking(found):
    """Seconds of processor time that the independent checker takes for a proof."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "proof.safetensors")
        found.save(path)
        start = time.process_time()
        checker.check(path)
        return time.process_time() - start


def throughput(net, d, units):
    """Boxes times units a second, of one core and of all."""
    point = placeholder((1, d), "float64")
    one, other = traced(bump, point, "f"), traced(net, point, "net")
    with using_dtype("float64"):
        bounder = Bounder(point, one.output - other.output, other.weights, other.values)
    low = np.random.default_rng(0).uniform(-1, 0.9, (100 * bounder.batch, d))
    bounder(low, low + 0.05)
    return len(low) * units / min(seconds(lambda: bounder(low, low + 0.05))[0] for _ in range(5))


def main():
    for d, units in CASES:
        net, _ = sg.approximate(bump, [(-1, 1)] * d, n=units, method="greedy", seed=0)
        largest = sampled(net, d, np.random.default_rng(0))
        for factor in (1.05, 1.01):
            run = lambda e=factor * largest, net=net, d=d: sg.certify(bump, net, [(-1, 1)] * d, e)  # noqa: E731
            first, found = seconds(run)
            again = statistics.median(seconds(run)[0] for _ in range(5))
            print(f"d={d}, {units} units, {factor} x {largest:.3g}: {found.status}, {found.boxes:,} boxes,", end=" ")
            print(f"first {1e3 * first:.0f} ms, again {1e3 * again:.1f} ms")
            if factor == 1.05:
                print(f"d={d}: the checker takes {checking(found):.1f} s of processor time")
        for n in (1, 2):
            sg.set_threads(n)
            from subgrad.bounds import bounder

            bounder._kept.clear()
            print(f"d={d}: {throughput(net, d, units) / 1e6:.0f} million boxes x units a second in {n} threads")
        sg.set_threads(None)


if __name__ == "__main__":
    main()
