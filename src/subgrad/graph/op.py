"""What a primitive is: one record with all that is true of it, made by decorating its NumPy reference with `defop`."""

from __future__ import annotations

import enum
import functools
import importlib
import inspect
import operator
import sys
import warnings
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from subgrad.errors import ArgumentError, GradientError
from subgrad.graph import source_location
from subgrad.graph.kink import Kink
from subgrad.hints import require_known

if TYPE_CHECKING:
    from subgrad.graph.tensor import Tensor

Signature = tuple[tuple[int, ...], np.dtype]


class OpTable(MutableMapping[str, "Op"]):
    """Every primitive by name, those included whose modules are not loaded yet: they are, when they are looked for.

    >>> "relu" in TABLE, "loop" in TABLE
    (True, True)
    """

    _LATER = ("subgrad.recur.loop",)  # modules outside of `subgrad.ops` and `subgrad.diff` that define ops

    def __init__(self) -> None:
        self._ops: dict[str, Op] = {}

    def __getitem__(self, name: str) -> Op:
        return self._ops[name] if name in self._ops else self._complete()[name]

    def __setitem__(self, name: str, op: Op) -> None:
        self._ops[name] = op

    def __delitem__(self, name: str) -> None:
        del self._ops[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._complete())

    def __len__(self) -> int:
        return len(self._complete())

    def _complete(self) -> dict[str, Op]:
        for module in self._LATER:
            importlib.import_module(module)
        return self._ops


TABLE = OpTable()
"""The one list that tests, documentation and back ends go through."""


class Kind(enum.Enum):
    """What an op does with elements, for those who treat all ops of a kind alike."""

    ELEMENTWISE = "each element of the result comes from the elements at the same place"
    VIEW = "elements in another order or number, at even steps in memory: no copy is needed"
    MOVEMENT = "elements at other places, nothing computed"
    REDUCTION = "elements along axes come together"
    CONTRACTION = "sums of products of two inputs"
    CHOICE = "a comparison, or what a comparison chooses"
    SOURCE = "no element comes from another tensor"
    CONTROL = "a graph of its own, or something that is said of a graph"


Linear = Literal["", "jointly", "each"] | tuple[int, ...]
"""In which of its float inputs an op is linear, up to a constant: in none, in all of them together, in each of them
while the others are held, or in those of these numbers together. The constant of ops that move or add elements up is 0,
but for what is put beside these (the attribute ``value``)."""


@dataclass(frozen=True, eq=False)
class Op:
    """A primitive operation: shape rule, reference, vjp, one-sided derivative, kink, notation.

    Calling it makes a node: ``prepare`` turns the user's arguments into tensors and attributes, ``shape`` gives the
    result's shape and dtype or raises. Nothing is computed yet.
    """

    name: str
    ref: Callable[..., Any]
    shape: Callable[..., Signature]
    prepare: Callable[..., tuple[Sequence[Tensor], dict[str, Any]]]
    vjp: Callable[..., Sequence[Tensor | None]] | None = None
    one_sided_jvp: Callable[..., Tensor] | None = None
    kink: Kink | None = None
    expand: Callable[..., Tensor] | None = None
    push: Callable[..., Tensor] | None = None
    text: str = ""
    slopes: tuple[str, ...] = ()
    kind: Kind = Kind.ELEMENTWISE
    linear: Linear = ""
    elementwise: bool = False
    takes: range | None = None  # how many arguments by position; None: `prepare` knows

    def is_linear_in(self, moving: Sequence[bool]) -> bool:
        """Whether it is linear, up to a constant, in the inputs that are ``moving``, all of them together.

        >>> TABLE["mul"].is_linear_in([True, False]), TABLE["mul"].is_linear_in([True, True])
        (True, False)
        """
        if self.linear == "jointly":
            return True
        if self.linear == "each":
            return sum(moving) <= 1
        held = () if self.linear == "" else self.linear
        return not any(m for k, m in enumerate(moving) if k not in held)

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        if self.takes is not None and not (len(args) <= self.takes[-1] and len(args) + len(kwargs) >= self.takes[0]):
            raise ArgumentError(f"{self.name} takes {self.takes[0]} of tensors or numbers, got {len(args)}")
        try:
            inputs, attrs = self.prepare(*args, **kwargs)
        except TypeError as error:
            require_known(self.prepare, self.name, kwargs)
            said, inner = str(error), f"{self.prepare.__name__}()"
            if said.startswith(inner):  # users know the op, and not what prepares its arguments
                raise TypeError(f"{self.name}(){said.removeprefix(inner)}") from None
            raise
        return apply(self, tuple(inputs), attrs)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        """By name where it can be imported: a copy would be another op. One of a script goes part by part, as
        cloudpickle takes functions of a script."""
        name, module = vars(self).get("__qualname__", ""), vars(self).get("__module__")
        if module != "__main__" and _meaning(module, name) is self:
            return name
        return super().__reduce_ex__(protocol)

    def __copy__(self) -> Op:
        return self

    def __deepcopy__(self, memo: Any) -> Op:
        return self


