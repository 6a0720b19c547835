"""Certificates of stationarity: small records that can be saved, and checked without the code that found them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from subgrad.diff.api import value_and_grad
from subgrad.errors import FileError
from subgrad.graph.dtype import using_dtype
from subgrad.graph.tensor import Parameter, Tensor, tensor
from subgrad.graph.tree import leaves, rebuild
from subgrad.io.atomic import write_atomically
from subgrad.nn.binding import bound

FORMAT = "subgrad certificate 1"

Claim = Literal["stationary", "descent", "unknown"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is claimed of a point, and the numbers that show it. True if the claim is that it is stationary.

    - "stationary": ``weights @ gradients`` has a norm of at most ``tolerance``. With ``delta`` above 0 the gradients
      are those at ``points`` within delta of x, so 0 is, up to the tolerance, in Goldstein's delta-subdifferential
      (A. Goldstein, "Optimization of Lipschitz continuous functions", Mathematical Programming 13, 1977). With delta 0
      they are limits: each stays what it is on the way from its point to x. A slope that leads out of the bounds
      ``low`` and ``high``, for a variable within delta of one, does not count: this is the condition for a minimum
      within the bounds.
    - "descent": ``direction`` p has g.p >= \\|p\\|^2 for all gradients g, and f falls by at least a quarter of
      step \\|p\\|^2 from x to x - step p; with delta 0 also at smaller steps, else step \\|p\\| is delta.
    - "unknown": neither was found; ``reason`` says why.

    Attributes:
        claim: one of the three.
        x: the variables, one after the other, shape (n,).
        delta, tolerance: as given to `is_stationary`.
        points: shape (m, n).
        gradients: f's gradients at the points, shape (m, n).
        weights: shape (m,), at least 0, of sum 1.
        direction: shape (n,).
        low, high: shape (n,), infinite where there is no bound.
        step: a number above 0, or 0 if nothing falls.
        shapes: those of the variables.
        dtype: the dtype of the variables.
        reason: why nothing is known, or what was taken on trust.
    """

    claim: Claim
    x: np.ndarray
    delta: float
    tolerance: float
    points: np.ndarray
    gradients: np.ndarray
    weights: np.ndarray
    direction: np.ndarray
    low: np.ndarray
    high: np.ndarray
    step: float
    shapes: tuple[tuple[int, ...], ...]
    dtype: str
    reason: str = ""

    def __bool__(self) -> bool:
        return self.claim == "stationary"

    @property
    def norm(self) -> float:
        """Of ``weights @ gradients``, without what leads out of the bounds; inf if there are none."""
        return math.hypot(*_inward(self, self.weights @ self.gradients)) if len(self.weights) else math.inf

    def __str__(self) -> str:
        where = f"within {self.delta:g} of the point" if self.delta else "at the point"
        if self.claim == "unknown":
            return f"unknown {where}: {self.reason}"
        gradients = f"{len(self.points)} gradients {where}"
        if self.claim == "stationary":
            return f"stationary: {gradients} have a convex combination of norm {self.norm:.3g}"
        return f"descent: with {gradients}, f falls at a rate near {self.norm:.3g}"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate as JSON, with every number exact. Raises `FileError` if that cannot be done."""
        content = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(self).items()}
        for end in ("low", "high"):
            content[end] = [b if math.isfinite(b) else None for b in content[end]]
        text = json.dumps({"format": FORMAT, **content}, indent=1, allow_nan=False)
        write_atomically(path, text.encode())


def load_certificate(path: str | os.PathLike[str]) -> Certificate:
    """The certificate that `Certificate.save` wrote. Raises `FileError` for a file that is anything else."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        return _certificate(content)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path} is no certificate, or is damaged: {error}") from None


def _certificate(content: dict[str, Any]) -> Certificate:
    if set(content) != {f.name for f in fields(Certificate)}:
        raise ValueError(f"it has the fields {', '.join(sorted(content))}")
    x = np.array(content["x"], np.float64)
    arrays = {k: np.array(content[k], np.float64) for k in ("weights", "direction")}
    for name, absent in (("low", -math.inf), ("high", math.inf)):
        arrays[name] = np.array([absent if b is None else b for b in content[name]], np.float64)
    if not all(arrays[k].shape == x.shape for k in ("direction", "low", "high")):
        raise ValueError(f"its vectors do not all have {x.size} elements")
    tables = {k: np.array(content[k], np.float64).reshape(-1, x.size) for k in ("points", "gradients")}
    if not len(tables["points"]) == len(tables["gradients"]) == arrays["weights"].size:
        raise ValueError("it does not have a weight and a gradient for each point")
    shapes = tuple(tuple(s) for s in content["shapes"])
    return Certificate(**{**content, "x": x, "shapes": shapes, **arrays, **tables})


