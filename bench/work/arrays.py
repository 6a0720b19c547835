"""The numbers that every peer gets alike: data, batch order, initial weights."""

from __future__ import annotations

from math import sqrt

import numpy as np

from bench.work.layers import Parameter
from bench.work.workloads import Workload


def data(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """(X, Y): float32 samples, or int64 ones for tables of vectors; int64 classes for ``ce``, else float32 targets. Y
    depends on X: there is something to learn."""
    random = np.random.default_rng(0)
    match workload.layers[0]:
        case ("embedding", count, _):
            return _text(workload, count, random)
        case ("embeddings", counts, _):
            return _categories(workload, counts, random)
        case ("vae", _, latent):
            return _pictures(workload, latent, random)
    if workload.loss == "bce":
        corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
        return corners, np.array([[0], [1], [1], [0]], np.float32)
    X = random.standard_normal((workload.samples, *workload.inputs), dtype=np.float32)
    flat = X.reshape(workload.samples, -1)
    teacher = random.standard_normal((flat.shape[1], workload.outputs()), dtype=np.float32)
    scores = flat @ (teacher / np.float32(sqrt(flat.shape[1])))
    return X, (scores.argmax(1) if workload.loss == "ce" else scores)


def _text(workload: Workload, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Windows of one long text, and the same one character further: each character has four that may follow it."""
    length = workload.inputs[0]
    follow, choices = random.integers(0, count, (count, 4)), random.integers(0, 4, workload.samples * length + 1)
    text = np.zeros(len(choices), np.int64)
    for i, choice in enumerate(choices[1:]):
        text[i + 1] = follow[text[i], choice]
    return text[:-1].reshape(-1, length), text[1:].reshape(-1, length)


def _categories(
    workload: Workload, counts: tuple[int, ...], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Columns of categories, each of which speaks for some class."""
    X = np.stack([random.integers(0, n, workload.samples) for n in counts], axis=1)
    says = [random.standard_normal((n, workload.outputs())) for n in counts]
    return X, sum(table[column] for table, column in zip(says, X.T, strict=True)).argmax(1)


def _pictures(workload: Workload, latent: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Black and white pixels with the noise of the latent variables behind them, which all peers get alike, and the
    pixels again."""
    pixels = workload.inputs[0] - latent
    causes = random.standard_normal((workload.samples, latent), dtype=np.float32)
    seen = (causes @ random.standard_normal((latent, pixels), dtype=np.float32) > 2).astype(np.float32)
    noise = random.standard_normal((workload.samples, latent), dtype=np.float32)
    return np.concatenate([seen, noise], axis=1), seen


def batches(workload: Workload, steps: int) -> np.ndarray:
    """(steps, batch) sample numbers: as many permutations of the samples as the steps need."""
    random, wanted = np.random.default_rng(1), steps * workload.batch
    epochs = -(-wanted // workload.samples)
    order = np.concatenate([random.permutation(workload.samples) for _ in range(epochs)])
    return order[:wanted].reshape(steps, workload.batch)


def initial(workload: Workload) -> list[np.ndarray]:
    """The parameters of each layer in order, float32, in PyTorch's layout; see `bench.work.layers`. Those of several
    members have an axis of members in front."""
    random = np.random.default_rng(2)
    if workload.members == 1:
        return [_drawn(p, random) for p in workload.parameters()]
    drawn = [[_drawn(p, random) for p in workload.parameters()] for _ in range(workload.members)]
    return [np.stack(column) for column in zip(*drawn, strict=True)]


def _drawn(parameter: Parameter, random: np.random.Generator) -> np.ndarray:
    if not parameter.bound:
        return np.full(parameter.shape, parameter.middle, np.float32)
    around = random.uniform(-1, 1, parameter.shape).astype(np.float32)
    return around * np.float32(parameter.bound) + np.float32(parameter.middle)
