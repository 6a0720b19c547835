"""``compile``: any function of tensors as a native program, parameters and random numbers included."""

from __future__ import annotations

import functools
import operator
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad.compile.garbage import uncollected
from subgrad.compile.rooms import Room, room_for
from subgrad.compile.runtime.fallback import can_compile, runnable
from subgrad.compile.runtime.variant import ScanVariant, Trace, Variant
from subgrad.compile.tracing.arguments import as_array, data_of, form, replaced
from subgrad.compile.tracing.live import NOTHING, Live
from subgrad.compile.tracing.reachable import PARTS, Own
from subgrad.display.html_table import shown, table_of_some
from subgrad.errors import ArgumentError, NotTraceableError, ShapeError
from subgrad.graph import tracing
from subgrad.graph.dtype import default_dtype, int64
from subgrad.graph.order import toposort
from subgrad.graph.tensor import INPUT, Parameter, Tensor, placeholder
from subgrad.graph.tree import Tree, leaves
from subgrad.ops import random

MOMENTS = 16  # states of what a function depends on whose programs are kept


def compile(f: Callable[..., Tree]) -> CompiledFunction:
    """A function of tensors (or a module) as native code: called with arrays, it returns arrays.

    The function is traced once for each combination of shapes and dtypes, and compiled; later calls run the program.
    In it an ``if`` can ask for a shape, not for a value. Parameters are read when the program runs; those that the
    function assigns, as `subgrad.update` does, have their new values after the call. Dropout draws anew in each call.
    Whatever else the function reaches (layers, modes, numbers of modules, globals, closures, objects among its
    arguments) is looked at in each call: where it has changed, the function is traced again. The whole list is at the
    head of ``subgrad/compile/tracing/live.py``.

    Without llvmlite, or with an op the compiler does not know, the graph is interpreted, and a warning says so once.

    Args:
        f: takes tensors (also in lists, tuples, dicts; anything else is a constant of the trace) and returns such.
            Lists of numbers are arrays. Floats that have no named dtype take that of the parameters that f reaches, or
            else of the tensors, or the default dtype.

    Returns:
        `CompiledFunction`: call it like f. Its ``scan`` runs many steps in one call.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> @sg.compile
        ... def f(x):
        ...     return (x * x).sum(1)
        >>> f(np.ones((2, 3), np.float32))
        array([3., 3.], dtype=float32)

        A training step of one's own:

        >>> net, adam = sg.nn.Linear(3, 1, seed=0), sg.Adam(0.1)
        >>> @sg.compile
        ... def step(x, y, state):
        ...     loss = sg.nn.squared_loss(net(x), y)
        ...     return loss, sg.update(net, sg.grad(loss, net), adam, state, loss)
        >>> x, y, state = np.ones((4, 3), np.float32), np.zeros((4, 1), np.float32), adam.init(net)
        >>> for _ in range(100):
        ...     loss, state = step(x, y, state)
        >>> bool(loss < 1e-3)
        True
    """
    return CompiledFunction(f)


class _Moment:
    """What the function depended on when it was called last, and its programs for that."""

    __slots__ = ("is_current", "live", "variants")

    def __init__(self, live: Live, variants: dict[Any, Any]) -> None:
        self.live, self.variants, self.is_current = live, variants, live.is_current


Signature = tuple[tuple[int, ...], np.dtype]


class _Given(NamedTuple):
    """A call: its arguments by place and by name, their data as arrays, and all else that its program depends on."""

    args: tuple[tuple[Any, ...], dict[str, Any]]
    arrays: list[np.ndarray]
    form: Any
    constants: Live
    moment: _Moment

    def key(self, signatures: Sequence[Signature], *more: Any) -> Any:
        """Of its program, for data of these shapes and dtypes, among those of the moment."""
        return self.form, self.constants.key, *signatures, *more


