"""Networks with one hidden layer to a proven error: how many units and how much time they take.

    python examples/approximation.py [PICTURE]

The first table is of exp(-x²) sin(5x) on [-2, 2], with the number of units that an interpolant with the same error has,
the integral of √|f''| over √(8 eps). The second is of Gaussians on [-1, 1]^d, by greedy choice; the mean squared error
is that on 20,000 random points, none of which was used to build the network. PICTURE, such as fit.svg, shows the
network for 1e-3, and needs matplotlib, `pip install 'subgrad[plot]'`.
"""

from __future__ import annotations

import sys

import numpy as np

import subgrad as sg
from subgrad.approx.report import Report

WAVE, BOX = "exp(-x**2)*sin(5*x)", (-2, 2)
GAUSSIANS = ((2, 64), (3, 100), (5, 100))  # variables and units


def gaussian(x: sg.Tensor) -> sg.Tensor:
    return sg.exp(-(x * x).sum(1) / 2)


def interpolant(eps: float) -> float:
    """The units of the interpolant of the wave."""
    x = np.linspace(*BOX, 100_001)
    bend = np.exp(-(x**2)) * ((4 * x**2 - 27) * np.sin(5 * x) - 20 * x * np.cos(5 * x))
    return float(np.sqrt(np.abs(bend)).mean() * (BOX[1] - BOX[0]) / np.sqrt(8 * eps))


def wave(eps: float) -> Report:
    report = sg.approximate(WAVE, BOX, eps=eps).report
    share = report.n / interpolant(eps)
    print(f"{eps:8.0e}  {report.n:6,}  {share:10.2f}  {report.proven:<11.6g}  {report.seconds:7.3f}")
    return report


def gaussians(d: int, n: int) -> Report:
    report = sg.approximate(gaussian, [(-1, 1)] * d, n=n).report
    proven = f"{report.proven:.2g}" if report.proven is not None else "-"
    bound = f"{report.bound:.2g}" if report.bound is not None else "-"
    print(f"{d}  {n:5}  {report.l2**2:18.2g}  {bound:>14}  {report.sup:8.2g}  {proven:>6}  {report.seconds:7.1f}")
    return report


def main(picture: str | None = None, errors=(1e-2, 1e-3, 1e-4, 1e-5, 1e-6), sizes=GAUSSIANS) -> None:
    print("wanted     units  of interpolant  proven   seconds")
    for eps in errors:
        wave(eps)
    if picture:
        from subgrad.approx.plot import plot

        plot(WAVE, BOX, *sg.approximate(WAVE, BOX, eps=1e-3), picture)
    print("\nd  units  mean squared error  Barron's bound       sup  proven  seconds")
    for d, n in sizes:
        gaussians(d, n)


if __name__ == "__main__":
    main(*sys.argv[1:2])
