"""Losses for certified training: of the worst scores that bounds allow, where inputs move by up to epsilon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import ops, validators
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.dtype import float64
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.hints import Hinted
from subgrad.nn.loss import cross_entropy
from subgrad.nn.loss_reduction import Weights
from subgrad.robust.bounded import Bounded
from subgrad.robust.ends import Ends

Number = float | Tensor


@dataclass(frozen=True)
class IBPLoss(Hinted):
    """kappa · cross-entropy + (1 - kappa) · cross-entropy of the worst scores, by interval bound propagation.

    The worst scores are those that differ from the score of the right class by the least margins that intervals allow,
    if each input moves by up to ``epsilon``; the last layers are one with the difference (Gowal et al. 2018, arXiv
    1810.12715). In ``warmup`` steps the plain loss is minimised; in the ``ramp`` steps behind them, epsilon rises from
    0 and kappa falls from 1, each along a line. In evaluation both are what they are in the end.

    `subgrad.fit` gives it the inputs and the number of the step. It is for models of one input, whose outputs are
    scores (N, C) of classes and whose samples do not depend on each other; batch normalisation has the statistics of
    the batch as it is (Shi et al. 2021, arXiv 2103.17268).

    Args:
        epsilon: the radius in the maximum norm, in units of the inputs.
        kappa: the weight of the plain loss in the end.
        warmup: steps, that is batches, before epsilon rises.
        ramp: steps in which it rises.
        low, high: what inputs cannot leave anyway, such as 0 and 1 for pixels.

    Raises:
        ArgumentError: for settings that are none; when called, for an op of which no interval is known, by name.
        ShapeError: when called, for scores that are not (N, C).

    Example:
        >>> import subgrad as sg
        >>> X, y = sg.data.load_digits()
        >>> net = sg.models.mlp(64, 16, 10, seed=0)
        >>> loss = sg.robust.IBPLoss(0.02, warmup=10, ramp=20, low=0, high=1)
        >>> history = sg.fit(net, X[:320] / 16, y[:320], loss=loss, epochs=6)
        >>> history["loss"][-1] < history["loss"][0]
        True
    """

    epsilon: float
    kappa: float = 0.5
    warmup: int = 0
    ramp: int = 0
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        validators.validate(self, epsilon=validators.not_negative, kappa=validators.share, warmup=validators.whole,
                            ramp=validators.whole)  # fmt: skip
        if not self.low < self.high:
            raise ArgumentError(f"low of {type(self).__name__} lies below high, got {self.low!r} and {self.high!r}")

    def __call__(
        self, output: Tensor, y: TensorLike, *, inputs: Any, step: Tensor | None = None, sample_weight: Weights = None
    ) -> Tensor:
        """The loss of a batch: ``output`` is what the model makes of ``inputs``, a tensor (N, ...)."""
        if not isinstance(inputs, Tensor):
            raise ArgumentError(f"{type(self).__name__} is for models of one input, got {type(inputs).__name__}")
        if output.ndim != 2 or output.shape[1] < 2:
            raise ShapeError(f"{type(self).__name__} takes scores (N, C) of two classes or more, got {output.shape}")
        done = self._done(step)
        plain = cross_entropy(output, y, sample_weight=sample_weight)
        worst = cross_entropy(self._worst(output, y, inputs.node, done), y, sample_weight=sample_weight)
        kappa = 1 - done * (1 - self.kappa)
        return _mixed(kappa, plain, worst)

    def _done(self, step: Tensor | None) -> Number:
        """How far the ramp is, from 0 to 1."""
        if step is None or not (self.warmup or self.ramp):
            return 1.0
        now = (ops.astype(step, float64) + (1 - self.warmup)) / max(self.ramp, 1)
        return ops.minimum(ops.maximum(now, 0.0), 1.0)

    def _worst(self, output: Tensor, y: TensorLike, x: Tensor, done: Number) -> Tensor:
        """The least margins of the right class over each, with the other sign, shape (N, C)."""
        bounded = Bounded(x, output.node, self._box(x, done))
        classes = output.shape[1]
        right = ops.one_hot(as_tensor(y), classes, output.dtype)
        each = constant(np.eye(classes, dtype=output.dtype)).reshape(classes, 1, classes)
        return -ops.transpose(self._margins(bounded, right - each, done))

    def _box(self, x: Tensor, done: Number) -> Ends:
        radius = _as(self.epsilon * done, x.dtype)
        low, high = x - radius, x + radius
        return Ends(low if self.low == -math.inf else ops.maximum(low, self.low),
                    high if self.high == math.inf else ops.minimum(high, self.high))  # fmt: skip

    def _margins(self, bounded: Bounded, rows: Tensor, done: Number) -> Tensor:
        """Lower bounds of the rows, shape (C, N)."""
        return bounded.below(rows, lines=False)


@dataclass(frozen=True)
class CrownIBPLoss(IBPLoss):
    """As `IBPLoss`, with margins that are tight while training is young: beta times those by CROWN-IBP, and 1 - beta
    times those by intervals, where beta goes from 1 to ``beta`` in the ramp (Zhang et al., ICLR 2020, arXiv
    1906.06316).

    Args:
        epsilon, kappa, warmup, ramp, low, high: as those of `IBPLoss`.
        beta: the weight of the margins by CROWN-IBP in the end.

    Example:
        >>> import subgrad as sg
        >>> X, y = sg.data.load_digits()
        >>> net = sg.models.mlp(64, 16, 10, seed=0)
        >>> losses = [sg.evaluate(net, X[:64] / 16, y[:64], loss=loss)["loss"] for loss in
        ...           (sg.robust.CrownIBPLoss(0.05, beta=1), sg.robust.IBPLoss(0.05))]
        >>> losses[0] < losses[1]
        True
    """

    beta: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        validators.validate(self, beta=validators.share)

    def _margins(self, bounded: Bounded, rows: Tensor, done: Number) -> Tensor:
        beta = 1 - done * (1 - self.beta)
        if isinstance(beta, float) and beta in (0.0, 1.0):
            return bounded.below(rows, lines=beta == 1.0)
        return _mixed(beta, bounded.below(rows), bounded.below(rows, lines=False))


def _mixed(share: Number, one: Tensor, other: Tensor) -> Tensor:
    """share · one + (1 - share) · other."""
    return _as(share, one.dtype) * one + _as(1 - share, one.dtype) * other


def _as(value: Number, dtype: np.dtype) -> Number:
    return ops.astype(value, dtype) if isinstance(value, Tensor) else value


__all__ = ["CrownIBPLoss", "IBPLoss"]
