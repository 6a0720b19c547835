"""Pictures of a function around a point and of its subdifferential there, for one and two variables."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, missing_extra
from subgrad.io.figure import save_figure

Value = Callable[[np.ndarray], float]


def figure(
    value: Value, point: np.ndarray, gradients: np.ndarray, cones: Sequence[np.ndarray], exact: str,
    path: str | os.PathLike[str] | None, radius: float,
) -> Any:  # fmt: skip
    """The figure of `Subdifferential.plot`: the function around a point (n,), and the hull of gradients (m, n).

    ``cones`` are the cells, each the rows of {d: rows @ d >= 0}; ``exact`` is what is said of the gradients.
    """
    n = point.size
    if n > 2:
        raise ArgumentError(f"there are plots for one and two variables, this function has {n}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("matplotlib", "plot", "plotting a subdifferential") from None
    drawn = Figure(figsize=(9, 4), layout="constrained")
    left, right = drawn.subplots(1, 2)
    if n == 1:
        _line(left, value, point, gradients, radius)
        _slopes(right, gradients[:, 0])
    else:
        _plane(left, value, point, cones, radius)
        _polygon(right, gradients)
    right.set_title(f"subdifferential ({exact})")
    if path is not None:
        save_figure(drawn, path)
    return drawn


def _line(axes: Any, value: Value, point: np.ndarray, gradients: np.ndarray, radius: float) -> None:
    """f over an interval, with the line of each slope."""
    at = float(point[0])
    xs = np.linspace(at - radius, at + radius, 401)
    middle = value(point)
    axes.plot(xs, [value(np.array([x])) for x in xs], color="C0")
    for (slope,) in gradients:
        axes.plot(xs, middle + slope * (xs - at), "--", lw=0.8, color="C1")
    axes.plot(at, middle, "o", color="C3")
    axes.set(title="f and its slopes at the point", xlabel="x")


def _slopes(axes: Any, slopes: np.ndarray) -> None:
    """The interval of slopes."""
    if slopes.size:
        axes.plot([slopes.min(), slopes.max()], [0, 0], lw=4, alpha=0.4, color="C0")
    axes.plot(slopes, 0 * slopes, "o", color="C0")
    _mark_zero(axes)
    axes.set(yticks=[], xlabel="slope")


def _plane(axes: Any, value: Value, point: np.ndarray, cones: Sequence[np.ndarray], radius: float) -> None:
    """Contours of f, with the sides of the cells."""
    a, b = point
    xs, ys = np.linspace(a - radius, a + radius, 81), np.linspace(b - radius, b + radius, 81)
    axes.contourf(xs, ys, [[value(np.array([x, y])) for x in xs] for y in ys], levels=24)
    for ray in _sides(cones):
        axes.plot([a, a + radius * ray[0]], [b, b + radius * ray[1]], color="white", lw=1)
    axes.plot(a, b, "o", color="C3")
    axes.set(title="f and its cells", xlabel="x[0]", ylabel="x[1]", aspect="equal")


def _sides(cones: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The rays that bound the cells, their larger element 1 in magnitude."""
    ways = ((rows, way * np.array([-row[1], row[0]])) for rows in cones for row in rows for way in (1, -1))
    return [ray / np.abs(ray).max() for rows, ray in ways if (rows @ ray >= -1e-9).all()]


def _polygon(axes: Any, gradients: np.ndarray) -> None:
    """The hull of the gradients."""
    corners = _hull(gradients)
    axes.fill(corners[:, 0], corners[:, 1], alpha=0.3, ec="C0", fc="C0")
    axes.plot(gradients[:, 0], gradients[:, 1], "o", color="C0")
    _mark_zero(axes)
    axes.set(xlabel="g[0]", ylabel="g[1]")


def _mark_zero(axes: Any) -> None:
    axes.plot(0, 0, "x", color="C3", ms=9, mew=2, label="0")
    axes.legend()


def _hull(points: np.ndarray) -> np.ndarray:
    """The corners of the convex hull, in order (A. Andrew, "Another efficient algorithm for convex hulls", 1979)."""
    ordered = sorted(map(tuple, points.tolist()))
    return np.array(_chain(ordered) + _chain(ordered[::-1])).reshape(-1, 2)


def _chain(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
    chain: list[tuple[float, float]] = []
    for p in ordered:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], p) <= 0:
            chain.pop()
        chain.append(p)
    return chain


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
