"""The settings of L-BFGS, which looks at all samples at once: `subgrad.fit` runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from subgrad import validators
from subgrad.optim.optimizer import Configured, State


class FullBatch(Configured):
    """Settings of a method that looks at all samples in each step.

    Attributes:
        weight_decay: the loss gets weight_decay/2 \\|u\\|^2, u all parameters.
        tol: the run ends when no slope is larger than this.
    """

    weight_decay: float = 0.0
    tol: float

    def init(self, params: Any) -> State:
        """There is no state that outlives a run."""
        return {}


@dataclass(frozen=True)
class LBFGS(FullBatch):
    """Quasi-Newton descent on the loss of all samples (Liu, Nocedal, Math. Programming 1989): for `subgrad.fit` alone.

    An epoch is one iteration: a direction from the last steps, and a line search for the weak Wolfe conditions, that of
    `subgrad.minimize`, which copes with kinks. Nothing is drawn, so a sample of weight 2 is a sample that is there
    twice, and the order of the samples does not matter, up to rounding. For small tables and smooth losses; in float64
    it goes further than in float32.

    Args:
        weight_decay: the loss gets weight_decay/2 \\|u\\|^2, u all parameters. `fit` reports the loss without it.
        tol: the run ends, "converged", when no slope is larger than this.

    Raises:
        ArgumentError: for a setting that is negative.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> x = np.linspace(-1, 1, 50)[:, None]
        >>> with sg.using_dtype("float64"):
        ...     net = sg.models.mlp(1, 8, 1, activation="tanh", seed=0)
        >>> history = sg.fit(net, x, np.sin(3 * x), loss="squared", optimizer=sg.LBFGS(tol=1e-3), epochs=200)
        >>> history.stopped, history["loss"][-1] < 1e-3
        ('converged', True)
    """

    name: ClassVar[str] = "lbfgs"

    weight_decay: float = 0.0
    tol: float = 1e-5

    def __post_init__(self) -> None:
        validators.validate(self, weight_decay=validators.not_negative, tol=validators.not_negative)


__all__ = ["LBFGS"]
