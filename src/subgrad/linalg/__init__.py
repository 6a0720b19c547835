"""Linear algebra under NumPy's names: systems of equations, determinants, factors. Everything is made of ops and
loops, and so has gradients and native code."""

from subgrad.lazy import closed
from subgrad.linalg.elimination import det, inv, matrix_exp, slogdet, solve
from subgrad.linalg.factors import cholesky, lstsq, qr
from subgrad.linalg.spectral import eigh, svd

__all__ = ["cholesky", "det", "eigh", "inv", "lstsq", "matrix_exp", "qr", "slogdet", "solve", "svd"]

__getattr__, __dir__ = closed(__name__, __all__)
