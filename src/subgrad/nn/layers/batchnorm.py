"""Batch normalisation, with statistics of the batch in training and running ones in evaluation."""

from __future__ import annotations

import math

import numpy as np

from subgrad.errors import ArgumentError, NotTraceableError, ShapeError
from subgrad.graph.tensor import Parameter, Tensor, TensorLike, as_tensor, constant
from subgrad.nn import init, validation
from subgrad.nn.module import Module
from subgrad.nn.of_all_ranks import Add, adder
from subgrad.ops import mean, sqrt, standardize, stop_gradient, sum, var


class _BatchNorm(Module):
    dims: tuple[int, ...]  # how many axes the input may have

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        validation.sizes(type(self).__name__, num_features=num_features)
        if not 0 <= momentum <= 1 or not eps > 0:
            raise ArgumentError(
                f"{type(self).__name__} needs a momentum in [0, 1] and an eps above 0, got {momentum} and {eps}"
            )
        self.eps, self.momentum = eps, momentum
        starts = init.ones, init.zeros, init.zeros, init.ones
        self.weight, self.bias, self.running_mean, self.running_var = (
            init.parameter((num_features,), start) for start in starts
        )
        self.running_mean.requires_grad = self.running_var.requires_grad = False

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, self.weight.dtype)
        self._check(x)
        axes = (0, *range(2, x.ndim))
        add = adder()
        if self.training and add is not None:
            y = self._of_all_ranks(x, axes, add)
        elif self.training:
            y = standardize(x, axes, self.eps)
            self._follow(stop_gradient(x), axes)
        else:
            y = (x - self._wide(self.running_mean, x)) * (1 / sqrt(self._wide(self.running_var, x) + self.eps))
        return y * self._wide(self.weight, x) + self._wide(self.bias, x)

    def _wide(self, values: Tensor, x: Tensor) -> Tensor:
        return values.reshape(-1, *[1] * (x.ndim - 2))

    def _follow(self, x: Tensor, axes: tuple[int, ...]) -> None:
        """Move the running statistics to those of this batch."""
        n = math.prod(x.shape[a] for a in axes)
        self._move(self.running_mean, mean(x, axes, keepdims=True))
        self._move(self.running_var, var(x, axes, keepdims=True) * (n / (n - 1)))  # without bias, as in PyTorch

    def _of_all_ranks(self, x: Tensor, axes: tuple[int, ...], add: Add) -> Tensor:
        """As in training, with the statistics of the parts of a batch that all ranks have."""
        n = add(constant(np.array(math.prod(x.shape[a] for a in axes), x.dtype)))
        middle = add(sum(x, axes, keepdims=True)) / n
        centred = x - middle
        seen = add(sum(centred * centred, axes, keepdims=True)) / n
        self._move(self.running_mean, stop_gradient(middle))
        self._move(self.running_var, stop_gradient(seen) * (n / (n - 1)))
        return centred * (1 / sqrt(seen + self.eps))

    def _move(self, running: Parameter, seen: Tensor) -> None:
        try:
            running.assign((1 - self.momentum) * running.node + self.momentum * seen.reshape(-1))
        except NotTraceableError:
            raise NotTraceableError(
                f"the running statistics of {type(self).__name__} would depend on what is not known yet (inside of "
                "vmap, for example): call eval() first, or use an ensemble"
            ) from None

    def _check(self, x: Tensor) -> None:
        owner, features = type(self).__name__, self.weight.shape[0]
        if x.ndim not in self.dims or x.shape[1] != features:
            forms = {2: f"(N, {features})", 3: f"(N, {features}, L)", 4: f"(N, {features}, H, W)"}
            wanted = " or ".join(forms[n] for n in self.dims)
            raise ShapeError(f"{owner} takes a shape {wanted}, got {x.shape}")
        if self.training and x.size <= features and adder() is None:
            raise ShapeError(
                f"{owner} in training mode needs more than one value a channel, got a shape {x.shape}: "
                "use batches of two examples or more, or call eval() first"
            )


class BatchNorm1d(_BatchNorm):
    """As `BatchNorm2d`, for features (N, C) or sequences (N, C, L).

    Args:
        num_features: C.
        eps: keeps the division finite for a channel without variance.
        momentum: how far the running statistics move to those of each batch.

    Attributes:
        weight, bias, running_mean, running_var: as in `BatchNorm2d`.

    Raises:
        ArgumentError: for a C below 1, a momentum outside of [0, 1], or an eps that is not above 0.
        ShapeError: when called, if the input has another shape; in training mode, if a channel has one value only.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.BatchNorm1d(1)(sg.tensor([[1.0], [3.0]])).numpy().round(3).tolist()
        [[-1.0], [1.0]]
    """

    dims = 2, 3


class BatchNorm2d(_BatchNorm):
    """(x - mean) / sqrt(variance + eps) · weight + bias for each channel of images (N, C, H, W) (Ioffe, Szegedy 2015,
    arXiv 1502.03167).

    In training mode mean and variance are those of the batch, and each call moves the running ones:
    ``running = (1 - momentum) running + momentum seen``, the variance seen with n - 1. In evaluation mode the running
    ones are used. So two examples of a batch depend on each other in training, and not in evaluation.

    Args:
        num_features: C.
        eps: keeps the division finite for a channel without variance.
        momentum: how far the running statistics move to those of each batch.

    Attributes:
        weight: shape (C,), ones to start with.
        bias: shape (C,), zeros to start with.
        running_mean: shape (C,), zeros to start with; part of the state and not trained.
        running_var: shape (C,), ones to start with; part of the state and not trained.

    Raises:
        ArgumentError: for a C below 1, a momentum outside of [0, 1], or an eps that is not above 0.
        ShapeError: when called, if the input is not (N, C, H, W); in training mode, if a channel has one value only.
        NotTraceableError: in training mode inside of `subgrad.vmap`, where the running statistics would be those of
            one member.

    Example:
        >>> import subgrad as sg
        >>> norm = sg.nn.BatchNorm2d(1, momentum=0.5)
        >>> y = norm(sg.tensor([[[[1.0, 3.0]]]]))
        >>> y.numpy().round(3).tolist(), norm.running_mean.numpy().round(3).tolist()
        ([[[[-1.0, 1.0]]]], [1.0])
    """

    dims = (4,)


__all__ = ["BatchNorm1d", "BatchNorm2d"]
