"""What an optimiser is: a pair of pure functions over nodes, and settings that can be written down."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, ClassVar, NamedTuple, Self

from subgrad import ops
from subgrad.errors import ArgumentError, DTypeError, ShapeError
from subgrad.graph.dtype import int64
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.graph.tree import Tree, leaves
from subgrad.hints import Hinted
from subgrad.optim import step
from subgrad.optim.step.parsing import NO_PARAMETERS

State = dict[str, Any]
Tensors = Sequence[Tensor]


class Configured(Hinted):
    """A frozen dataclass with a name, whose settings can be written as JSON."""

    name: ClassVar[str]

    def config(self) -> dict[str, Any]:
        """The name and the settings as dicts, lists, numbers and strings; `from_config` reads them back."""
        settings = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}  # pyright: ignore[reportArgumentType]
        return {"name": self.name, **settings}


def _plain(value: Any) -> Any:
    if isinstance(value, Configured):
        return value.config()
    if isinstance(value, step.Rule):
        return str(value)
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


class Optimizer(Configured, ABC):
    """A pair of pure functions, ``init`` and ``update``, over nodes: nothing is assigned, nothing is evaluated.

    The state is a dict of tensors and lists of tensors; ``state["step"]``, int64, counts the steps taken.
    Everything else has the parameters' dtype.
    """

    @abstractmethod
    def init(self, params: Tree) -> State:
        """The state before the first step.

        Args:
            params: the tensors to optimise: a list, a dict or a module.

        Raises:
            ArgumentError: if there are none.
            DTypeError: if they are not all of one float dtype.
        """

    @abstractmethod
    def update(
        self, grads: Tensors, state: State, params: Tensors, loss: TensorLike = None
    ) -> tuple[list[Tensor], State]:
        """One step: what to add to each of ``params``, and the new state.

        Args:
            grads: the gradient by each parameter, of its shape and dtype.
            state: from ``init`` or the last ``update``.
            params: the tensors as they are now.
            loss: the function's value at ``params``, a scalar; some step rules and `Subgradient` need it.

        Raises:
            ArgumentError: if there is not one gradient for each parameter, or a loss is needed and not given.
            ShapeError: if a gradient's shape is not its parameter's, or the loss is no scalar.
            DTypeError: if the dtypes differ.
        """


class Now(NamedTuple):
    """What is known at a step: scalars of the parameters' dtype."""

    k: Tensor
    """The number of the step, from 1."""
    size: Tensor
    """a_k, by the step rule."""
    grad_norm: Tensor
    loss: Tensor | None


class Descent(Optimizer):
    """x_{k+1} = x_k - a_k d_k: a step rule gives a_k, each family its own directions d_k."""

    lr: step.Rule | float | str

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if args and "lr" in kwargs:
            raise TypeError(f"{cls.__name__}() got two values for lr, its first argument: {NO_PARAMETERS}")
        return super().__new__(cls, *args, **kwargs)

    def init(self, params: Tree) -> State:
        tensors = leaves(params)
        dtype_of(tensors)
        return {"step": ops.full((), 0, int64), **self._start(tensors)}

    def update(
        self, grads: Tensors, state: State, params: Tensors, loss: TensorLike = None
    ) -> tuple[list[Tensor], State]:
        dtype = dtype_of(params)
        check_gradients(grads, params)
        grads = self._prepare(grads, params)
        k, norm, value = state["step"] + 1, global_norm(grads), _scalar(loss, dtype)
        size = step.get(self.lr)(k.astype(dtype), norm, value)
        directions, slots = self._directions(grads, state, params, Now(k.astype(dtype), size, norm, value))
        return [-(size * d) for d in directions], {"step": k, **slots}

    def _prepare(self, grads: Tensors, params: Tensors) -> Tensors:
        """The gradients that this family works with."""
        return grads

    def _start(self, params: Tensors) -> State:
        """The family's part of the state before the first step."""
        return {}

    @abstractmethod
    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        """d_k for each parameter, and the family's part of the new state."""


def global_norm(grads: Tensors) -> Tensor:
    """The Euclidean norm of all gradients together, without overflow or underflow."""
    return ops.norm(ops.stack([ops.norm(g) for g in grads]))


def decayed(grads: Tensors, params: Tensors, rate: float) -> Tensors:
    """The gradients of the loss plus rate/2 |x|^2."""
    return [g + rate * p for g, p in zip(grads, params, strict=True)] if rate else grads


def zeros(params: Tensors) -> list[Tensor]:
    """A zero of the shape and dtype of each parameter."""
    return [ops.zeros_like(p) for p in params]


def average(old: Tensors, new: Tensors, weight: float) -> list[Tensor]:
    """The running averages with ``weight`` for the past."""
    return [weight * o + (1 - weight) * n for o, n in zip(old, new, strict=True)]


def dtype_of(params: Tensors) -> Any:
    """The one float dtype of all parameters."""
    if not params:
        raise ArgumentError("an optimiser needs at least one parameter, got none")
    found = sorted({p.dtype.name for p in params})
    if len(found) > 1 or params[0].dtype.kind != "f":
        raise DTypeError(f"the parameters of an optimiser need one float dtype, got {', '.join(found)}")
    return params[0].dtype


def check_gradients(grads: Tensors, params: Tensors) -> None:
    """Raise unless there is a gradient of the right shape and dtype for each parameter."""
    if len(grads) != len(params):
        raise ArgumentError(f"{len(params)} parameters need as many gradients, got {len(grads)}")
    for i, (g, p) in enumerate(zip(grads, params, strict=True)):
        if g.shape != p.shape:
            raise ShapeError(f"parameter {i} has the shape {p.shape}, its gradient {g.shape}")
        if g.dtype != p.dtype:
            raise DTypeError(f"parameter {i} is {p.dtype}, its gradient {g.dtype}")


def _scalar(loss: TensorLike, dtype: Any) -> Tensor | None:
    if loss is None:
        return None
    value = as_tensor(loss, dtype)
    if value.shape != ():
        raise ShapeError(f"an optimiser takes a scalar loss, got shape {value.shape}: take its mean or sum")
    if value.dtype != dtype:
        raise DTypeError(f"the parameters are {dtype}, the loss is {value.dtype}")
    return value