def apply(op: Op, inputs: tuple[Tensor, ...], attrs: dict[str, Any]) -> Tensor:
    """A new node. Shape and dtype errors are raised here, at the line where the user wrote the op."""
    shape, dtype = op.shape(*inputs, **attrs)
    return _tensor()(op, inputs, attrs, shape, dtype, source_location.user_site(), source_location.scope())


def again(node: Tensor, inputs: tuple[Tensor, ...]) -> Tensor:
    """A node as it is, on other inputs. Where these are like the old ones, so is the result: the compiler makes most
    nodes of a graph anew a few times, and asks the rule for shapes only once."""
    for a, b in zip(inputs, node.inputs, strict=True):
        if a.shape != b.shape or a.dtype is not b.dtype:
            with source_location.inherit(node.site, node.scope):
                return apply(node.op, inputs, node.attrs)
    return _tensor()(node.op, inputs, node.attrs, node.shape, node.dtype, node.site, node.scope)


@functools.cache
def _tensor() -> type[Tensor]:
    from subgrad.graph.tensor import Tensor

    return Tensor


def defop(
    ref: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    shape: Callable[..., Signature] | None = None,
    prepare: Callable[..., Any] | None = None,
    vjp: Callable[..., Sequence[Any]] | None = None,
    one_sided_jvp: Callable[..., Any] | None = None,
    kink: Kink | None = None,
    expand: Callable[..., Any] | None = None,
    push: Callable[..., Any] | None = None,
    text: str = "",
    slopes: Sequence[str] = (),
    kind: Kind | None = None,
    linear: Linear = "",
    dird: Callable[..., Any] | None = None,
) -> Any:
    """Define a primitive by decorating its NumPy reference, which is its specification.

    The decorated function takes NumPy arrays (then attributes, by keyword) and returns one; NaN should pass through
    it. What is not given describes an elementwise op: arguments are broadcast to one shape and dtype, the result has
    that shape and dtype.

    Args:
        ref: the NumPy reference; its name and docstring become the op's.
        name: another name than the reference's, in the table of ops.
        shape: ``shape(*inputs, **attrs) -> (shape, dtype)``; raises `ShapeError` for inputs that do not fit.
        prepare: ``prepare(*args, **kwargs) -> (inputs, attrs)``, from the caller's arguments to tensors.
        vjp: ``vjp(g, y, *inputs, **attrs)``, from the cotangent of the output to one cotangent for each input (None
            where there is none), written with ops so that it can be differentiated again. Without it, it is that of
            ``expand``.
        one_sided_jvp: ``one_sided_jvp(y, inputs, tangents, **attrs)``, the one-sided directional derivative. Without
            it, it follows from the vjp and the kink; only a kink made by hand needs it.
        kink: a `Kink`, if the op has points where it is not differentiable: `Kink.linear`, for example.
        expand: ``expand(*inputs, **attrs)``, the same function made of simpler ops: how the compiler, which knows only
            those, runs this one.
        push: ``push(rule, node, tangents)``, the tangent of an op that holds a graph of its own, as a loop does;
            ``rule(outputs, wrt, tangents)`` carries tangents through such a graph.
        text: how `explain` writes it, with ``{0}``, ``{1}`` for the inputs.
        slopes: how `explain` writes the local derivative by each input.
        kind: what it does with elements; elementwise if no ``shape`` is given.
        linear: in which inputs it is linear, up to a constant.
        dird: the former name of ``one_sided_jvp``, with a `DeprecationWarning`.

    Returns:
        An `Op`; without ``ref`` the decorator that makes one.

    Raises:
        ArgumentError: if a built-in op has that name already.

    Example:
        >>> import subgrad as sg
        >>> @sg.defop(vjp=lambda g, y, x: (3 * x * x * g,))
        ... def cube(x):
        ...     return x**3
        >>> x = sg.tensor([1.0, 2.0])
        >>> sg.grad(cube(x).sum(), x).numpy()
        array([ 3., 12.], dtype=float32)
        >>> sg.check(cube, [0.5, -1.5]).kinks
        0
    """
    from subgrad.ops import rules

    if dird is not None:
        warnings.warn("the argument dird of defop is now one_sided_jvp", DeprecationWarning, stacklevel=2)

    def define(ref: Callable[..., Any]) -> Op:
        title = name or ref.__name__
        if not _is_ours(ref) and title in TABLE and _is_ours(TABLE[title].ref):
            raise ArgumentError(f"there is a built-in op named {title!r} already: choose another name")
        op = Op(
            name=title,
            ref=ref,
            shape=shape or rules.elementwise_shape,
            prepare=prepare or rules.numbers,
            vjp=vjp or _vjp_by(expand),
            one_sided_jvp=one_sided_jvp or dird,
            kink=kink,
            expand=expand,
            push=push,
            text=text,
            slopes=tuple(slopes),
            kind=kind or (Kind.ELEMENTWISE if shape is None else Kind.CONTROL),
            linear=linear,
            elementwise=shape is None,
            takes=_counts(ref) if prepare in (None, rules.numbers, rules.floats, rules.signed) else None,
        )
        for attribute in ("__doc__", "__module__", "__qualname__", "__name__"):  # help(), doctest and IPython look here
            object.__setattr__(op, attribute, getattr(ref, attribute, None))
        object.__setattr__(op, "__wrapped__", ref)
        TABLE[title] = op
        return op

    return define if ref is None else define(ref)


