"""The numbers that every peer gets alike: data, batch order, initial weights."""

from __future__ import annotations

from math import sqrt

import numpy as np

from bench.layers import Parameter
from bench.workloads import Workload


def data(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """(X, Y): float32 samples; int64 classes for ``ce``, else float32 targets. Y depends on X: there is something to
    learn."""
    if workload.loss == "bce":
        corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
        return corners, np.array([[0], [1], [1], [0]], np.float32)
    random = np.random.default_rng(0)
    X = random.standard_normal((workload.samples, *workload.inputs), dtype=np.float32)
    flat = X.reshape(workload.samples, -1)
    teacher = random.standard_normal((flat.shape[1], workload.outputs()), dtype=np.float32)
    scores = flat @ (teacher / np.float32(sqrt(flat.shape[1])))
    return X, (scores.argmax(1) if workload.loss == "ce" else scores)


def batches(workload: Workload, steps: int) -> np.ndarray:
    """(steps, batch) sample numbers: as many permutations of the samples as the steps need."""
    random, wanted = np.random.default_rng(1), steps * workload.batch
    epochs = -(-wanted // workload.samples)
    order = np.concatenate([random.permutation(workload.samples) for _ in range(epochs)])
    return order[:wanted].reshape(steps, workload.batch)


def initial(workload: Workload) -> list[np.ndarray]:
    """The parameters of each layer in order, float32, in PyTorch's layout; see `bench.layers`."""
    random = np.random.default_rng(2)
    return [_drawn(p, random) for p in workload.parameters()]


def _drawn(parameter: Parameter, random: np.random.Generator) -> np.ndarray:
    if not parameter.bound:
        return np.full(parameter.shape, parameter.middle, np.float32)
    around = random.uniform(-1, 1, parameter.shape).astype(np.float32)
    return around * np.float32(parameter.bound) + np.float32(parameter.middle)
