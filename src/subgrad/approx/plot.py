"""Pictures of a function beside the network that approximates it, for one and two variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.approx.shallow import values
from subgrad.approx.target_function import TargetFunction
from subgrad.errors import ArgumentError
from subgrad.io.figure import new_figure, require_matplotlib, save_figure
from subgrad.io.number_text import at_most
from subgrad.nn.layers.compose import Sequential

if TYPE_CHECKING:
    from subgrad.approx.report import Report

_Array = np.ndarray
_PURPOSE = "plotting an approximation"


def plot(f: Any, box: Any, net: Sequential, report: Report, path: str | os.PathLike[str] | None = None) -> Any:
    """A figure of f, the network, its error and the band that is proven; for one variable with the knots.

    Args:
        f, box: as for `subgrad.approximate`.
        net, report: what it returned.
        path: where to save the figure, if anywhere; the ending says the format.

    Returns:
        The matplotlib figure.

    Raises:
        ArgumentError: for more than two variables, or an ending that is no format.
        FileError: if the file cannot be written.
        MissingExtraError: if matplotlib is not installed.
    """
    target = TargetFunction(f, box)
    check(target.dimensions, path)
    one = target.dimensions == 1
    drawn = new_figure(7, 6, _PURPOSE) if one else new_figure(12, 3.6, _PURPOSE)
    (_line if one else _plane)(drawn, target, net, report)
    if path is not None:
        save_figure(drawn, path)
    return drawn


def check(dimensions: int, path: str | os.PathLike[str] | None) -> None:
    """Whether `plot` can draw that: raises its errors, so that nobody waits for a picture that cannot be."""
    if dimensions > 2:
        raise ArgumentError(f"there are pictures for one and two variables, this function has {dimensions}")
    require_matplotlib(_PURPOSE)
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path is not None and _ending(path) not in known:
        raise ArgumentError(f"the ending of a picture's name says its format: {', '.join(sorted(known))}; got {path}")


def _ending(path: str | os.PathLike[str]) -> str:
    return os.path.splitext(path)[1].removeprefix(".").lower()


def _line(drawn: Any, target: TargetFunction, net: Sequential, report: Report) -> None:
    above, below = drawn.subplots(2, 1, sharex=True)
    (low, high), knots = target.box[0], _knots(net, *target.box[0])
    xs = np.union1d(np.linspace(low, high, 2001), knots)
    wanted, found = _at(target, net, xs[:, None])
    above.plot(xs, wanted, color="C0", lw=3, alpha=0.4, label="f")
    above.plot(xs, found, color="C3", lw=1, label=f"network, {report.n} {report.activation} units")
    above.plot(knots, values(net, knots[:, None]), ".", color="C3", ms=4)
    above.legend()
    below.plot(xs, found - wanted, color="C3", lw=0.8)
    below.plot(knots, np.zeros_like(knots), "|", color="black", ms=6, label="knots")
    _band(below, report)
    below.set(xlabel="x", ylabel="network − f")
    below.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)


def _band(axes: Any, report: Report) -> None:
    """The error that is proven."""
    if report.proven is not None:
        label = f"proven: ±{at_most(report.proven, 3)}"
        axes.axhspan(-report.proven, report.proven, color="C0", alpha=0.15, label=label)


def _knots(net: Sequential, low: float, high: float) -> _Array:
    """Where the hidden units have their kink, or the middle of their slope."""
    w, b = (p.numpy() for p in (net[0].weight, net[0].bias))  # pyright: ignore[reportAttributeAccessIssue]
    with np.errstate(all="ignore"):
        places = -b / w[:, 0]
    return np.sort(places[(places >= low) & (places <= high)])


def _plane(drawn: Any, target: TargetFunction, net: Sequential, report: Report) -> None:
    xs, ys = (np.linspace(low, high, 121) for low, high in target.box)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    wanted, found = (v.reshape(len(ys), len(xs)) for v in _at(target, net, grid))
    shown = [("f", wanted), (f"network, {report.n} {report.activation} units", found), ("network − f", found - wanted)]
    for axes, (title, picture) in zip(drawn.subplots(1, 3), shown, strict=True):
        mesh = axes.pcolormesh(xs, ys, picture, shading="gouraud", cmap="RdBu" if picture is shown[2][1] else "viridis")
        axes.set(title=title, xlabel="x", ylabel="y")
        drawn.colorbar(mesh, ax=axes)


def _at(target: TargetFunction, net: Sequential, points: _Array) -> tuple[_Array, _Array]:
    return target.values(points), values(net, points)