def _vjp_by(expand: Callable[..., Tensor] | None) -> Callable[..., Sequence[Tensor | None]] | None:
    """Backpropagation through what an op is made of."""
    if expand is None:
        return None

    def vjp(g: Tensor, y: Tensor, *inputs: Tensor, **attrs: Any) -> Sequence[Tensor | None]:
        from subgrad.diff.expansion import cotangents_through

        return cotangents_through(expand, g, inputs, attrs)

    return vjp


def _counts(ref: Callable[..., Any]) -> range | None:
    """How many inputs a function may be given; None if it can be any number, or does not say it."""
    try:
        given = [p for p in inspect.signature(ref).parameters.values() if p.kind != p.KEYWORD_ONLY]
    except ValueError:
        return None
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in given):
        return None
    return range(sum(p.default is p.empty for p in given), len(given) + 1)


def _meaning(module: Any, name: str) -> Any:
    """What a dotted name means in the module of that name."""
    try:
        return operator.attrgetter(name)(sys.modules[module])
    except (AttributeError, KeyError):
        return None


def _is_ours(ref: Callable[..., Any]) -> bool:
    return (getattr(ref, "__module__", "") or "").startswith("subgrad.")


def cotangents(node: Tensor, g: Tensor) -> Sequence[Tensor | None]:
    """The products of ``g`` with ``node``'s local derivatives, one for each input, None where there is none."""
    with source_location.inherit(node.site, node.scope):
        if node.op.vjp is None:
            raise GradientError(f"{node.op.name} has no derivative")
        return node.op.vjp(g, node, *node.inputs, **node.attrs)
