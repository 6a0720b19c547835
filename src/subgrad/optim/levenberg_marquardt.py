"""The settings of Levenberg and Marquardt's method, for least squares: `subgrad.fit` runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from subgrad import validators
from subgrad.optim.lbfgs import FullBatch


@dataclass(frozen=True)
class LevenbergMarquardt(FullBatch):
    """Damped Gauss-Newton steps on the mean squared error of all samples (Levenberg 1944, Marquardt 1963): for
    `subgrad.fit` alone.

    An epoch is one step that lowers the loss: it solves (J'J + λ I) d = -J'r, r the residuals and J their Jacobian. λ
    follows Nielsen (1999): it shrinks as the loss falls as foreseen, and grows where it does not. It converges in few
    steps where residuals become small; J'J is a matrix of all parameters, so they should be some hundreds, and a step
    is worth many of Adam's. In float64 it goes further than in float32.

    Args:
        damping: λ at first, by the largest element on the diagonal of J'J.
        tol: the run ends, "converged", when no slope of the loss is larger than this.

    Raises:
        ArgumentError: for a setting that is not above 0, or for a loss that is not ``"squared"``.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> x = np.linspace(-1, 1, 50)[:, None]
        >>> with sg.using_dtype("float64"):
        ...     net = sg.models.mlp(1, 8, 1, activation="tanh", seed=0)
        >>> history = sg.fit(net, x, np.sin(3 * x), loss="squared", optimizer=sg.LevenbergMarquardt(), epochs=30)
        >>> history["loss"][-1] < 1e-6
        True
    """

    name: ClassVar[str] = "levenberg_marquardt"

    damping: float = 1e-3
    tol: float = 1e-8

    def __post_init__(self) -> None:
        validators.validate(self, damping=validators.positive, tol=validators.positive)


__all__ = ["LevenbergMarquardt"]
