"""Certificates of stationarity are checked without the code that found them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from subgrad.graph.dtype import using_dtype
from subgrad.graph.tensor import Tensor, tensor
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval
from subgrad.kinks.certify.certificate import Certificate, LoadedCertificate
from subgrad.kinks.certify.certificate_file import load_certificate
from subgrad.kinks.certify.evidence import NEAR, Evidence, Sampled, evidence, is_finest, is_near, shortest
from subgrad.kinks.limits import read_bounds
from subgrad.kinks.problem import Problem, flat_problem

TOLERANCE = 1e-6
"""What a gradient may have, for a point to count as stationary, where nobody says otherwise."""

PROMISED = 0.25
"""The part of step \\|direction\\|^2 by which f must fall."""

CLOSE = {"float64": 1e-6, "float32": 1e-3}
"""How far a recorded gradient may be from the one found at its point, relative to that; the tolerance is added."""


def verify_certificate(
    certificate: Certificate,
    f: Callable[[Any], Any],
    x: Any = None,
    *,
    jac: bool = False,
    tolerance: float | None = None,
    bounds: Any = None,
) -> bool:
    """Whether the claim of a certificate holds for ``f``.

    Nothing of the search is used, and no gradient, norm or decrease of the record is believed: all are computed anew,
    in interval arithmetic, so that rounding decides nothing. A gradient counts if the intervals of the slopes at its
    point are narrow: then the point is on no kink. With delta 0 the gradients are read off on the ways from the points
    to x, as near to x as rounding lets them be told apart; that is within 1e-6 of the way, or, where floats end before,
    within some 1e6 units in the last place of x. The combination counts if all numbers in its interval have a norm of
    at most the tolerance. A descent must be as deep as it says, by the intervals of f or of its slope on the way.

    For functions that are no graphs (``jac``), or have ops without an interval rule (derivatives written by hand), the
    numbers of the function are believed instead, up to 16 units in the last place of its values, and a gradient counts
    if it is the same at random points close by.

    Args:
        certificate: made by `is_stationary` or `minimize`, or loaded.
        f: the function.
        x: if the variables are those of a module or of a tree of tensors, that; its values do not matter.
        jac: True if f takes an array and returns its value and its gradient, as in `minimize`.
        tolerance: the largest norm that counts as stationary. If None, that of the certificate; but 1e-6 for one from a
            file, which could say anything.
        bounds: those within which x is to be stationary, as in `minimize`. If None, those of the certificate; but none
            for one from a file.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.kinks.certify.stationary import is_stationary
        >>> f = lambda x: abs(x).sum()
        >>> found = is_stationary(f, [0.0, 0.0])
        >>> bool(found), verify_certificate(found, f), verify_certificate(found, lambda x: (abs(x) + x).sum())
        (True, True, False)
    """
    c, foreign = certificate, isinstance(certificate, LoadedCertificate)
    if not _is_sound(c):
        return False
    limits = (c.low, c.high)
    if foreign or bounds is not None:
        limits = read_bounds(bounds, c.shapes)
    if tolerance is None:
        tolerance = TOLERANCE if foreign else c.tolerance
    seen = _evidence(c, f, x, jac, limits)
    return seen is not None and holds(c, seen, tolerance, limits)


def holds(c: Certificate, f: Evidence, tolerance: float, limits: tuple[np.ndarray, np.ndarray]) -> bool:
    """Whether the claim of a sound certificate is true of what is seen of a function, within limits."""
    reach = [math.hypot(*(y - c.x)) for y in c.points]
    if not _is_inside(np.vstack([c.x, c.points]), limits) or (c.delta and max(reach) > c.delta * (1 + 1e-9)):
        return False
    boxes = [f.slopes(y) for y in c.points]
    if not all(_is_close(box, g, CLOSE[c.dtype], tolerance) for box, g in zip(boxes, c.gradients, strict=True)):
        return False
    if c.delta == 0:
        if f.jumps(c.x):
            return False
        boxes = [f.limit(c.x, y, tolerance / 8) for y in c.points]
        if not all(_is_close(box, g, CLOSE[c.dtype], tolerance) for box, g in zip(boxes, c.gradients, strict=True)):
            return False
    if c.claim == "descent":
        return _descends(c, f, limits)
    low, high = _mixed(c.weights, boxes)
    longest = np.maximum(*(np.abs(c.inward(end, limits)) for end in (low, high)))
    return bool(math.hypot(*longest) <= tolerance)


def _is_sound(c: Certificate) -> bool:
    """Whether all is of one size, in its domain and finite, so that comparisons mean what they say."""
    n, m = sum(math.prod(s) for s in c.shapes), len(c.points)
    sizes = [(c.x, (n,)), (c.direction, (n,)), (c.points, (m, n)), (c.gradients, (m, n)), (c.weights, (m,))]
    numbers = [np.asarray([c.delta, c.step, c.tolerance], np.float64), *(a for a, _ in sizes)]
    return (
        c.claim in ("stationary", "descent")
        and m > 0
        and all(a.shape == shape for a, shape in sizes)
        and all(np.isfinite(a).all() for a in numbers)
        and c.dtype in CLOSE
        and c.delta >= 0
        and bool(((c.weights >= 0) & (c.weights <= 2)).all())  # the sum cannot overflow
        and abs(float(c.weights.sum()) - 1) <= 1e-9
    )


def _is_close(box: Interval, g: np.ndarray, part: float, more: float) -> bool:
    """Whether the intervals are narrow, and ``g`` lies in them, up to a part of the largest number in them and more."""
    slack = part * float(box.largest.max()) + more
    if not math.isfinite(slack):
        return False
    return bool((np.maximum(box.high - g, g - box.low) <= slack).all())


def _mixed(weights: np.ndarray, boxes: list[Interval]) -> Interval:
    """The intervals of a combination."""
    total = iv.exactly(np.zeros(boxes[0].low.shape))
    for w, box in zip(weights, boxes, strict=True):
        total = iv.add(total, iv.mul(iv.exactly(np.full(box.low.shape, w)), box))
    return total


def _descends(c: Certificate, f: Evidence, limits: tuple[np.ndarray, np.ndarray]) -> bool:
    p, size = c.direction, float(np.abs(c.gradients).max())
    length = math.hypot(*p)
    if not (c.step > 0 and length > 0):
        return False
    rounding = 1e-6 * length + 1e-3 * CLOSE[c.dtype] * size
    with np.errstate(over="ignore", invalid="ignore"):  # NaN is neither large nor small enough
        if not (c.gradients @ (p / length) >= length - rounding).all():
            return False
        mix = c.inward(c.weights @ c.gradients, limits)
        if not np.abs(mix - p).max() <= CLOSE[c.dtype] * size:
            return False
    if not _is_inside((c.x - c.step * p)[None], limits):
        return False
    rate = PROMISED * length * length
    if c.delta:
        near = abs(c.step * length - c.delta) <= 1e-6 * c.delta
        return near and f.rise(c.x, -p, 0.0, c.step)[1] <= -rate * c.step
    return falls_from(f, c.x, -p, c.step, rate)


def falls_from(f: Evidence, x: np.ndarray, v: np.ndarray, step: float, rate: float) -> bool:
    """Whether f falls along v at a rate, up to ``step`` and at all smaller steps, down to where rounding hides it."""
    if f.rise(x, v, 0.0, step)[1] > -rate * step:
        return False
    part, t, finest = 1.0, step, shortest(x) / float(np.abs(v).max())
    while not is_finest(x, t * v):
        if f.falls(x, v, 0.0, t, rate) or f.falls(x, v, finest, t, rate):  # x itself may be on a kink
            return True
        least, most = f.rise(x, v, t / 16, t)
        wanted = -rate * (t - t / 16)
        if most > wanted:  # disproved, or hidden by rounding: very near to x this is what happens at last
            return least <= wanted and (part <= NEAR or is_near(x, t * v))
        part, t = part / 16, t / 16
    return True


def _is_inside(points: np.ndarray, limits: tuple[np.ndarray, np.ndarray]) -> bool:
    low, high = limits
    return bool((points >= low).all() and (points <= high).all())


def _evidence(
    c: Certificate, f: Callable[[Any], Any], x: Any, jac: bool, limits: tuple[np.ndarray, np.ndarray]
) -> Evidence | None:
    """What is seen of f; None if its variables are not those of the certificate."""
    alone = x is None or isinstance(x, Tensor) or jac
    if alone and len(c.shapes) != 1:
        return None
    if jac:
        return Sampled(lambda point: f(point.reshape(c.shapes[0])), *limits, np.dtype(c.dtype))
    problem = _problem(c, f, x)
    same = tuple(p.shape for p in problem.places) == c.shapes and problem.dtype.name == c.dtype
    return evidence(problem, *limits) if same else None


def _problem(c: Certificate, f: Callable[[Any], Tensor], x: Any) -> Problem:
    if x is not None and not isinstance(x, Tensor):
        return flat_problem(f, x)
    with using_dtype(c.dtype):
        return flat_problem(f, tensor(c.x.reshape(c.shapes[0]), c.dtype))


__all__ = ["Certificate", "falls_from", "holds", "load_certificate", "verify_certificate"]
