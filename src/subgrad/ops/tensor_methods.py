"""Operators and methods of tensors: one line each, the table of ops has the substance.

They are attached to the class when this module is loaded, so that the class, on which all ops are built, need not know
them. Type checkers take `TensorMethods` for a base class of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

from subgrad import ops
from subgrad.graph.tensor import Tensor, TensorLike, constant
from subgrad.hints import hinted
from subgrad.lazy import hint

if TYPE_CHECKING:
    import numpy.typing as npt


class TensorMethods:
    """What `Tensor` has besides its node and its value."""

    __slots__ = ()
    __hash__ = object.__hash__  # a comparison is a tensor, so nodes are known by identity

    def __add__(self, other: TensorLike) -> Tensor: return ops.add(self, other)
    def __radd__(self, other: TensorLike) -> Tensor: return ops.add(other, self)
    def __sub__(self, other: TensorLike) -> Tensor: return ops.sub(self, other)
    def __rsub__(self, other: TensorLike) -> Tensor: return ops.sub(other, self)
    def __mul__(self, other: TensorLike) -> Tensor: return ops.mul(self, other)
    def __rmul__(self, other: TensorLike) -> Tensor: return ops.mul(other, self)
    def __truediv__(self, other: TensorLike) -> Tensor: return ops.div(self, other)
    def __rtruediv__(self, other: TensorLike) -> Tensor: return ops.div(other, self)
    def __mod__(self, other: TensorLike) -> Tensor: return ops.remainder(self, other)
    def __rmod__(self, other: TensorLike) -> Tensor: return ops.remainder(other, self)
    def __matmul__(self, other: TensorLike) -> Tensor: return ops.matmul(self, other)
    def __rmatmul__(self, other: TensorLike) -> Tensor: return ops.matmul(other, self)
    def __pow__(self, other: TensorLike) -> Tensor: return ops.pow(self, other)
    def __rpow__(self, other: TensorLike) -> Tensor: return ops.pow(other, self)
    def __neg__(self) -> Tensor: return ops.neg(self)
    def __pos__(self: Tensor) -> Tensor: return self
    def __abs__(self) -> Tensor: return ops.abs(self)
    def __eq__(self, other: TensorLike) -> Tensor: return ops.equal(self, other)  # type: ignore[override]
    def __ne__(self, other: TensorLike) -> Tensor: return ops.not_equal(self, other)  # type: ignore[override]
    def __lt__(self, other: TensorLike) -> Tensor: return ops.less(self, other)
    def __le__(self, other: TensorLike) -> Tensor: return ops.less_equal(self, other)
    def __gt__(self, other: TensorLike) -> Tensor: return ops.greater(self, other)
    def __ge__(self, other: TensorLike) -> Tensor: return ops.greater_equal(self, other)
    def __and__(self, other: TensorLike) -> Tensor: return ops.logical_and(self, other)
    def __rand__(self, other: TensorLike) -> Tensor: return ops.logical_and(other, self)
    def __or__(self, other: TensorLike) -> Tensor: return ops.logical_or(self, other)
    def __ror__(self, other: TensorLike) -> Tensor: return ops.logical_or(other, self)
    def __invert__(self) -> Tensor: return ops.logical_not(self)
    def __getitem__(self, key: Any) -> Tensor: return ops.index(self, key)

    if not TYPE_CHECKING:  # who would take any attribute for granted

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(f"a tensor has no attribute {name!r}{hint(name, dir(type(self)))}")

    @property
    def T(self) -> Tensor:
        """The transpose, all axes reversed."""
        return ops.transpose(self)

    Axes = int | Sequence[int] | None

    def sum(self, axis: Axes = None, keepdims: bool = False) -> Tensor: return ops.sum(self, axis, keepdims)
    def mean(self, axis: Axes = None, keepdims: bool = False) -> Tensor: return ops.mean(self, axis, keepdims)
    def max(self, axis: Axes = None, keepdims: bool = False) -> Tensor: return ops.max(self, axis, keepdims)
    def min(self, axis: Axes = None, keepdims: bool = False) -> Tensor: return ops.min(self, axis, keepdims)
    def var(self, axis: Axes = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
        return ops.var(self, axis, keepdims, ddof)
    def std(self, axis: Axes = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
        return ops.std(self, axis, keepdims, ddof)
    def norm(self, axis: Axes = None, keepdims: bool = False) -> Tensor: return ops.norm(self, axis, keepdims)
    def argmax(self, axis: int | None = None) -> Tensor: return ops.argmax(self, axis)
    def argmin(self, axis: int | None = None) -> Tensor: return ops.argmin(self, axis)
    def cumsum(self, axis: int = 0) -> Tensor: return ops.cumsum(self, axis)
    def cumprod(self, axis: int = 0) -> Tensor: return ops.cumprod(self, axis)
    def prod(self, axis: Axes = None, keepdims: bool = False) -> Tensor: return ops.prod(self, axis, keepdims)
    def any(self, axis: Axes = None, keepdims: bool = False) -> Tensor: return ops.any(self, axis, keepdims)
    def all(self, axis: Axes = None, keepdims: bool = False) -> Tensor: return ops.all(self, axis, keepdims)
    def sort(self, axis: int | None = -1) -> Tensor: return ops.sort(self, axis)
    def argsort(self, axis: int | None = -1) -> Tensor: return ops.argsort(self, axis)
    def take(self, indices: TensorLike, axis: int | None = None) -> Tensor: return ops.take(self, indices, axis)
    def repeat(self, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
        return ops.repeat(self, repeats, axis)
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        return ops.diagonal(self, offset, axis1, axis2)
    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        return ops.trace(self, offset, axis1, axis2)
    def dot(self, other: TensorLike) -> Tensor: return ops.dot(self, other)
    def round(self, decimals: int = 0) -> Tensor: return ops.round(self, decimals)
    def __round__(self, decimals: int = 0) -> Tensor: return ops.round(self, decimals)
    def abs(self) -> Tensor: return ops.abs(self)
    def exp(self) -> Tensor: return ops.exp(self)
    def log(self) -> Tensor: return ops.log(self)
    def sqrt(self) -> Tensor: return ops.sqrt(self)
    def tanh(self) -> Tensor: return ops.tanh(self)
    def clip(self, low: TensorLike = None, high: TensorLike = None) -> Tensor: return ops.clip(self, low, high)
    def reshape(self, *shape: Any) -> Tensor: return ops.reshape(self, *shape)
    def transpose(self, *axes: Any) -> Tensor: return ops.transpose(self, *axes)
    def swapaxes(self, a: int, b: int) -> Tensor: return ops.swapaxes(self, a, b)
    def squeeze(self, axis: Axes = None) -> Tensor: return ops.squeeze(self, axis)
    def flatten(self) -> Tensor: return ops.reshape(self, -1)
    def ravel(self) -> Tensor: return ops.reshape(self, -1)
    def astype(self, dtype: npt.DTypeLike) -> Tensor: return ops.astype(self, dtype)

    def detach(self: Tensor) -> Tensor:
        """The same value as a leaf: gradients do not pass."""
        return ops.stop_gradient(self) if self.is_symbolic() else constant(self.numpy())

    def backward(self: Tensor, cotangent: TensorLike = None) -> None:
        """Add the gradient of this tensor to ``.grad`` of every parameter (and every leaf with ``requires_grad``).

        Args:
            cotangent: dE/dself, of this tensor's shape; 1 for a scalar if it is not given.

        Raises:
            GradientError: if this tensor is not a scalar and there is no cotangent.
        """
        from subgrad.diff import backward  # which is built on the ops

        backward(self, cotangent)


for _name, _method in vars(TensorMethods).items():
    if isinstance(_method, FunctionType) and "axis" in _method.__code__.co_varnames:
        _method = hinted(_method)
    if callable(_method) or isinstance(_method, property):
        setattr(Tensor, _name, _method)
