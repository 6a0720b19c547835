"""The node of the DAG: a tensor is an op applied to inputs, with a shape and a dtype, valued when somebody looks."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError, DataError, DTypeError, NotTraceableError, ShapeError
from subgrad.graph import source_location, tracing
from subgrad.graph.dtype import as_dtype, default_dtype, dtype_of_data
from subgrad.graph.op import Kind, Op

if TYPE_CHECKING:
    import numpy.typing as npt

    from subgrad.ops.tensor_methods import TensorMethods
else:
    TensorMethods = object  # attached later, see there

TensorLike = Any  # a Tensor, a NumPy array or scalar, a Python number, or a nested list of numbers


class Tensor(TensorMethods):
    """A node: the result of ``op`` on ``inputs``, with the line of the user's code that made it.

    Make one with `subgrad.tensor`, combine them with operators and functions. Nothing is computed until a value is
    asked for (``.numpy()``, ``float``, ``bool``, ``print``), and then once. Values never change.

    Attributes:
        op: the primitive that makes the value.
        inputs: the tensors that it reads.
        attrs: its other arguments, by name.
        shape: the lengths of the axes.
        dtype: a NumPy dtype.
        site: file and line of the user's code.
        scope: path of the module that made it, such as ``encoder.hidden``.
        grad: the accumulated gradient after ``backward()``, or None.

    Example:
        >>> import subgrad as sg
        >>> x = sg.tensor([3.0, 4.0])
        >>> y = (x * x).sum()
        >>> y.op, y.shape
        (<op sum>, ())
        >>> float(y)
        25.0
    """

    __slots__ = (
        "__weakref__", "_owner", "_value", "attrs", "dtype", "grad", "inputs", "op", "requires_grad", "scope", "shape",
        "site",
    )  # fmt: skip

    # NumPy arrays on the left of an operator leave it to the tensor on the right.
    __array_priority__ = 1000
    __array_ufunc__ = None

    def __init__(
        self,
        op: Op,
        inputs: tuple[Tensor, ...],
        attrs: dict[str, Any],
        shape: tuple[int, ...],
        dtype: np.dtype,
        site: source_location.Site,
        scope: str = "",
    ) -> None:
        self.op, self.inputs, self.attrs = op, inputs, attrs
        self.shape, self.dtype = shape, dtype
        self.site, self.scope = site, scope
        self._value: np.ndarray | None = None
        self._owner: weakref.ref[Tensor] | None = None
        self.grad: Tensor | None = None
        self.requires_grad = False

    # Values

    def numpy(self) -> np.ndarray:
        """The value, computed now if it was not before, as a read-only NumPy array."""
        if self._value is None:
            evaluate([self])
        return self._value  # pyright: ignore[reportReturnType]

    def item(self) -> float | int | bool:
        """The value of a tensor with one element, as a Python number. Raises `ShapeError` for any other size."""
        if self.size != 1:
            raise ShapeError(f"only a tensor with one element is a number, this one has shape {self.shape}")
        return self.numpy().item()

    def tolist(self) -> Any:
        """The value as (nested lists of) Python numbers."""
        return self.numpy().tolist()

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy) if dtype or copy else self.numpy()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise DTypeError(f"only an integer tensor can be an index, this one is {self.dtype}")
        return int(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("a tensor of shape () has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        if self._value is None and self.is_symbolic():
            return f"<tensor {self.op.name} {self.dtype}{list(self.shape)}, an argument's value is not known yet>"
        body = np.array2string(self.numpy(), separator=", ", prefix="tensor(")
        return f"tensor({body})" if self.dtype == default_dtype() else f"tensor({body}, dtype={self.dtype})"

    # The node

    @property
    def node(self) -> Tensor:
        """The node that stands for this tensor in a graph now: itself, but a parameter's current value."""
        return self

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def owner(self) -> Tensor | None:
        """The parameter whose value this leaf is (or was), if it is one."""
        return self._owner() if self._owner else None

    def is_symbolic(self) -> bool:
        """True if the value depends on an argument that has none yet, as while a function is traced."""
        return any(n.op is INPUT for n in toposort([self]))

    def zero_grad(self) -> None:
        """Forget ``.grad``."""
        self.grad = None

    # Copies

    def __copy__(self) -> Tensor: return self  # values never change, so a copy would be the same
    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor: return self

    def __reduce__(self) -> Any:
        """A pickled tensor is its value, without the graph that led to it."""
        return _restored, (type(self), self.numpy(), self.requires_grad)


_changes = itertools.count(1)


