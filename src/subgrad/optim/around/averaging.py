"""Optimisers around an optimiser: averages of the weights on the way, and steps that look ahead."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from subgrad import ops, validators
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, TensorLike
from subgrad.graph.tree import Tree, leaves
from subgrad.optim.optimizer import Optimizer, State, Tensors


class _Around(Optimizer):
    """An optimiser whose state has that of another one inside."""

    optimizer: Optimizer

    def init(self, params: Tree) -> State:
        inner = self.optimizer.init(params)
        return {"step": inner.pop("step"), "inner": inner, **self._start(leaves(params))}

    def update(
        self, grads: Tensors, state: State, params: Tensors, loss: TensorLike = None
    ) -> tuple[list[Tensor], State]:
        updates, inner = self.optimizer.update(grads, {"step": state["step"], **state["inner"]}, params, loss)
        new, k = [p + u for p, u in zip(params, updates, strict=True)], inner.pop("step")
        updates, slots = self._then(updates, new, params, state, k)
        return updates, {"step": k, "inner": inner, **slots}

    @abstractmethod
    def _start(self, params: Tensors) -> State:
        """This part of the state at first."""

    @abstractmethod
    def _then(
        self, updates: list[Tensor], new: Tensors, params: Tensors, state: State, k: Tensor
    ) -> tuple[list[Tensor], State]:
        """What to add to the parameters, and this part of the state, after step k of the inner optimiser."""

    def average(self, state: State) -> list[Tensor]:
        """The averaged weights, one for each parameter."""
        return list(state["average"])


@dataclass(frozen=True)
class EMA(_Around):
    """The steps of another optimiser, and an exponential average of the weights: average <- decay average + (1 -
    decay) x.

    It starts at the first weights (Polyak and Juditsky 1992 for the idea). ``average(state)`` gives the weights to
    evaluate with: they forget the noise of the last steps.

    Args:
        optimizer: an optimiser.
        decay: the weight of the past, in [0, 1).

    Raises:
        ArgumentError: for a decay outside of [0, 1), or no optimiser.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([4.0])
        >>> ema = optim.EMA(optim.SGD(0.5), decay=0.5)
        >>> state = optim.update([x], sg.grad((x * x / 2).sum(), [x]), ema, ema.init([x]))
        >>> x.tolist(), ema.average(state)[0].tolist()
        ([2.0], [3.0])
    """

    optimizer: Optimizer
    decay: float = 0.999

    name = "ema"

    def __post_init__(self) -> None:
        validators.validate(self, optimizer=_optimizer, decay=validators.decay)

    def _start(self, params: Tensors) -> State:
        return {"average": [p + 0 for p in params]}

    def _then(
        self, updates: list[Tensor], new: Tensors, params: Tensors, state: State, k: Tensor
    ) -> tuple[list[Tensor], State]:
        pairs = zip(state["average"], new, strict=True)
        return updates, {"average": [self.decay * a + (1 - self.decay) * x for a, x in pairs]}


@dataclass(frozen=True)
class SWA(_Around):
    """The steps of another optimiser, and the mean of the weights after every ``every``-th step from ``start`` on
    (Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, Averaging Weights Leads to Wider Optima, UAI 2018,
    arXiv:1803.05407).

    Batch normalisation needs its statistics for the averaged weights: run some batches in training mode.

    Args:
        optimizer: an optimiser, in the paper with a constant or cyclic step size.
        start: after so many steps the average begins.
        every: how many steps are between two weights that count.

    Raises:
        ArgumentError: for numbers below 1, or no optimiser.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([8.0])
        >>> swa = optim.SWA(optim.SGD(0.5), start=1)
        >>> state = swa.init([x])
        >>> for _ in range(3):  # 4, 2, 1: the mean of the last two
        ...     state = optim.update([x], sg.grad((x * x / 2).sum(), [x]), swa, state)
        >>> swa.average(state)[0].tolist()
        [1.5]
    """

    optimizer: Optimizer
    start: int = 1
    every: int = 1

    name = "swa"

    def __post_init__(self) -> None:
        validators.validate(self, optimizer=_optimizer, start=validators.count, every=validators.count)

    def _start(self, params: Tensors) -> State:
        return {"average": [p + 0 for p in params]}

    def _then(
        self, updates: list[Tensor], new: Tensors, params: Tensors, state: State, k: Tensor
    ) -> tuple[list[Tensor], State]:
        since = k - self.start
        counts, early = since % self.every == 0, since < self.every  # before, the average is the weights themselves
        count = ops.floor(ops.maximum(since, 1).astype(new[0].dtype) / self.every)
        averages = [
            ops.where(early, x, ops.where(counts, a + (x - a) / ops.maximum(count, 1), a))
            for a, x in zip(state["average"], new, strict=True)
        ]
        return updates, {"average": averages}


@dataclass(frozen=True)
class Lookahead(_Around):
    """Steps of another optimiser from slow weights, which after every ``steps`` of them go a part of the way there:
    slow <- slow + alpha (x - slow), and x starts from slow again (Zhang, Lucas, Hinton, Ba, NeurIPS 2019,
    arXiv:1907.08610).

    Args:
        optimizer: an optimiser.
        steps: how many of its steps lead ahead.
        alpha: the part, in (0, 1].

    Raises:
        ArgumentError: for settings outside their domain, or no optimiser.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([4.0])
        >>> method = optim.Lookahead(optim.SGD(0.5), steps=1, alpha=0.5)
        >>> state = optim.update([x], sg.grad((x * x / 2).sum(), [x]), method, method.init([x]))
        >>> x.tolist()  # half of the way from 4 to 2
        [3.0]
    """

    optimizer: Optimizer
    steps: int = 5
    alpha: float = 0.5

    name = "lookahead"

    def __post_init__(self) -> None:
        validators.validate(self, optimizer=_optimizer, steps=validators.count, alpha=_part)

    def _start(self, params: Tensors) -> State:
        return {"slow": [p + 0 for p in params]}

    def _then(
        self, updates: list[Tensor], new: Tensors, params: Tensors, state: State, k: Tensor
    ) -> tuple[list[Tensor], State]:
        now = k % self.steps == 0
        slow = [ops.where(now, s + self.alpha * (x - s), s) for s, x in zip(state["slow"], new, strict=True)]
        moves = [ops.where(now, s - p, u) for s, p, u in zip(slow, params, updates, strict=True)]
        return moves, {"slow": slow}

    def average(self, state: State) -> list[Tensor]:
        """The slow weights."""
        return list(state["slow"])


def _optimizer(what: str, value: Any) -> Optimizer:
    if not isinstance(value, Optimizer):
        raise ArgumentError(f"{what} needs to be an optimiser, got {value!r}")
    return value


def _part(what: str, value: Any) -> float:
    part = validators.positive(what, value)
    if part > 1:
        raise ArgumentError(f"{what} needs to be a number above 0 and at most 1, got {value!r}")
    return part


__all__ = ["EMA", "SWA", "Lookahead"]
