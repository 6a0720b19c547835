"""An interior-point method for piecewise linear losses and Huber's, with a quadratic penalty or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

EXHAUSTED = 1e-20  # a fall of s (high - u) and z (u - low) by so much is all that float64 has to give

Direction = Callable[[np.ndarray, np.ndarray], "_Iterate"]


class _Iterate(NamedTuple):
    """w (d,); u, s, z (n,): coefficients, dual point, multipliers of u <= high and u >= low. Also a step of them."""

    w: np.ndarray
    u: np.ndarray
    s: np.ndarray
    z: np.ndarray


class Loss(NamedTuple):
    """sup {u r - curvature/2 u^2 : low <= u <= high}, a convex loss of r.

    The hinge for [0, C], C|r| for [-C, C], Huber's loss for [-delta, delta] with curvature 1.
    """

    low: float
    high: float
    curvature: float = 0.0


def interior_point(
    A: np.ndarray, c: np.ndarray, weights: np.ndarray, penalty: np.ndarray, loss: Loss
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Minimise 1/2 sum_j penalty_j w_j^2 + sum_i k_i loss(r_i) with r = c - A w and the weights k.

    At the optimum, for u in the box and the multipliers s, z >= 0 of its two sides,

        penalty w = A'(k u),   c - A w - curvature u = s - z,   s (high - u) = 0,   z (u - low) = 0.

    So samples that are alike have the same u, s and z, and a weight says how many of them a sum over samples counts.

    Mehrotra's predictor-corrector method (SIAM J. Optim. 1992) puts mu > 0 in place of the zeros and lets it fall. What
    elimination leaves of a Newton step is one system with A' diag(k theta) A + diag(penalty): n d^2 operations an
    epoch. For SVMs this is Ferris and Munson (SIAM J. Optim. 2002), for |r| Portnoy and Koenker (Statistical Science
    1997).

    Yields (w, k u) after each epoch, u strictly inside of its box; ends where floats allow no further step.
    """
    now = _start(A, c, weights, loss)
    first = _mu(now, weights, loss)
    with np.errstate(all="ignore"):  # the last step before the end may divide by 0
        while _mu(now, weights, loss) > EXHAUSTED * first:
            try:
                now = _next(now, _newton(now, A, c, weights, penalty, loss), weights, loss)
            except np.linalg.LinAlgError:
                return
            if not all(np.isfinite(part).all() for part in now):
                return
            yield now.w, weights * now.u


def _start(A: np.ndarray, c: np.ndarray, weights: np.ndarray, loss: Loss) -> _Iterate:
    u = np.full(len(c), (loss.low + loss.high) / 2)
    r = c - loss.curvature * u
    shift = np.average(np.abs(r), weights=weights) + np.finfo(float).tiny
    return _Iterate(np.zeros(A.shape[1]), u, np.maximum(r, 0) + shift, np.maximum(-r, 0) + shift)


def _next(now: _Iterate, direction: Direction, weights: np.ndarray, loss: Loss) -> _Iterate:
    """Predict with mu = 0, take from it how far mu can fall and what the linearisation left out, and correct.

    The second-order terms are weighted by the square of the size of the predicted step (Colombo and Gondzio,
    Comput. Optim. Appl. 2008): at full weight, which a short step does not deserve, the method may go in circles.
    """
    p, q, mu = loss.high - now.u, now.u - loss.low, _mu(now, weights, loss)
    predicted = direction(-now.s * p, -now.z * q)
    size = min(1.0, _longest(now, predicted, loss))
    target = mu * (_mu(_moved(now, predicted, size), weights, loss) / mu) ** 3
    second = size**2 * predicted.u
    step = direction(target - now.s * p + second * predicted.s, target - now.z * q - second * predicted.z)
    return _moved(now, step, 0.995 * _longest(now, step, loss))


def _newton(
    now: _Iterate, A: np.ndarray, c: np.ndarray, weights: np.ndarray, penalty: np.ndarray, loss: Loss
) -> Direction:
    """The step that solves the linearised conditions, for given right sides of the two products."""
    w, u, s, z = now
    p, q = loss.high - u, u - loss.low
    theta = 1 / (loss.curvature + s / p + z / q)
    root = A * np.sqrt(weights * theta)[:, None]
    H = root.T @ root + np.diag(penalty)
    rw, rc = A.T @ (weights * u) - penalty * w, c - A @ w - loss.curvature * u - s + z

    def direction(rs: np.ndarray, rz: np.ndarray) -> _Iterate:
        g = rc - rs / p + rz / q
        dw = np.linalg.solve(H, rw + A.T @ (weights * theta * g))
        du = theta * (g - A @ dw)
        return _Iterate(dw, du, (rs + s * du) / p, (rz - z * du) / q)

    return direction


def _moved(now: _Iterate, step: _Iterate, size: float) -> _Iterate:
    return _Iterate(*(part + size * change for part, change in zip(now, step, strict=True)))


def _longest(now: _Iterate, step: _Iterate, loss: Loss) -> float:
    """The size up to which s, z and both distances to the box stay positive; 1/0.995 at most, so a full step is 1."""
    shares = [-step.s / now.s, -step.z / now.z, step.u / (loss.high - now.u), -step.u / (now.u - loss.low)]
    return 1 / max(0.995, *(float(share.max()) for share in shares))


def _mu(now: _Iterate, weights: np.ndarray, loss: Loss) -> float:
    """The mean of the products that are 0 at the optimum."""
    products = now.s * (loss.high - now.u) + now.z * (now.u - loss.low)
    return float(weights @ products / (2 * weights.sum()))
