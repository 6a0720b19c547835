"""What is done to gradients before an optimiser sees them: clipping, weight decay, and chains of these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from subgrad import ops, validators
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor, TensorLike
from subgrad.graph.tree import Tree
from subgrad.optim.optimizer import Configured, Optimizer, State, Tensors, check_gradients, decayed, global_norm


class Transform(Configured, ABC):
    """A pure function from gradients to gradients."""

    @abstractmethod
    def __call__(self, grads: Tensors, params: Tensors) -> Tensors:
        """The changed gradients, given the parameters as they are now."""


@dataclass(frozen=True)
class ClipByNorm(Transform):
    """The transformation that `clip_by_norm` makes."""

    max_norm: float

    name = "clip_by_norm"

    def __post_init__(self) -> None:
        validators.validate(self, max_norm=validators.positive)

    def __call__(self, grads: Tensors, params: Tensors) -> Tensors:
        factor = ops.minimum(self.max_norm / global_norm(grads), 1)
        return [factor * g for g in grads]


@dataclass(frozen=True)
class WeightDecay(Transform):
    """The transformation that `weight_decay` makes."""

    rate: float

    name = "weight_decay"

    def __post_init__(self) -> None:
        validators.validate(self, rate=validators.not_negative)

    def __call__(self, grads: Tensors, params: Tensors) -> Tensors:
        return decayed(grads, params, self.rate)


@dataclass(frozen=True)
class Chain(Optimizer):
    """The optimiser that `chain` makes. Its state is that of the optimiser at its end."""

    transforms: tuple[Transform, ...]
    optimizer: Optimizer

    name = "chain"

    def __post_init__(self) -> None:
        validators.validate(self, transforms=_transforms, optimizer=_optimizer)

    def init(self, params: Tree) -> State:
        return self.optimizer.init(params)

    def update(
        self, grads: Tensors, state: State, params: Tensors, loss: TensorLike = None
    ) -> tuple[list[Tensor], State]:
        check_gradients(grads, params)
        for transform in self.transforms:
            grads = transform(grads, params)
        return self.optimizer.update(grads, state, params, loss)


def clip_by_norm(max_norm: float) -> ClipByNorm:
    """Scale all gradients by one factor so that their joint Euclidean norm is at most ``max_norm``.

    Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013,
    arXiv:1211.5063.

    Raises:
        ArgumentError: unless ``max_norm`` is a positive number.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x, y = sg.tensor([3.0]), sg.tensor(4.0)
        >>> [g.tolist() for g in optim.clip_by_norm(1.0)([x, y], [x, y])]
        [[0.6000000238418579], 0.800000011920929]
    """
    return ClipByNorm(max_norm)


def weight_decay(rate: float) -> WeightDecay:
    """Add ``rate`` times the parameter to each gradient, as a penalty rate/2 |x|^2 on the loss would.

    Raises:
        ArgumentError: for a negative rate.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> optim.weight_decay(0.5)([sg.tensor([1.0])], [sg.tensor([4.0])])[0].tolist()
        [3.0]
    """
    return WeightDecay(rate)


def chain(*parts: Transform | Optimizer) -> Chain:
    """An optimiser whose gradients go through transformations first, in the order given.

    Args:
        parts: transformations, then one optimiser.

    Raises:
        ArgumentError: if the last is no optimiser, or another is no transformation.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([100.0])
        >>> clipped = optim.chain(optim.clip_by_norm(1.0), optim.SGD(0.5))
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), clipped, clipped.init([x]))
        >>> x.tolist()
        [99.5]
    """
    return Chain(parts[:-1], parts[-1] if parts else None)  # pyright: ignore[reportArgumentType]


def _transforms(what: str, parts: Any) -> tuple[Transform, ...]:
    for part in parts:
        if not isinstance(part, Transform):
            raise ArgumentError(f"a chain has transformations before its last part, got {part!r}")
    return tuple(parts)


def _optimizer(what: str, part: Any) -> Optimizer:
    if not isinstance(part, Optimizer):
        raise ArgumentError(f"a chain ends with an optimiser, got {part!r}")
    return part


__all__ = ["Transform", "chain", "clip_by_norm", "weight_decay"]