class CompiledFunction:
    """A function that runs as native code; made by `compile`.

    Attributes:
        function: what was compiled.
    """

    def __init__(self, f: Callable[..., Tree]) -> None:
        self.function = f
        self._own: Own = {}
        self._names: frozenset[str] = frozenset()
        self._tables: dict[Any, dict[Any, Any]] = {}
        self._moment: _Moment | None = None
        self._last: Any = None
        if hasattr(f, "__name__"):
            functools.update_wrapper(self, f)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """The function's results as arrays, for arrays, tensors, numbers, or trees of them.

        Inside of another function that is being traced, it becomes a part of that one.
        """
        if tracing.is_tracing():
            return self.function(*args, **options)
        moment, key = self._moment, ()
        if moment is None or options:
            return self._general(args, options)
        for x in args:  # arrays alone are the common case, and the one in which each 0.1 us of Python counts
            if type(x) is not np.ndarray:
                return self._general(args, options)
            key += x.shape, x.dtype.num
        variant = moment.variants.get(key)
        if variant is None or not moment.is_current():
            return self._general(args, options)
        return variant.call(args)

    def _general(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """A call with arguments of any kind, or of a new form, or after something has changed."""
        given = self._given(args, options)
        signatures = [(a.shape, a.dtype) for a in given.arrays]
        variant = given.moment.variants.get(given.key(signatures))
        if variant is None:
            variant, given = self._compiled(given, signatures)
            self._last = given.moment.variants[given.key(signatures)] = variant
        if not options and all(type(x) is np.ndarray for x in args):
            quick = _quickly(variant, args, given.arrays)
            if quick is not None:
                given.moment.variants[tuple(k for x in args for k in (x.shape, x.dtype.num))] = quick
        return variant.call(given.arrays)

    def _compiled(self, given: _Given, signatures: Sequence[Signature]) -> tuple[Any, _Given]:
        """A program for these arguments, and the call as it is afterwards."""
        trace, given = self._traced(given, signatures)
        return _variant(trace), given

    def scan(self, carry: Tree, *xs: Tree) -> tuple[Tree, Tree]:
        """Many steps in one call: ``carry, y = f(carry, *x)`` for each x along the first axis of ``xs``.

        Parameters that the function assigns go from step to step as well.

        Args:
            carry: arrays or a tree of them, passed on from step to step; None if there is nothing to carry.
            xs: arrays, or trees of them, with an axis of steps first.

        Returns:
            The last carry, and the results of all steps, stacked along a new first axis.

        Raises:
            ShapeError: if the lengths of ``xs`` differ, or the function returns a carry of another form.

        Example:
            >>> import numpy as np, subgrad as sg
            >>> running = sg.compile(lambda total, x: (total + x, total * 2))
            >>> total, doubled = running.scan(np.float32(0), np.arange(4, dtype=np.float32))
            >>> total.item(), doubled.tolist()
            (6.0, [0.0, 0.0, 2.0, 6.0])
        """
        given, carried = self._given((carry, *xs), {}), len(data_of((carry,)))
        state, rows = given.arrays[:carried], given.arrays[carried:]
        if not all(r.ndim for r in rows):
            raise ShapeError("scan goes along the first axis of its arrays, a number has none")
        lengths = {len(r) for r in rows}
        if len(lengths) != 1:
            raise ShapeError(f"scan needs arrays with one number of steps, got {sorted(lengths)}")
        signatures = [*((a.shape, a.dtype) for a in state), *((r.shape[1:], r.dtype) for r in rows)]
        variant = given.moment.variants.get(given.key(signatures, "scan"))
        if variant is None:
            trace, given = self._traced(given, signatures)
            variant = self._last = ScanVariant(trace, runnable, carried)
            given.moment.variants[given.key(signatures, "scan")] = variant
        return variant.run(state, rows, lengths.pop())

    def __repr__(self) -> str:
        return f"compiled {getattr(self.function, '__qualname__', type(self.function).__name__)}"

    def _repr_html_(self) -> str:
        if self._last is None:
            return shown(f"{self!r}: nothing is compiled before the first call")
        trace = self._last.trace
        rows = [[f"argument {i}", str(t.dtype), str(t.shape)] for i, t in enumerate(trace.arguments)]
        rows += [[f"result {i}", str(t.dtype), str(t.shape)] for i, t in enumerate(trace.outputs[: trace.results])]
        about = f"parameters that are read: {len(trace.read)}; that are written: {len(trace.written)}"
        return shown(table_of_some(["", "dtype", "shape"], rows, f"{self!r}, as it was called last"), about)

    def trace(self, *args: Any, **options: Any) -> Trace:
        """The graph of a call with such arguments, of which only shapes and dtypes count if they are data."""
        given = self._given(args, options)
        return self._traced(given, [(a.shape, a.dtype) for a in given.arrays])[0]

    def program(self) -> Any:
        """The program compiled last: its ``source()``, ``memory`` and ``ir`` say what it does."""
        if self._last is None:
            raise ArgumentError("nothing is compiled before the first call")
        return self._last.program

    def __reduce_ex__(self, protocol: Any) -> Any:
        """The function: it is traced and compiled again where it lands.

        A decorated function cannot be pickled by its own name, which now means the compiled one. So it goes by that
        of ``__wrapped__``, or, in the old protocols that know no such names, the compiled one goes by its name.
        """
        f: Any = self.function
        if not isinstance(f, types.FunctionType) or _named(f) is not self:
            return compile, (f,)
        if protocol < 4:
            return f.__qualname__
        copy = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
        functools.update_wrapper(copy, f)
        copy.__kwdefaults__, copy.__qualname__ = f.__kwdefaults__, f"{f.__qualname__}.__wrapped__"
        vars(self)["__wrapped__"] = copy
        return compile, (copy,)

    def _now(self) -> _Moment:
        """What the function depends on at this moment, looked at again if anything may have changed."""
        moment = self._moment
        if moment is None or not moment.is_current() or not self._names <= moment.live.names:
            live = Live([self.function], self._own, self._names)
            self._names |= live.names
            table = self._tables.pop(live.key, {})
            self._tables[live.key] = table  # last, as the one used last
            for old in [*self._tables][:-MOMENTS]:
                self._tables.pop(old, None)
            moment = self._moment = _Moment(live, table)
        return moment

    def _given(self, args: tuple[Any, ...], options: dict[str, Any]) -> _Given:
        data: list[Any] = []
        objects: list[Any] = []
        shape = form((args, options), data, objects)
        constants = Live(objects, self._own, self._names) if objects else NOTHING
        while not constants.names <= self._names:
            self._names |= constants.names
            constants = Live(objects, self._own, self._names)
        moment = self._now()
        floats = _float_dtype(moment.live, constants, data)
        return _Given((args, options), [as_array(x, floats) for x in data], shape, constants, moment)

    @uncollected
    def _traced(self, given: _Given, signatures: Sequence[Signature]) -> tuple[Trace, _Given]:
        """The trace, and the call as it is afterwards: what the function has changed itself does not count."""
        arguments = [placeholder(*s, f"argument {i}") for i, s in enumerate(signatures)]
        seed, reads = placeholder((2,), int64, "seed"), _Reads()
        with tracing.recording(reads) as assigned, random.seeded(seed):
            args, options = replaced(given.args, iter(arguments))
            result = self.function(*args, **options)
        outputs = [*(o.node for o in leaves(result)), *(node for _, node in assigned)]
        needed = {*toposort(outputs)}
        places = {p: n for p, n in reads.places.items() if n in needed}
        places |= {p: reads.read(p) for p, _ in assigned}
        _check_closed(needed, [seed, *arguments, *places.values()])
        trace = Trace(
            seed, arguments, [*places], [*places.values()], outputs, result, len(outputs) - len(assigned),
            [p for p, _ in assigned],
        )  # fmt: skip
        own = {**reads.settings, **given.moment.live.written(), **given.constants.written()}
        if own.keys() - self._own.keys():
            self._own, self._moment = {**self._own, **own}, None
            given = self._given(*given.args)
        return trace, given


class _Reads:
    """The parameters that a trace reads, each with a place for its value, and what it sets in modules."""

    def __init__(self) -> None:
        self.places: dict[Parameter, Tensor] = {}
        self.settings: dict[tuple[int, str], Any] = {}

    def read(self, parameter: Parameter) -> Tensor:
        if parameter not in self.places:
            value = parameter._node
            place = placeholder(value.shape, value.dtype, f"a parameter of shape {value.shape}")
            place._owner = weakref.ref(parameter)
            self.places[parameter] = place
        return self.places[parameter]

    def set_attribute(self, owner: Any, name: str) -> None:
        self.settings[id(owner), name] = owner


class CompiledByRows(CompiledFunction):
    """A compiled function whose arguments have an axis of rows first: calls of many lengths take few programs.

    A call runs in the program of one with more rows if that can be shown to give the same.
    """

    def _compiled(self, given: _Given, signatures: Sequence[Signature]) -> tuple[Any, _Given]:
        lengths = {shape[0] if shape else 0 for shape, _ in signatures}
        if len(lengths) != 1 or lengths == {0}:
            return super()._compiled(given, signatures)
        rows = lengths.pop()
        trace, given = self._traced(given, signatures)
        forms = [(shape[1:], dtype) for shape, dtype in signatures]
        rooms: dict[int, Room] = given.moment.variants.setdefault(given.key(forms, "rooms"), {})
        if rows not in rooms and all(room.takes_fewer for room in rooms.values()):
            size = room_for(rows, [*rooms])
            if size > rows:
                room = rooms.get(size) or Room(self._of(given, forms, size), _variant)
                found = room.fewer(trace, size)
                if found is not None:
                    rooms[size] = room
                    return found, given
        room = rooms.setdefault(rows, Room(trace, _variant))
        return room.exact(), given

    def _of(self, given: _Given, forms: Sequence[Signature], rows: int) -> Trace:
        return self._traced(given, [((rows, *shape), dtype) for shape, dtype in forms])[0]


def _variant(trace: Trace) -> Variant:
    return Variant(trace, runnable, can_compile())


def _named(f: types.FunctionType) -> Any:
    """What the name of ``f`` means where it was defined."""
    try:
        return operator.attrgetter(f.__qualname__)(sys.modules[f.__module__])
    except (AttributeError, KeyError):
        return None


def _check_closed(graph: Iterable[Tensor], inputs: Iterable[Tensor]) -> None:
    own = {*inputs}
    foreign = next((n for n in graph if n.op is INPUT and n not in own), None)
    if foreign is not None:
        raise NotTraceableError(
            f"a result depends on {foreign.attrs['name'] or 'an argument'} of another trace: a tensor made while a "
            "function is traced has no value afterwards; what is needed later must be returned, or be a Parameter"
        )


def _float_dtype(live: Live, constants: Live, data: Sequence[Any]) -> np.dtype:
    """Of floats that come without one: that of the parameters, or else of the tensors, if all have one; the default."""
    tensors = {x.dtype for x in data if isinstance(x, Tensor) and x.dtype.kind == "f"}
    found = live.parameter_floats | constants.parameter_floats
    found = found or live.tensor_floats | constants.tensor_floats | tensors
    return next(iter(found)) if len(found) == 1 else default_dtype()


class _Casting:
    """A variant for arrays of other float dtypes than its own."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant

    def call(self, arrays: Sequence[np.ndarray]) -> Any:
        with np.errstate(over="ignore"):
            return self._variant.call(arrays)


def _quickly(variant: Variant, given: Sequence[np.ndarray], arrays: Sequence[np.ndarray]) -> Variant | _Casting | None:
    """What a later call with arrays of these shapes and dtypes can go to at once; None if it has to convert them anew.

    ``arrays`` is what was made of ``given`` for the variant: the same arrays, or floats of another dtype.
    """
    if all(g.dtype == a.dtype for g, a in zip(given, arrays, strict=True)):
        return variant
    floats = all(g.dtype == a.dtype or g.dtype.kind == "f" for g, a in zip(given, arrays, strict=True))
    return _Casting(variant) if floats else None


PARTS[CompiledFunction] = ("function",)  # one compiled function may call another

__all__ = ["CompiledByRows", "CompiledFunction", "compile"]
