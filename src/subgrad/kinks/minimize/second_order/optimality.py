"""From a certificate of stationarity to what second derivatives say of the point beside it."""

from __future__ import annotations

import contextlib
import math

import numpy as np

from subgrad.compile.runtime.interpret import Interpreter
from subgrad.errors import SubgradError
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval
from subgrad.kinks.certify.certificate import Certificate
from subgrad.kinks.minimize.multipliers.active_kinks import DECIDED, ActiveKinks
from subgrad.kinks.minimize.multipliers.smoothed_kinks import Evaluation, SmoothedKinks, is_choice
from subgrad.kinks.minimize.second_order.dependent_kinks import all_are_met, independent
from subgrad.kinks.minimize.second_order.equations import Bounds, KinkEquations, Unknown
from subgrad.kinks.minimize.second_order.interval_newton import Zero, only_zero, polished
from subgrad.kinks.minimize.second_order.null_space import curvature
from subgrad.kinks.minimize.second_order.second_order_verdict import SecondOrder, Verdict, nothing
from subgrad.kinks.problem import Problem

FARTHEST = 1e-2
"""How far the stationary point may be from the one of the certificate, relative to 1 and its numbers."""

NEAR, STEPS = 1e-9, 3
"""How near kinks are that count as met where a certificate has no radius, relative likewise; and the steps in which
slopes are found."""

Kinks = tuple[list[np.ndarray], ActiveKinks]
"""The slopes of all kinks, and those that a point is on."""


def second_order(problem: Problem | None, certificate: Certificate) -> SecondOrder:
    """Whether there is a strict local minimum at the point of a certificate, up to rounding.

    The gradients of the certificate are from both sides of those kinks that the point is on. On these kinks Newton's
    method finds the stationary point beside it, and in interval arithmetic that there is exactly one and that the kinks
    are independent there (the linear independence kink qualification of Griewank and Walther, see `equations`; for
    others see `dependent_kinks`). Their arguments can then be taken as coordinates z, with others t: f is a smooth
    function of z, max(0, z) and t. It is a strict local minimum if f rises along each z and -z, and is curved upwards
    in t: the slopes of the kinks are between those of both sides, and the second derivatives of f with these slopes
    positive definite along the kinks. It is none if one of the two is the other way round.
    """
    if certificate.claim != "stationary":
        return nothing("the point was not found stationary")
    if problem is None:
        return nothing("the second derivatives of a plain function are not known")
    try:
        return _judged(SmoothedKinks(problem), certificate)
    except Unknown as why:
        return nothing(str(why))
    except (SubgradError, np.linalg.LinAlgError):
        return nothing("the function has no second derivatives there, or none that are known")


def _judged(smooth: SmoothedKinks, certificate: Certificate) -> SecondOrder:
    """By the kinks that the certificate shows; where they do not suffice, by all that are near."""
    try:
        return _Point(smooth, certificate, *_seen(smooth, certificate)).verdict()
    except Unknown:
        with contextlib.suppress(Unknown, SubgradError, np.linalg.LinAlgError):
            return _Point(smooth, certificate, *_centred(smooth, certificate)).verdict()
        raise


