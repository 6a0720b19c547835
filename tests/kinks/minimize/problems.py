"""Nonsmooth test problems with known minima.

The small ones are those of Mäkelä and Neittaanmäki (Nonsmooth Optimization, 1992) and Lukšan and Vlček (Test problems
for nonsmooth unconstrained and linearly constrained optimization, 2000), the scalable ones those of Haarala, Miettinen
and Mäkelä (New limited memory bundle method for large-scale nonsmooth optimization, 2004).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import subgrad as sg


@dataclass(frozen=True)
class Problem:
    """A function of one tensor of shape (n,), where to start, and its least value."""

    name: str
    f: Callable[[sg.Tensor], sg.Tensor]
    start: np.ndarray
    optimum: float
    convex: bool = True

    def error(self, value: float) -> float:
        """How far ``value`` is above the optimum, relative to it where it is above 1."""
        return (value - self.optimum) / max(1.0, abs(self.optimum))


def largest(*pieces: sg.Tensor) -> sg.Tensor:
    return sg.stack(pieces).max(0)


def cb2(x):
    a, b = x[0], x[1]
    return largest(a**2 + b**4, (2 - a) ** 2 + (2 - b) ** 2, 2 * sg.exp(b - a))


def cb3(x):
    a, b = x[0], x[1]
    return largest(a**4 + b**2, (2 - a) ** 2 + (2 - b) ** 2, 2 * sg.exp(b - a))


def dem(x):
    a, b = x[0], x[1]
    return largest(5 * a + b, -5 * a + b, a**2 + b**2 + 4 * b)


def ql(x):
    a, b = x[0], x[1]
    q = a**2 + b**2
    return largest(q, q + 10 * (4 - 4 * a - b), q + 10 * (6 - a - 2 * b))


def lq(x):
    return chained_lq(x)


def mifflin1(x):
    return -x[0] + 20 * sg.relu((x**2).sum() - 1)


def mifflin2(x):
    return chained_mifflin2(x)


def crescent(x):
    return chained_crescent1(x)


def rosen_suzuki(x):
    a, b, c, d = (x[i] for i in range(4))
    f = a**2 + b**2 + 2 * c**2 + d**2 - 5 * a - 5 * b - 21 * c + 7 * d
    g1 = a**2 + b**2 + c**2 + d**2 + a - b + c - d - 8
    g2 = a**2 + 2 * b**2 + c**2 + 2 * d**2 - a - d - 10
    g3 = 2 * a**2 + b**2 + c**2 + 2 * a - b - d - 5
    return largest(f, f + 10 * g1, f + 10 * g2, f + 10 * g3)


def _maxquad_data(n: int = 10, pieces: int = 5) -> tuple[np.ndarray, np.ndarray]:
    i, k, j = np.ogrid[1 : n + 1, 1 : n + 1, 1 : pieces + 1]
    upper = np.where(i < k, np.exp(i / k) * np.cos(i * k) * np.sin(j), 0).transpose(2, 0, 1)
    A = upper + upper.transpose(0, 2, 1)
    diagonal = np.abs(np.sin(j[0])).T * np.arange(1, n + 1) / 10 + np.abs(A).sum(2)
    A[:, np.arange(n), np.arange(n)] = diagonal
    b = np.exp(i / j)[:, 0, :].T * np.sin(i * j)[:, 0, :].T
    return A, b


def maxquad(x):
    A, b = (sg.tensor(a, "float64") for a in _maxquad_data())
    return (sg.einsum("jik,i,k->j", A, x, x) - b @ x).max()


def maxq(x):
    return (x**2).max()


def maxl(x):
    return sg.abs(x).max()


def goffin(x):
    return len(x) * x.max() - x.sum()


def mxhilb(x):
    i = np.arange(len(x))
    return sg.abs(sg.tensor(1 / (i[:, None] + i + 1), "float64") @ x).max()


def chained_lq(x):
    u, w = x[:-1], x[1:]
    return sg.maximum(-u - w, -u - w + u**2 + w**2 - 1).sum()


def _cb3_pieces(x):
    u, w = x[:-1], x[1:]
    return u**4 + w**2, (2 - u) ** 2 + (2 - w) ** 2, 2 * sg.exp(w - u)


def chained_cb3_1(x):
    return largest(*_cb3_pieces(x)).sum()


def chained_cb3_2(x):
    return largest(*(piece.sum() for piece in _cb3_pieces(x)))


def active_faces(x):
    return sg.maximum(sg.log(sg.abs(x.sum()) + 1), sg.log(sg.abs(x) + 1).max())


def brown2(x):
    u, w = x[:-1], x[1:]
    return (sg.abs(u) ** (w**2 + 1) + sg.abs(w) ** (u**2 + 1)).sum()


def chained_mifflin2(x):
    u, w = x[:-1], x[1:]
    y = u**2 + w**2 - 1
    return (-u + 2 * y + 1.75 * sg.abs(y)).sum()


def _crescent_pieces(x):
    u, w = x[:-1], x[1:]
    c = u**2 + (w - 1) ** 2
    return c + w - 1, -c + w + 1


def chained_crescent1(x):
    return sg.maximum(*(piece.sum() for piece in _crescent_pieces(x)))


def chained_crescent2(x):
    return sg.maximum(*_crescent_pieces(x)).sum()


def wolfe(x):
    a, b = x[0], x[1]
    bent = 5 * sg.sqrt(9 * a**2 + 16 * b**2)
    straight = 9 * a + 16 * sg.abs(b)
    return sg.where(a >= sg.abs(b), bent, sg.where(a > 0, straight, straight - a**9))


def _halves(n: int) -> np.ndarray:
    """1, 2, ... in the first half, -1 - n/2, ..., -n in the second."""
    i = np.arange(1.0, n + 1)
    return np.where(i <= n // 2, i, -i)


def alternating(first: float, second: float, n: int) -> np.ndarray:
    return np.where(np.arange(n) % 2 == 0, float(first), float(second))


def small() -> list[Problem]:
    """The problems of a fixed size."""
    return [
        Problem("CB2", cb2, np.array([1, -0.1]), 1.9522245),
        Problem("CB3", cb3, np.array([2.0, 2]), 2),
        Problem("DEM", dem, np.array([1.0, 1]), -3),
        Problem("QL", ql, np.array([-1.0, 5]), 7.2),
        Problem("LQ", lq, np.array([-0.5, -0.5]), -np.sqrt(2)),
        Problem("Mifflin 1", mifflin1, np.array([0.8, 0.6]), -1),
        Problem("Mifflin 2", mifflin2, np.array([-1.0, -1]), -1, convex=False),
        Problem("Crescent", crescent, np.array([-1.5, 2]), 0, convex=False),
        Problem("Rosen-Suzuki", rosen_suzuki, np.zeros(4), -44),
        Problem("Wolfe", wolfe, np.array([5.0, 4]), -8),
        Problem("Maxquad", maxquad, np.ones(10), -0.8414083),
        Problem("Maxq", maxq, _halves(20), 0),
        Problem("Maxl", maxl, _halves(20), 0),
        Problem("Goffin", goffin, np.arange(1, 51) - 25.5, 0),
    ]


MIFFLIN2 = {10: -6.5146, 20: -13.5831, 50: -34.795181}
"""The best values known of Chained Mifflin 2, which has many local minima."""


def scalable(n: int) -> list[Problem]:
    """The problems of any size n."""
    found = [
        Problem("MXHILB", mxhilb, np.ones(n), 0),
        Problem("Chained LQ", chained_lq, np.full(n, -0.5), -(n - 1) * np.sqrt(2)),
        Problem("Chained CB3 I", chained_cb3_1, np.full(n, 2.0), 2 * (n - 1)),
        Problem("Chained CB3 II", chained_cb3_2, np.full(n, 2.0), 2 * (n - 1)),
        Problem("Active faces", active_faces, np.ones(n), 0, convex=False),
        Problem("Brown 2", brown2, alternating(-1, 1, n), 0, convex=False),
        Problem("Chained crescent I", chained_crescent1, alternating(-1.5, 2, n), 0, convex=False),
        Problem("Chained crescent II", chained_crescent2, alternating(-1.5, 2, n), 0, convex=False),
    ]
    if n in MIFFLIN2:
        found.append(Problem("Chained Mifflin 2", chained_mifflin2, np.full(n, -1.0), MIFFLIN2[n], convex=False))
    return found
