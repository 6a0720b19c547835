"""Measured errors of networks beside what Barron's theorem and its sharper forms promise, in 1 to 10 variables.

    python examples/barron_rates.py [PICTURE]

Five families of functions whose Barron constant has a closed form, on [-1, 1]^d. The error is the mean square over
2,000 points, which are the measure: the theorem holds for every probability measure, so there is no quadrature error.
Units are relus, chosen greedily; the outer weights are fitted anew with each one. PICTURE, such as rates.svg, shows the
error over the number of units, with 4C²/n and the rate of Siegel and Xu, and needs matplotlib,
`pip install 'subgrad[plot]'`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np

import subgrad as sg
from subgrad.approx.builders.greedy import Greedy
from subgrad.approx.builders.points import uniform
from subgrad.approx.target_function import TargetFunction

POINTS, UNITS = 2000, 32
SHOWN = (1, 2, 3, 5, 10)  # variables, in the picture


def slope(d: int) -> sg.Tensor:
    """(2, 1, 1/2, ...) of length 2."""
    a = 2.0 ** -np.arange(d)
    return sg.tensor(2 * a / np.linalg.norm(a), "float64")


def steepness(d: int) -> float:
    return float(np.abs(slope(d).numpy()).sum())


def cosines(x: sg.Tensor) -> sg.Tensor:
    found = sg.cos(x[:, 0])
    for i in range(1, x.shape[1]):
        found = found * sg.cos(x[:, i])
    return found


FAMILIES: dict[str, tuple[Callable[[int], Callable], Callable[[int], float], str]] = {
    # name: (the function in d variables, ∫ |w|₁ |F|, the same in words)
    "exp(-|x|²/2)": (lambda d: lambda x: sg.exp(-(x * x).sum(1) / 2), lambda d: d * np.sqrt(2 / np.pi), "d √(2/π)"),
    "(1+|x|²)^(-(d+1)/2)": (
        lambda d: lambda x: (1 + (x * x).sum(1)) ** (-(d + 1) / 2),
        lambda d: 2 * d / np.sqrt(np.pi) * math.gamma(d / 2 + 1) / math.gamma((d + 1) / 2),
        "2d/√π Γ(d/2+1)/Γ((d+1)/2)",
    ),
    "sin(a·x + 1)": (lambda d: lambda x: sg.sin(x @ slope(d) + 1), steepness, "|a|₁"),
    "Π cos x_i": (lambda d: cosines, float, "d"),
    "tanh(a·x)": (lambda d: lambda x: sg.tanh(x @ slope(d)), steepness, "|a|₁"),
}  # fmt: skip


def measured(name: str, d: int, units: int = UNITS) -> np.ndarray:
    """The mean squared error with 1, 2, ... units."""
    target = TargetFunction(FAMILIES[name][0](d), [(-1, 1)] * d)
    X = uniform(target.box, POINTS, seed=d)
    greedy = Greedy(X, target.values(X), "relu", seed=0)
    greedy.grow(units, together=False)
    return np.array(greedy.errors)


def table(name: str, dimensions, units: int) -> dict[int, np.ndarray]:
    """The errors for each number of variables; prints the last of each beside the bounds."""
    function, constant, words = FAMILIES[name]
    print(f"\n{name}, C = {words}\n d      C by rules  closed form  4C²/{units:<4}  measured  bound/measured")
    found = {}
    for d in dimensions:
        by_rules, exact = sg.barron(function(d), [(-1, 1)] * d).upper_box, constant(d)
        found[d] = measured(name, d, units)
        bound, error = sg.barron_bound(exact, 1, units), found[d][-1]
        print(f"{d:2}  {by_rules:14.6f}  {exact:11.6f}  {bound:8.3g}  {error:8.2g}  {bound / error:14.2g}")
    return found


def draw(errors: dict[str, dict[int, np.ndarray]], path: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(errors), 3.8), layout="constrained")
    panels = figure.subplots(1, len(errors), sharey=True, squeeze=False)[0]
    for axes, (name, by_dimension) in zip(panels, errors.items(), strict=True):
        for i, (d, error) in enumerate(by_dimension.items()):
            n = np.arange(1, len(error) + 1)
            axes.loglog(n, error, color=f"C{i}", label=f"d = {d}")
            axes.loglog(n, [sg.barron_bound(FAMILIES[name][1](d), 1, k) for k in n], "--", lw=0.8, color=f"C{i}")
            axes.loglog(n[3:], error[3] * (n[3:] / 4.0) ** -(1 + 3 / d), ":", lw=0.8, color=f"C{i}")
        axes.set(title=name, xlabel="units", ylim=(1e-9, 1e3))
    panels[0].set_ylabel("mean squared error")
    panels[0].legend(title="dashed: 4C²/n\ndotted: n^-(1+3/d)", fontsize=8, title_fontsize=8, loc="lower left")
    figure.savefig(path)


def main(picture: str | None = None, dimensions=range(1, 11), units: int = UNITS, names=tuple(FAMILIES)) -> dict:
    found = {name: table(name, dimensions, units) for name in names}
    if picture:
        draw({name: {d: e for d, e in by.items() if d in SHOWN} for name, by in found.items()}, picture)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:2])
