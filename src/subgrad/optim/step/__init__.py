"""Step rules a_k, the sizes of the steps x_{k+1} = x_k - a_k g_k, and what theory says of each.

The guarantees are those for a convex f with subgradients |g| <= G and a start at most R from an optimum. All
follow from one inequality (Shor, Minimization Methods for Non-Differentiable Functions, 1985; Boyd, Subgradient
Methods, notes for Stanford's EE364b), for the best value seen and for the value at the step-weighted average:

    f_best - f* <= (R^2 + sum a_i^2 |g_i|^2) / (2 sum a_i)

So both converge to f* if sum a_k diverges and a_k goes to 0, as it does where sum a_k^2 is finite.
"""

from typing import TYPE_CHECKING

from subgrad.lazy import attach
from subgrad.optim.step.constant import Constant
from subgrad.optim.step.parsing import get
from subgrad.optim.step.rule import Rule

if TYPE_CHECKING:
    from subgrad.optim.step.classic import ConstantLength, InverseSqrt, Polyak, SquareSummable
    from subgrad.optim.step.cycles import CosineRestarts, Cyclic, Exponential, Lambda, Linear, OneCycle
    from subgrad.optim.step.schedule import Cosine, Piecewise, Warmup

__all__ = [
    "Constant", "ConstantLength", "Cosine", "CosineRestarts", "Cyclic", "Exponential", "InverseSqrt", "Lambda",
    "Linear", "OneCycle", "Piecewise", "Polyak", "Rule", "SquareSummable", "Warmup", "get",
]  # fmt: skip

_LATER = {
    "classic": ("ConstantLength", "InverseSqrt", "Polyak", "SquareSummable"),
    "cycles": ("CosineRestarts", "Cyclic", "Exponential", "Lambda", "Linear", "OneCycle"),
    "schedule": ("Cosine", "Piecewise", "Warmup"),
}

__getattr__, __dir__ = attach(__name__, _LATER, __all__)
