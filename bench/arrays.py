"""The numbers that every peer gets alike: data, batch order, initial weights."""

from __future__ import annotations

from math import sqrt

import numpy as np

from bench.workloads import GATES, Workload


def data(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """(X, Y): float32 samples; int64 classes for ``ce``, else float32 targets. Y depends on X: there is something to
    learn."""
    if workload.loss == "bce":
        corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
        return corners, np.array([[0], [1], [1], [0]], np.float32)
    random = np.random.default_rng(0)
    X = random.standard_normal((workload.samples, *workload.inputs), dtype=np.float32)
    flat = X.reshape(workload.samples, -1)
    teacher = random.standard_normal((flat.shape[1], _outputs(workload)), dtype=np.float32)
    scores = flat @ (teacher / np.float32(sqrt(flat.shape[1])))
    return X, (scores.argmax(1) if workload.loss == "ce" else scores)


def batches(workload: Workload, steps: int) -> np.ndarray:
    """(steps, batch) sample numbers: as many permutations of the samples as the steps need."""
    random, wanted = np.random.default_rng(1), steps * workload.batch
    epochs = -(-wanted // workload.samples)
    order = np.concatenate([random.permutation(workload.samples) for _ in range(epochs)])
    return order[:wanted].reshape(steps, workload.batch)


def initial(workload: Workload) -> list[np.ndarray]:
    """The parameters of each layer in order, float32: for ``linear`` a weight (outputs, inputs) and a bias; for
    recurrent layers the weights and the biases of the inputs and of the state, as in PyTorch."""
    random, width, found = np.random.default_rng(2), workload.inputs[-1], []
    for kind, *sizes in workload.layers:
        if kind == "linear":
            bound = np.float32(1 / sqrt(width))
            shapes = [(sizes[0], width), (sizes[0],)]
        elif kind in GATES:
            bound, rows = np.float32(1 / sqrt(sizes[0])), GATES[kind] * sizes[0]
            shapes = [(rows, width), (rows, sizes[0]), (rows,), (rows,)]
        else:
            continue
        found += [random.uniform(-1, 1, shape).astype(np.float32) * bound for shape in shapes]
        width = sizes[0]
    return found


def _outputs(workload: Workload) -> int:
    return next(sizes[0] for kind, *sizes in reversed(workload.layers) if sizes)
