"""The subgradient method on L1 regression: what each step rule reaches, and what theory promises for it.

    python examples/subgradient_steps.py [PICTURE]

It minimises f(w) = mean |Xw - y|, where a tenth of the y are far off. Such an f has kinks wherever a residual is 0, and
its optimum lies on many of them: the line through all good points. PICTURE, such as steps.svg, shows f_best - f* and
its bound over the steps, a panel for each rule, and needs matplotlib, `pip install 'subgrad[plot]'`.
"""

from __future__ import annotations

import math
import sys
from typing import NamedTuple

import numpy as np

import subgrad as sg
from subgrad.optim import step

STEPS = 1000


class Curves(NamedTuple):
    """After each step: f_best - f*, and what the theory promises for it."""

    gaps: np.ndarray
    bounds: np.ndarray


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


def descend(X: np.ndarray, y: np.ndarray, method: sg.Subgradient, f_star: float) -> Curves:
    """All steps as one native program."""
    A, b, w = sg.tensor(X, "float64"), sg.tensor(y, "float64"), sg.Parameter(np.zeros(X.shape[1]), "float64")

    @sg.compile
    def one(state, k):
        loss = sg.abs(A @ w - b).mean()
        state = sg.update([w], sg.grad(loss, [w]), method, state, loss)
        return state, (method.best_value(state), promised(method, state, k))

    _, (values, bounds) = one.scan(method.init([w]), np.arange(1.0, STEPS + 1))
    return Curves(values - f_star, bounds)


def promised(method: sg.Subgradient, state: dict, k: sg.Tensor) -> sg.Tensor:
    """What theory says of f_best - f*. Polyak's steps end when the optimum is reached; their bound needs no sum."""
    return method.R * method.G / sg.sqrt(k) if isinstance(method.lr, step.Polyak) else method.bound(state)


def plot(curves: dict[str, Curves], path: str) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.6), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True).ravel()
    ks = np.unique(np.geomspace(1, STEPS, 150).astype(int))
    for axes, (name, (gaps, bounds)) in zip(panels, curves.items(), strict=False):
        axes.loglog(ks, np.maximum(gaps[ks - 1], 1e-16), label="measured")
        axes.loglog(ks, bounds[ks - 1], "--", label="bound")
        axes.set_title(name)
    for name, (gaps, _) in curves.items():
        panels[-1].loglog(ks, np.maximum(gaps[ks - 1], 1e-16), label=name)
    panels[-1].set_title("all, measured")
    panels[0].legend()
    panels[-1].legend(fontsize="x-small", ncols=2, loc="upper right")
    for axes in panels:
        axes.set(ylim=(1e-4, 100), yticks=10.0 ** np.arange(-4, 3, 2))
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    figure.supxlabel("step k")
    figure.supylabel("f_best - f*")
    with matplotlib.rc_context({"svg.hashsalt": "steps"}):  # the same picture is the same file
        figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)


def main(picture: str | None = None) -> dict[str, tuple[float, float]]:
    """The last gap and the last bound of each rule."""
    X, y, w = problem()
    f_star = float(np.mean(np.abs(X @ w - y)))
    R = float(np.linalg.norm(w))  # the start is 0
    G = float(np.mean(np.linalg.norm(X, axis=1)))  # |g| = |mean of ± rows of X|
    print(f"f* = {f_star:.4f}, f(0) = {np.mean(np.abs(y)):.4f}, R = {R:.3f}, G = {G:.3f}, {STEPS} steps\n")
    curves = {}
    for rule in rules(R, G, f_star):
        curves[rule.name] = found = descend(X, y, sg.Subgradient(rule, R=R, G=G), f_star)
        print(f"{rule.name:17} f_best - f* = {found.gaps[-1]:.1e}, at most {found.bounds[-1]:.1e}")
        print(f"  {rule.describe()}\n")
    if picture:
        plot(curves, picture)
    return {name: (float(found.gaps[-1]), float(found.bounds[-1])) for name, found in curves.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