class Parameter(Tensor):
    """A name for a value that training changes.

    A graph built from a parameter holds the value it had then; `assign` gives the parameter a new value and leaves
    those graphs alone. Modules find their parameters by attribute.

    Args:
        value: array, number or tensor; floats take the default dtype unless ``dtype`` is named.

    Example:
        >>> import subgrad as sg
        >>> w = sg.Parameter([1.0, 2.0])
        >>> old = w * 10
        >>> w.assign([5.0, 5.0])
        >>> old.tolist(), w.tolist()
        ([10.0, 20.0], [5.0, 5.0])
    """

    __slots__ = ("_node", "_trained")
    changes = 0  # another number whenever any parameter gets another value: compiled programs look at nothing else

    def __init__(self, value: TensorLike, dtype: npt.DTypeLike | None = None) -> None:
        # The slots of Tensor that describe a node are read from the current node, so they stay unset here.
        self.grad = None
        self.requires_grad = True
        start = value if isinstance(value, Tensor) and dtype is None else tensor(value, dtype)
        _require_float(start.dtype, "a parameter")
        self._bind(constant(start.numpy()))

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        return self.__copy__()

    def __copy__(self) -> Parameter:
        copy = Parameter(self)
        copy.requires_grad = self.requires_grad
        return copy

    @property
    def requires_grad(self) -> bool:
        """Whether training changes it: False makes it a part of the state that stays as it is."""
        return self._trained

    @requires_grad.setter
    def requires_grad(self, trained: bool) -> None:
        self._trained = trained
        tracing.note_setting(self, "requires_grad")

    def _bind(self, node: Tensor) -> None:
        node._owner = weakref.ref(self)
        self._node = node
        Parameter.changes = next(_changes)  # last: whoever sees the number sees the node

    def _stand_for(self, node: Tensor) -> None:
        """In what is being traced, and nowhere else, ``node`` is the value."""
        node._owner = weakref.ref(self)
        tracing.bind(self, node)

    @property
    def node(self) -> Tensor:
        node = tracing.node_of(self)
        return self._node if node is None else node

    def assign(self, value: TensorLike) -> None:
        """Give the parameter a new value of the same shape and dtype. Raises `ShapeError` or `DTypeError`."""
        node = self._checked(value)
        self._stand_for(node) if tracing.is_tracing() else self._bind(node)

    def _checked(self, value: TensorLike) -> Tensor:
        """``value`` as a node that this parameter can take over, computed if it can be."""
        new = value.node if isinstance(value, Tensor) else tensor(value, self.dtype)
        if new.shape != self.shape:
            raise ShapeError(f"a parameter of shape {self.shape} cannot take a value of shape {new.shape}")
        if new.dtype != self.dtype:
            raise DTypeError(f"a parameter of dtype {self.dtype} cannot take a value of dtype {new.dtype}")
        computed = new.op is not CONST and tracing.is_tracing()
        return new if computed else constant(new.numpy())  # a leaf of our own, not that of somebody else

    def __getattr__(self, name: str) -> Any:
        # Reached only for the unset slots: op, inputs, attrs, shape, dtype, site, scope, _value, _owner.
        if name in Tensor.__slots__:
            return getattr(self.node, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return "Parameter" + super().__repr__().removeprefix("tensor")


def tensor(data: TensorLike, dtype: npt.DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor with the values of ``data``, which is copied.

    Floats become the default dtype (float32) unless ``dtype`` is named, even if ``data`` is a float64 array; bool,
    uint8, int32 and int64 stay, other integers become int64.

    Args:
        data: a NumPy array, a number, nested lists of numbers, or another tensor.
        dtype: float32, float64, int32, int64, uint8 or bool.
        requires_grad: let ``backward()`` fill this tensor's ``.grad``.

    Raises:
        DataError: if the data is ragged or not numeric.
        DTypeError: for a dtype that tensors do not have or that cannot hold the data (fractions or numbers out of
            range in an integer dtype), and for ``requires_grad`` of integers.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> sg.tensor(np.array([0.1, 0.2])).dtype
        dtype('float32')
        >>> sg.tensor([1, 2, 3], dtype="float64")
        tensor([1., 2., 3.], dtype=float64)
    """
    if isinstance(data, Tensor):
        leaf = constant(data.astype(dtype).numpy() if dtype is not None else data.numpy())
    else:
        leaf = constant(to_array(data, dtype))
    if requires_grad:
        _require_float(leaf.dtype, "a tensor with requires_grad")
    leaf.requires_grad = requires_grad
    return leaf


def to_array(data: Any, dtype: npt.DTypeLike | None = None) -> np.ndarray:
    """A copy of ``data`` that nobody else holds, in ``dtype`` or the one that the rules give."""
    raw = _read(data)
    target = dtype_of_data(raw.dtype) if dtype is None else as_dtype(dtype)
    if target.kind != "f" and raw.dtype != target:
        _require_exact(raw, target)
    with np.errstate(over="ignore"):
        return np.array(raw, dtype=target)


def _read(data: Any) -> np.ndarray:
    try:
        raw = np.asarray(data)
    except ValueError as error:
        raise DataError(f"a tensor needs rectangular data: {error}") from None
    if raw.dtype.kind not in "fiub":
        raise DataError(f"a tensor needs real numbers, got {type(data).__name__} of dtype {raw.dtype}")
    return raw


def _require_exact(raw: np.ndarray, target: np.dtype) -> None:
    """Raise `DTypeError` if the integer or bool dtype ``target`` would cut off or wrap around a number of ``raw``."""
    if raw.dtype.kind == "f" and not np.array_equal(raw, np.trunc(raw)):
        raise DTypeError(f"{target} cannot hold the fractions (or NaN) in this data; round it first")
    if raw.size and target.kind != "b":
        low, high, bounds = raw.min().item(), raw.max().item(), np.iinfo(target)
        if low < bounds.min or high > bounds.max:
            bad = low if low < bounds.min else high
            raise DTypeError(f"{target} cannot hold {bad}: it goes from {bounds.min} to {bounds.max}")


def _require_float(dtype: np.dtype, what: str) -> None:
    if dtype.kind != "f":
        raise DTypeError(f"{what} holds floats, got {dtype}: write 1.0 instead of 1, or name a float dtype")


def constant(value: np.ndarray) -> Tensor:
    """A leaf that takes ``value`` over without a copy: for arrays that nobody else will write to."""
    leaf = Tensor(CONST, (), {}, value.shape, value.dtype, source_location.user_site(), source_location.scope())
    leaf._value = _frozen(value)
    return leaf


def placeholder(shape: Sequence[int], dtype: npt.DTypeLike, name: str = "", open: bool = False) -> Tensor:
    """A leaf whose value comes later: an argument of a function that is being traced.

    With ``open`` the first axis of the value may be of any length but 0, whatever stands in ``shape``: whoever reads
    it by `gather` along that axis alone sees to it that the indices are in range.
    """
    attrs = {"name": name, "open": True} if open else {"name": name}
    return Tensor(INPUT, (), attrs, tuple(shape), as_dtype(dtype), source_location.user_site(), source_location.scope())


def as_tensor(value: TensorLike, like: np.dtype | None = None) -> Tensor:
    """``value`` as a node. Floats that are not tensors yet take ``like`` if it is a float dtype, else the default."""
    if isinstance(value, Tensor):
        return value.node
    if holds_tensors(value):  # their values alone would have no derivatives, and are not known in a trace
        from subgrad.ops import stack

        return stack(value)
    array = _read(value)
    floats = array.dtype.kind == "f" and like is not None and like.kind == "f"
    return tensor(array, like if floats else None)


def holds_tensors(value: Any) -> bool:
    """Whether it is a list or tuple with tensors in it, or inside of lists in it."""
    return type(value) in (list, tuple) and any(isinstance(v, Tensor) or holds_tensors(v) for v in value)


def _restored(kind: type[Tensor], value: np.ndarray, requires_grad: bool) -> Tensor:
    """The tensor or parameter that was pickled."""
    leaf = constant(value)
    tensor = kind(leaf) if issubclass(kind, Parameter) else leaf
    tensor.requires_grad = requires_grad
    return tensor


def _frozen(value: np.ndarray) -> np.ndarray:
    view = np.asarray(value).view()  # NumPy makes scalars of arrays without axes, and those cannot be frozen
    view.flags.writeable = False
    return view


def _no_value(*_: Any, **attrs: Any) -> Any:
    raise NotTraceableError(
        f"the value of {attrs.get('name') or 'an argument'} is not known while a function is traced: "
        "an `if` on a tensor's value must become subgrad.where, and print must wait until the function returns"
    )


def _no_shape(*_: Any, **__: Any) -> Any:
    raise ArgumentError("leaves are made with subgrad.tensor, not by calling their op")


CONST = Op("const", ref=_no_value, shape=_no_shape, prepare=_no_shape, kind=Kind.SOURCE)
INPUT = Op("input", ref=_no_value, shape=_no_shape, prepare=_no_shape, kind=Kind.SOURCE)

# These are built on the class, and its methods call them: the circle is closed here, after the class exists.
from subgrad.graph.evaluate import evaluate  # noqa: E402
from subgrad.graph.order import toposort  # noqa: E402
