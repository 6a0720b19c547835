"""The subgradient method on L1 regression: what each step rule reaches, and what theory promises for it.

    python examples/subgradient_steps.py [PICTURE]

It minimises f(w) = mean |Xw - y|, where a tenth of the y are far off. Such an f has kinks wherever a residual is 0, and
its optimum lies on many of them: the line through all good points. PICTURE, such as steps.png, shows f_best - f* over
the steps and needs matplotlib, `pip install 'subgrad[plot]'`.
"""

from __future__ import annotations

import math
import sys

import numpy as np

import subgrad as sg
from subgrad.optim import step

STEPS = 200


def problem(n: int = 100, d: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X (n, d), y (n,), and the minimiser: L1 regression ignores a few outliers exactly."""
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(n, d)), rng.normal(size=d)
    y = X @ w
    y[: n // 10] += rng.normal(scale=10, size=n // 10)
    return X, y, w


def rules(R: float, G: float, f_star: float) -> list[step.Rule]:
    """The first two are the best of their kind for a known number of steps."""
    best = R / (G * math.sqrt(STEPS))
    return [
        step.Constant(best),
        step.ConstantLength(R / math.sqrt(STEPS)),
        step.InverseSqrt(R / G),
        step.SquareSummable(100, 100),
        step.Polyak(f_star),
    ]


def descend(X: np.ndarray, y: np.ndarray, method: sg.Subgradient) -> tuple[list[float], float]:
    """The best value after each step, and how far the last of them is from the optimum at most."""
    A, b, w = sg.tensor(X, "float64"), sg.tensor(y, "float64"), sg.Parameter(np.zeros(X.shape[1]), "float64")
    state, values = method.init([w]), []
    for _ in range(STEPS):
        loss = sg.abs(A @ w - b).mean()
        state = sg.update([w], sg.grad(loss, [w]), method, state, loss)
        values.append(float(method.best_value(state)))
    return values, float(method.bound(state))


def promised(rule: step.Rule, bound: float, R: float, G: float) -> float:
    """What theory says of f_best - f*. Polyak's steps end when the optimum is reached; their bound needs no sum."""
    return R * G / math.sqrt(STEPS) if isinstance(rule, step.Polyak) else bound


def plot(curves: dict[str, list[float]], path: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for name, gaps in curves.items():
        axes.semilogy(range(1, STEPS + 1), np.maximum(gaps, 1e-16), label=name)
    axes.set(xlabel="step", ylabel="f_best - f*")
    axes.legend()
    figure.savefig(path)


def main(picture: str | None = None) -> dict[str, tuple[float, float]]:
    X, y, w = problem()
    f_star = float(np.mean(np.abs(X @ w - y)))
    R = float(np.linalg.norm(w))  # the start is 0
    G = float(np.mean(np.linalg.norm(X, axis=1)))  # |g| = |mean of ± rows of X|
    print(f"f* = {f_star:.4f}, f(0) = {np.mean(np.abs(y)):.4f}, R = {R:.3f}, G = {G:.3f}, {STEPS} steps\n")
    curves, reached = {}, {}
    for rule in rules(R, G, f_star):
        values, bound = descend(X, y, sg.Subgradient(rule, R=R, G=G))
        curves[rule.name] = [v - f_star for v in values]
        reached[rule.name] = curves[rule.name][-1], promised(rule, bound, R, G)
        print("{:17} f_best - f* = {:.1e}, at most {:.1e}".format(rule.name, *reached[rule.name]))
        print(f"  {rule.describe()}\n")
    if picture:
        plot(curves, picture)
    return reached


if __name__ == "__main__":
    main(*sys.argv[1:])
