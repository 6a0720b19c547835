"""Linear algebra under NumPy's names: systems of equations, determinants, factors. Everything is made of ops and
loops, and so has gradients and native code."""

from subgrad.linalg.elimination import det, inv, matrix_exp, slogdet, solve
from subgrad.linalg.factors import cholesky, lstsq, qr

__all__ = ["cholesky", "det", "inv", "lstsq", "matrix_exp", "qr", "slogdet", "solve"]