def verify_certificate(certificate: Certificate, f: Callable[[Any], Any], x: Any = None, *, jac: bool = False) -> bool:
    """Whether the claim of a certificate holds for ``f``, by plain backprop at the recorded points alone.

    Nothing of the search is used. A gradient counts if backprop gives it at its point, and also at a random point
    right beside: so the point is on no kink, where backprop could be wrong.

    Args:
        certificate: made by `is_stationary` or `minimize`, or loaded.
        f: the function.
        x: if the variables are those of a module or of a tree of tensors, that; its values do not matter.
        jac: True if f takes an array and returns its value and its gradient, as in `minimize`.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.kinks.stationary import is_stationary
        >>> f = lambda x: abs(x).sum()
        >>> found = is_stationary(f, [0.0, 0.0])
        >>> bool(found), verify_certificate(found, f), verify_certificate(found, lambda x: (abs(x) + x).sum())
        (True, True, False)
    """
    c = certificate
    if c.claim == "unknown" or not len(c.points) or not _is_inside(c, np.vstack([c.x, c.points])):
        return False

    def at(point: np.ndarray) -> tuple[float, np.ndarray]:
        return f(point.reshape(c.shapes[0])) if jac else _plain(c, f, x, point)

    slack = (1e-6 if c.dtype == "float64" else 1e-3) * float(np.abs(c.gradients).max())
    noise = np.random.default_rng(0).standard_normal(c.x.size)
    for y, g in zip(c.points, c.gradients, strict=True):
        reach = math.hypot(*(y - c.x))
        beside = y + noise * max(1e-8 * max(reach, c.delta), 4 * np.finfo(c.dtype).eps * np.abs(y).max())
        on_the_way = [] if c.delta else [c.x + (y - c.x) * t for t in (0.25, 0.0625, 0.015625)]
        if (c.delta and reach > c.delta * (1 + 1e-9)) or _apart(at(y)[1], g) > slack:
            return False
        if any(_apart(at(z)[1], g) > slack + c.tolerance for z in (_reflected(c, beside), *on_the_way)):
            return False
    if (c.weights < 0).any() or abs(c.weights.sum() - 1) > 1e-9:
        return False
    return c.norm <= c.tolerance if c.claim == "stationary" else _falls(c, at)


def _falls(c: Certificate, at: Callable[[np.ndarray], tuple[float, np.ndarray]]) -> bool:
    length = math.hypot(*c.direction)
    if c.step <= 0 or length == 0 or (c.gradients @ (c.direction / length) < length * (1 - 1e-6)).any():
        return False
    start, steps = at(c.x)[0], [c.step] if c.delta else [c.step, c.step / 4, c.step / 16]
    ends = [c.x - s * c.direction for s in steps]
    falls = (at(end)[0] <= start - s * length * length / 4 for s, end in zip(steps, ends, strict=True))
    return _is_inside(c, np.array(ends)) and all(falls)


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(np.ravel(a) - b).max())


def _is_inside(c: Certificate, points: np.ndarray) -> bool:
    return bool((points >= c.low).all() and (points <= c.high).all())


def _inward(c: Certificate, slope: np.ndarray) -> np.ndarray:
    """A slope without what leads out of the bounds: downhill is where minus the slope points."""
    slope = np.where(c.x - c.low <= c.delta, np.minimum(slope, 0), slope)
    return np.where(c.high - c.x <= c.delta, np.maximum(slope, 0), slope)


def _reflected(c: Certificate, point: np.ndarray) -> np.ndarray:
    """What is outside the bounds, on their other side."""
    point = np.where(point < c.low, 2 * c.low - point, point)
    return np.clip(np.where(point > c.high, 2 * c.high - point, point), c.low, c.high)


def _plain(c: Certificate, f: Callable[[Any], Tensor], x: Any, point: np.ndarray) -> tuple[float, np.ndarray]:
    """f and its gradient at a flat vector, by backprop."""
    parts = np.split(point, np.cumsum([int(np.prod(s)) for s in c.shapes])[:-1])
    with using_dtype(c.dtype):
        nodes = [tensor(p.reshape(s), c.dtype) for p, s in zip(parts, c.shapes, strict=True)]
        value, slopes = value_and_grad(_call(f, x, nodes), nodes)
    return float(value), np.concatenate([s.numpy().ravel() for s in slopes]).astype(np.float64)


def _call(f: Callable[[Any], Tensor], x: Any, nodes: list[Tensor]) -> Tensor:
    parameters = [] if x is None or isinstance(x, Tensor) else [v for v in leaves(x) if isinstance(v, Parameter)]
    if x is None or isinstance(x, Tensor):
        return f(nodes[0])
    if not parameters:
        return f(rebuild(x, nodes))
    with bound(parameters, nodes):
        return f(x)


__all__ = ["Certificate", "load_certificate", "verify_certificate"]