class _Point:
    """The stationary point beside that of a certificate."""

    def __init__(
        self, smooth: SmoothedKinks, certificate: Certificate, slopes: list[np.ndarray], active: ActiveKinks
    ) -> None:
        self.equations, c = KinkEquations(smooth, slopes, active), certificate
        self.n, self.certificate = smooth.problem.size, c
        slope = c.weights @ c.gradients
        at_low = (c.x - c.low <= c.delta) & (slope > c.tolerance)
        at_high = (c.high - c.x <= c.delta) & (slope < -c.tolerance)
        start = np.where(at_low, c.low, np.where(at_high, c.high, c.x))
        self.outward = np.where(at_low, 1.0, np.where(at_high, -1.0, 0.0))
        self.whole = np.concatenate([start, _numbers(slopes, active)])
        self.free_x = np.flatnonzero(self.outward == 0)
        self.kept = independent(self.equations.at(self.whole)[1][self.n :, self.free_x])
        self.all_kept = len(self.kept) == len(active)
        self.free = np.append(self.free_x, self.n + self.kept)  # the slopes of other kinks stay as they are

    def verdict(self) -> SecondOrder:
        zero, bounds = self._enclosed()
        s, q = Interval(zero.box.low[self.n :], zero.box.high[self.n :]), bounds.effects
        if not (self._is_between(s) and self._leads_out(bounds)):
            raise Unknown("a slope cannot be told from that of one side of its kink, or from 0 at a bound")
        if not self.all_kept and not ((q.low > 0).all() and self._others_are_met(zero, bounds)):
            raise Unknown(_DEPENDENT)
        rows = Interval(*(end[self.n + self.kept][:, self.free_x] for end in bounds.slopes))
        hessian = Interval(*(end[np.ix_(self.free_x, self.free_x)] for end in bounds.slopes))
        along = curvature(hessian, rows, zero.lift)
        if along.sign < 0:
            way = along.direction
            return self._found("not a local minimum", zero, along.least, way, self._bend(zero, way))
        if (q.high < 0).any():
            way = zero.inverse[: len(self.free_x), len(self.free_x) + int(np.argmin(q.high))]
            return self._found("not a local minimum", zero, math.nan, way / np.abs(way).max())
        if not (q.low > 0).all():
            raise Unknown("a kink there cannot be told from none")
        if along.sign == 0:
            raise Unknown(f"the least curvature along the kinks, about {along.least:.1g}, cannot be told from 0")
        return self._found("strict local minimum", zero, along.least)

    def _enclosed(self) -> tuple[Zero, Bounds]:
        """The stationary point, and what is known of the equations there."""
        c, free = self.certificate, self.free
        with np.errstate(all="ignore"):
            y = polished(self._floats, self.whole[free])
        if y is None or np.abs(self._at(y)[: self.n] - c.x).max() > FARTHEST * (1 + np.abs(c.x).max()):
            raise Unknown("Newton's method does not lead to a stationary point beside it")
        try:
            inverse = np.linalg.inv(self._floats(y)[1])
        except np.linalg.LinAlgError:
            raise Unknown(_DEPENDENT) from None
        if not np.isfinite(inverse).all():
            raise Unknown(_DEPENDENT)
        with np.errstate(all="ignore"):
            zero = only_zero(self._zeros, self._slopes, y, inverse)
        if zero is None:
            raise Unknown(_DEPENDENT)
        whole = self._box(zero.box)
        x = Interval(whole.low[self.free_x], whole.high[self.free_x])
        if not ((x.low > c.low[self.free_x]) & (x.high < c.high[self.free_x])).all():
            raise Unknown("rounding hides whether it is within the bounds")
        return zero._replace(box=whole), self.equations.over(whole)

    # Only some variables are free: the others are at a bound

    def _at(self, y: np.ndarray) -> np.ndarray:
        whole = self.whole.copy()
        whole[self.free] = y
        return whole

    def _box(self, box: Interval) -> Interval:
        return Interval(self._at(box.low), self._at(box.high))

    def _floats(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        zeros, slopes = self.equations.at(self._at(y))
        return zeros[self.free], slopes[np.ix_(self.free, self.free)]

    def _zeros(self, box: Interval) -> Interval:
        return Interval(*(end[self.free] for end in self.equations.over(self._box(box)).zeros))

    def _slopes(self, box: Interval) -> Interval:
        return Interval(*(end[np.ix_(self.free, self.free)] for end in self.equations.over(self._box(box)).slopes))

    # The conditions

    def _is_between(self, s: Interval) -> bool:
        """Whether all slopes are between those of both sides: then the point is stationary, and f rises or falls on
        both sides of each kink. Slopes that belong to one maximum are less than 1 together: what they lack is the slope
        of the piece that the others are compared with."""
        together = np.bincount(self.equations.groups, s.high, minlength=1)
        return bool((s.low > 0).all() and (together < 1 - 1e-9).all())

    def _leads_out(self, bounds: Bounds) -> bool:
        """Whether f falls towards the outside at the bounds that the point is at."""
        low, high = (end[: self.n] for end in bounds.zeros)
        return bool(np.where(self.outward > 0, low > 0, (self.outward == 0) | (high < 0)).all())

    def _others_are_met(self, zero: Zero, bounds: Bounds) -> bool:
        """Whether the point is on the kinks, too, that depend on the others."""
        x = Interval(zero.box.low[self.free_x], zero.box.high[self.free_x])

        def differences(at: Interval) -> Interval:
            whole = Interval(*(end.copy() for end in zero.box))
            for end, value in zip(whole, at, strict=True):
                end[self.free_x] = value
            return Interval(*(end[self.n :] for end in self.equations.over(whole).zeros))

        rows, by_slopes = (
            Interval(*(end[self.n :][:, columns] for end in bounds.slopes))
            for columns in (self.free_x, slice(self.n, None))
        )
        return all_are_met(differences, x, rows, by_slopes, self.kept)

    def _bend(self, zero: Zero, way: np.ndarray) -> np.ndarray:
        """How a line along ``way`` has to be bent to stay on the kinks, to second order."""
        k, y = len(self.free_x), iv.ball(Interval(*(end[self.free] for end in zero.box)))[0]
        h = 1e-4 * (1 + float(np.abs(y[:k]).max()))
        step = h * np.append(way, np.zeros(len(y) - k))
        ahead, here, behind = (self._floats(y + t * step)[0][k:] for t in (1, 0, -1))
        return -zero.inverse[:k, k:] @ (ahead - 2 * here + behind) / (2 * h * h)

    def _found(
        self, verdict: Verdict, zero: Zero, least: float, way: np.ndarray | None = None, bend: np.ndarray | None = None
    ) -> SecondOrder:
        middle, reach = iv.ball(Interval(zero.box.low[: self.n], zero.box.high[: self.n]))
        distance = math.hypot(*(np.abs(middle - self.certificate.x) + reach)) * (1 + 1e-9)
        return SecondOrder(verdict, middle, distance, least, self._full(way), self._full(bend))

    def _full(self, free: np.ndarray | None) -> np.ndarray:
        whole = np.zeros(self.n)
        if free is not None:
            whole[self.free_x] = free
        return whole


_DEPENDENT = "rounding hides whether there is exactly one stationary point, or the kinks there depend on each other"


def _seen(smooth: SmoothedKinks, c: Certificate) -> Kinks:
    """The slopes of all kinks in the combination of a certificate's gradients, and the kinks that have points on both
    sides."""
    look = Interpreter(smooth.problem.places, smooth.arguments())
    slopes = [np.zeros(m.shape) for m in smooth.multipliers]
    arguments = slopes
    for point, weight in zip(c.points, c.weights, strict=True):
        arguments = look(smooth.problem.split(point))
        for node, s, z in zip(smooth.nodes, slopes, arguments, strict=True):
            s += weight * (np.arange(z.shape[-1]) == z.argmax(-1, keepdims=True) if is_choice(node) else z > 0)
    sides = [np.where(s < DECIDED, 0.0, np.where(s > 1 - DECIDED, 1.0, s)) for s in slopes]
    slopes = [s.astype(m.dtype) for s, m in zip(sides, smooth.multipliers, strict=True)]
    return slopes, ActiveKinks(smooth, Evaluation(c.x, math.nan, c.x, slopes, arguments), -1.0)


def _centred(smooth: SmoothedKinks, c: Certificate) -> Kinks:
    """The kinks within the radius of a certificate, with slopes near the middle that make the gradient 0: gradients of
    which few suffice need not be from both sides of all kinks."""
    near = max(c.delta, NEAR * (1 + float(np.abs(c.x).max())))
    arguments = Interpreter(smooth.problem.places, smooth.arguments())(smooth.problem.split(c.x))
    slopes = []
    for node, z in zip(smooth.nodes, arguments, strict=True):
        if is_choice(node):
            tied = z >= z.max(-1, keepdims=True) - near
            slopes.append(tied / tied.sum(-1, keepdims=True))
        else:
            slopes.append(np.where(np.abs(z) <= near, 0.5, np.where(z > 0, 1.0, 0.0)))
    slopes = [s.astype(m.dtype) for s, m in zip(slopes, smooth.multipliers, strict=True)]
    active = ActiveKinks(smooth, Evaluation(c.x, math.nan, c.x, slopes, arguments), near)
    if not len(active):
        raise Unknown("there is no kink")
    equations, y = KinkEquations(smooth, slopes, active), np.append(c.x, _numbers(slopes, active))
    for _ in range(STEPS):
        zeros, derivatives = equations.at(y)
        y[equations.n :] -= np.linalg.lstsq(derivatives[: equations.n, equations.n :], zeros[: equations.n])[0]
    return active.turned(slopes, y[equations.n :] - _numbers(slopes, active)), active


def _numbers(slopes: list[np.ndarray], active: ActiveKinks) -> np.ndarray:
    """The slopes of the active kinks."""
    parts = [s.ravel()[pairs[:, 0]] for s, pairs in zip(slopes, active.pairs, strict=True)]
    return np.concatenate([np.zeros(0), *parts])


__all__ = ["second_order"]
