"""What is known of float64 arithmetic, and how a sum of magnitudes becomes an upper bound in it.

Every operation is rounded to nearest: ``fl(a op b) = (a op b)(1 + e) + t`` with ``|e| <= u = 2^-53``, and ``|t| <=
2^-1075`` for products that underflow (t is 0 for sums). So a sum of n terms, in whatever order and fused with products
or not, is off by at most ``n u / (1 - n u)`` times the sum of the magnitudes (Higham, Accuracy and Stability of
Numerical Algorithms, 2002, chapter 3). The elementary functions of the native engine and of NumPy are taken to be
within 8 units in the last place; the largest error found in them is 2.5 and 4.

All that follows uses rounding to nearest alone: errors are added to radii as terms of the same graph, so bounds run in
any back end, in any number of threads, and LLVM may fuse what it likes.
"""

from __future__ import annotations

from subgrad.graph.tensor import Tensor

UNIT = 2.0**-52  # twice u: one rounding, with room for the error of the bound's own arithmetic
CURVE = 2.0**-46  # 64 units: what the values of an elementary function at three places may be off, together
TINY = 2.0**-600  # more than all underflows of an operation together, multiplied with the sides of a box
LARGEST = 1e100  # corners of boxes lie within it, so that TINY is enough


def raised(x: Tensor, roundings: int) -> Tensor:
    """At least the real number that ``x``, a sum of products of magnitudes, was before so many roundings."""
    return x * (1 + (roundings + 2) * UNIT) + TINY


__all__ = ["CURVE", "LARGEST", "TINY", "UNIT", "raised"]
