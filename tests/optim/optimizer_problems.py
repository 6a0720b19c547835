"""The table of problems and settings that all optimisers are tested on, for subgrad and for PyTorch alike.

Each problem is written once, with the operations that ``xp``, either of the two packages, has by the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

rng = np.random.Generator(np.random.Philox(20))
DESIGN = rng.normal(size=(12, 4))
HIDDEN = np.array([1.0, -2.0, 0.0, 3.0])
NOISE = 0.1 * rng.normal(size=12)
LABELS = np.sign(DESIGN @ HIDDEN + rng.normal(size=12))
POINTS = rng.normal(size=(8, 2))
TARGETS = np.sin(2 * POINTS[:, 0]) * POINTS[:, 1]


@dataclass(frozen=True)
class Problem:
    """``f(xp, data, *params)`` gives the loss; ``data`` are the constants of that name, as tensors."""

    f: Any
    start: tuple[np.ndarray, ...]
    data: tuple[np.ndarray, ...] = ()


def quadratic(xp, data, x):
    return 0.5 * (data[0] * x * x).sum() - x.sum()


def rosenbrock(xp, data, x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def l1_regression(xp, data, w):
    design, targets = data
    return xp.abs(design @ w - targets).mean()


def logistic_regression(xp, data, w, b):
    design, labels = data
    return xp.log1p(xp.exp(-labels * (design @ w + b))).mean()


def network(xp, data, weight, bias, out, shift):
    points, targets = data
    hidden = xp.relu(points @ weight + bias)
    return ((hidden @ out + shift - targets) ** 2).mean()


PROBLEMS = {
    "quadratic": Problem(quadratic, (np.array([1.0, -1.0, 2.0]),), (np.array([1.0, 3.0, 10.0]),)),
    "rosenbrock": Problem(rosenbrock, (np.array([-1.2, 1.0]),)),
    "l1_regression": Problem(l1_regression, (np.zeros(4),), (DESIGN, DESIGN @ HIDDEN + NOISE)),
    "logistic_regression": Problem(logistic_regression, (np.zeros(4), np.array(0.5)), (DESIGN, LABELS)),
    "network": Problem(
        network,
        (rng.normal(size=(2, 3)), 0.1 * rng.normal(size=3), rng.normal(size=3), np.array(0.0)),
        (POINTS, TARGETS),
    ),
}

# The class, which has the same name in both packages, and settings that are not the defaults of either.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 2e-3}),
    "sgd_momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9}),
    "sgd_nesterov": ("SGD", {"lr": 1e-3, "momentum": 0.8, "nesterov": True}),
    "sgd_decay": ("SGD", {"lr": 1e-3, "momentum": 0.5, "weight_decay": 0.1}),
    "adam": ("Adam", {}),
    "adam_settings": ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    "adamw": ("AdamW", {"lr": 0.01}),
    "adamw_decay": ("AdamW", {"lr": 0.05, "weight_decay": 0.3}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_momentum": ("RMSprop", {"lr": 1e-3, "alpha": 0.9, "eps": 1e-4, "momentum": 0.7}),
    "adagrad": ("Adagrad", {}),
    "adamax": ("Adamax", {"lr": 0.01, "betas": (0.8, 0.95)}),
    "nadam": ("NAdam", {"lr": 0.01, "betas": (0.8, 0.95), "momentum_decay": 0.01}),
    "radam": ("RAdam", {"lr": 5e-4, "betas": (0.8, 0.95)}),
    "adadelta": ("Adadelta", {"rho": 0.8, "eps": 1e-5}),
    "rprop": ("Rprop", {"lr": 0.02}),
    "adagrad_settings": ("Adagrad", {"lr": 0.2, "eps": 0.01}),
}

STEPS = 20
