"""``compile``: any function of tensors as a native program, parameters and random numbers included."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad.compile.interpret import Interpreter
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph import tracing
from subgrad.graph.dtype import KNOWN, dtype_of_data, int64
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Parameter, Tensor, as_tensor, constant, placeholder, to_array
from subgrad.graph.tree import Tree, leaves, rebuild
from subgrad.ops import random

SMALL = 4096  # bytes of an array that is copied rather than moved: a copy of 4 KB takes as long as an address, 0.2 us


def compile(f: Callable[..., Tree]) -> CompiledFunction:
    """A function of tensors (or a module) as native code: called with arrays, it returns arrays.

    The function is traced once for each combination of shapes and dtypes, and compiled; later calls run the program.
    In it an ``if`` can ask for a shape, not for a value. Parameters are read when the program runs; those that the
    function assigns, as `subgrad.update` does, have their new values after the call. Dropout draws anew in each call.
    Without llvmlite, or with an op the compiler does not know, the graph is interpreted, and a warning says so once.

    Args:
        f: takes tensors (also in lists, tuples, dicts; anything else is a constant of the trace) and returns such.

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


class _Trace(NamedTuple):
    """A traced call: the program's inputs and outputs, and what they belong to."""

    arguments: list[Tensor]
    read: list[Parameter]
    inputs: list[Tensor]
    outputs: list[Tensor]
    result: Tree
    results: int
    written: list[Parameter]


class CompiledFunction:
    """A function that runs as native code; made by `compile`."""

    def __init__(self, f: Callable[..., Tree]) -> None:
        self._f = f
        self._variants: dict[Any, _Variant] = {}
        self._scans: dict[Any, _Scan] = {}
        self._last: Any = None
        if hasattr(f, "__name__"):
            functools.update_wrapper(self, f)

    def __call__(self, *args: Any) -> Any:
        """The function's results as arrays, for arrays, tensors, numbers, or trees of them.

        Inside of another function that is being traced, it becomes a part of that one.
        """
        if tracing.is_tracing():
            return self._f(*args)
        key: Any = ()
        for x in args:  # arrays alone are the common case, and the one in which each 0.1 us of Python counts
            if type(x) is not np.ndarray:
                return self._general(args)
            key += x.shape, x.dtype.num
        variant = self._variants.get(key)
        return self._general(args) if variant is None else variant.call(args)

    def _general(self, args: Sequence[Any]) -> Any:
        """A call with arguments of any kind, or of a new form."""
        arrays = [_array(x) for x in _flat(args)]
        if all(type(x) is np.ndarray for x in args):
            key = tuple(k for x in args for k in (x.shape, x.dtype.num))
        else:
            key = (*((a.shape, a.dtype.num) for a in arrays), _form(args))
        if key not in self._variants:
            self._variants[key] = self._last = _Variant(self._traced(args))
        return self._variants[key].call(arrays)

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
        rows = [_array(x) for x in _flat(xs)]
        lengths = {len(r) for r in rows}
        if len(lengths) != 1:
            raise ShapeError(f"scan needs arrays with one number of steps, got {sorted(lengths)}")
        state = [_array(x) for x in _flat([carry])]
        shapes = *((a.shape, a.dtype) for a in state), *((r.shape[1:], r.dtype) for r in rows)
        key = (*shapes, _form((carry, *xs)))
        variant = self._scans.get(key)
        if variant is None:
            first = [rebuild(_numbers_as_tensors(x), [r[0] for r in r_]) for x, r_ in _grouped(xs, rows)]
            variant = self._scans[key] = self._last = _Scan(self._traced((carry, *first)), len(state))
        return variant.run(state, rows, lengths.pop())

    def program(self) -> Any:
        """The program compiled last: its ``source()``, ``memory`` and ``ir`` say what it does."""
        if self._last is None:
            raise ArgumentError("nothing is compiled before the first call")
        return self._last.program

    def _traced(self, args: Sequence[Any]) -> _Trace:
        arrays = [_array(x) for x in _flat(args)]
        arguments = [placeholder(a.shape, a.dtype, f"argument {i}") for i, a in enumerate(arrays)]
        seed = placeholder((2,), int64, "seed")
        pending = iter(arguments)
        with tracing.recording() as assigned, random.seeded(seed):
            result = self._f(*[_with_placeholders(a, pending) for a in args])
        outputs = [o.node for o in leaves(result)]
        new = [node for _, node in assigned]
        owners = (n.owner for n in toposort([*outputs, *new]))
        read = list({id(o): o for o in owners if isinstance(o, Parameter)}.values())
        read += [p for p, _ in assigned if not any(p is r for r in read)]
        held = [p.node for p in read]
        return _Trace(
            arguments, read, [seed, *arguments, *held], [*outputs, *new], result, len(outputs), [p for p, _ in assigned]
        )  # fmt: skip


class _Variant:
    """A program for one combination of shapes.

    Small arguments and results are copied to and from places that never move: to ask NumPy for an address costs more
    than to copy a sample.
    """

    def __init__(self, trace: _Trace) -> None:
        self.trace = trace
        self._early = _Early(trace)
        self.program = _program([*trace.inputs, *self._early.places], self._early.outputs)
        self._lock = threading.Lock()
        self._draws = trace.inputs[0] in set(toposort(trace.outputs))
        self._seed = np.zeros(2, np.int64)
        self._arguments = [np.empty(a.shape, a.dtype) for a in trace.arguments]
        self._outputs = [np.empty(o.shape, o.dtype) for o in trace.outputs]
        self._small = [a.nbytes <= SMALL for a in self._arguments]
        self._seen, self._nodes = 0, [p.node for p in trace.read]
        self._held = [np.ascontiguousarray(n.numpy()) for n in self._nodes]
        self._early.bind(self._held)
        given = [self._seed, *self._arguments, *self._held, *self._early.results]
        self._bound = self.program.bind(given, self._outputs)
        plain = all(self._small) and isinstance(trace.result, Tensor) and not (trace.written or self._draws)
        self.call = self._quick() if plain and self._outputs[0].nbytes <= SMALL else self._call

    def _quick(self) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
        """`_call` where there is nothing to do but copying small arrays; an attribute or a frame less is 50 ns less."""
        lock, places, output = self._lock, self._arguments, self._outputs[0]
        once, refresh = self._bound.once, self._refresh

        def call(arrays: Sequence[np.ndarray]) -> np.ndarray:
            with lock:
                for place, array in zip(places, arrays, strict=False):
                    place[...] = array
                if self._seen != Parameter.changes:
                    refresh()
                once()
                return output.copy()

        return call

    def _call(self, arrays: Sequence[np.ndarray]) -> Any:
        """The results for arrays of the right form."""
        trace, kept = self.trace, []
        with self._lock:
            for i, array in enumerate(arrays):
                if self._small[i]:
                    self._arguments[i][...] = array
                else:
                    kept.append(np.ascontiguousarray(array, self._arguments[i].dtype))
                    self._bound.move(1 + i, kept[-1])
            if self._seen != Parameter.changes:
                self._refresh()
            if self._draws:
                self._seed[:] = random.next_seed()
            self._bound.once()
            found = [self._taken(k, o) for k, o in enumerate(self._outputs)]
        if trace.written:
            for p, value in zip(trace.written, found[trace.results :], strict=True):
                p._bind(constant(value))
        return found[0] if isinstance(trace.result, Tensor) else rebuild(trace.result, found[: trace.results])

    def _taken(self, k: int, output: np.ndarray) -> np.ndarray:
        """Result k to keep: a copy; or if it is large the array itself, and the next one goes elsewhere."""
        if output.nbytes <= SMALL:
            return output.copy()
        self._outputs[k] = np.empty(output.shape, output.dtype)
        self._bound.move_result(k, self._outputs[k])
        return output

    def _refresh(self) -> None:
        """Some parameter, perhaps one of ours, has a new value since the last call."""
        self._seen = Parameter.changes
        for i, p in enumerate(self.trace.read):
            if p.node is not self._nodes[i]:
                self._nodes[i] = p.node
                self._held[i] = np.ascontiguousarray(p.numpy())
                self._bound.move(1 + len(self._arguments) + i, self._held[i])
                self._early.move(i, self._held[i])
        self._early.run()


class _Early:
    """The part of a trace that depends on parameters alone, if there is any: a program of its own."""

    def __init__(self, trace: _Trace) -> None:
        held = trace.inputs[len(trace.inputs) - len(trace.read) :]
        kept = [n for n, p in zip(held, trace.read, strict=True) if not any(p is w for w in trace.written)]
        self._program, self.places, self.outputs = None, [], trace.outputs
        self.results: list[np.ndarray] = []
        if not kept or not _is_native(trace.outputs):
            return
        from subgrad.compile.prepare import prepare

        found = prepare(trace.outputs, kept)
        if found.made:
            self._program, self.places, self.outputs = _program(held, found.made), found.places, found.outputs

    def bind(self, held: Sequence[np.ndarray]) -> None:
        """Compute it for these values of the parameters; ``results`` are where it will always be."""
        self.results = [np.empty(p.shape, p.dtype) for p in self.places]
        self._bound = self._program.bind(held, self.results) if self._program else None
        self.run()

    def move(self, i: int, array: np.ndarray) -> None:
        """Parameter i has another value, in another array."""
        if self._bound:
            self._bound.move(i, array)

    def run(self) -> None:
        """Compute it again."""
        if self._bound:
            self._bound.once()


class _Scan:
    """As `_Variant`, with the carry and the assigned parameters as variables of the program."""

    def __init__(self, trace: _Trace, carried: int) -> None:
        self.trace, self.carried = trace, carried
        self._lock = threading.Lock()
        rows = len(trace.arguments) - carried
        self._check(trace, carried)
        variables = {i: 1 + i for i in range(carried)}
        for k, p in enumerate(trace.written):
            at = next(i for i, r in enumerate(trace.read) if r is p)
            variables[trace.results + k] = 1 + len(trace.arguments) + at
        self.program = _program(
            trace.inputs, trace.outputs, variables=variables, stepped=[0, *range(1 + carried, 1 + carried + rows)],
            measured=range(carried, trace.results),
        )  # fmt: skip

    @staticmethod
    def _check(trace: _Trace, carried: int) -> None:
        outputs = [(o.shape, o.dtype) for o in trace.outputs[:carried]]
        inputs = [(a.shape, a.dtype) for a in trace.arguments[:carried]]
        if not isinstance(trace.result, tuple) or len(trace.result) != 2 or outputs != inputs:
            raise ShapeError(f"a function to scan returns (carry, results), the carry like {inputs}, got {outputs}")

    def run(self, state: Sequence[np.ndarray], rows: Sequence[np.ndarray], steps: int) -> tuple[Tree, Tree]:
        trace = self.trace
        seed, first = random.next_seed()
        numbers = np.arange(steps)
        seeds = np.stack([np.full_like(numbers, seed), numbers + (first << 32)], axis=1)
        held = [np.array(p.numpy()) for p in trace.read]
        with self._lock:
            found = self.program([seeds, *(np.array(s) for s in state), *rows, *held], steps)
        for p, value in zip(trace.written, found[trace.results :], strict=True):
            p._bind(constant(value))
        return rebuild(trace.result, found[: trace.results])


def _program(inputs: Sequence[Tensor], outputs: Sequence[Tensor], **options: Any) -> Any:
    """A native program, or the interpreter where that cannot be."""
    if not _is_native(outputs):
        return _Stepped(Interpreter(inputs, outputs), **options)
    from subgrad.compile.program import Program

    return Program(inputs, outputs, **options)


def _is_native(outputs: Sequence[Tensor]) -> bool:
    """Whether there can be a native program; if not, a warning says why, once."""
    try:
        import llvmlite  # noqa: F401
    except ImportError:
        _say_once("llvmlite is not installed: compiled functions are interpreted")
        return False
    from subgrad.compile.fuse import unsupported
    from subgrad.compile.simplify import simplify

    op = unsupported(simplify(outputs))
    if op is not None:
        _say_once(f"the compiler does not know the op {op!r}: functions with it are interpreted")
    return op is None


class _Stepped:
    """The interpreter with a program's way of taking many steps."""

    def __init__(self, interpreter: Interpreter, variables: Any = None, stepped: Any = (), measured: Any = ()) -> None:
        self.interpreter, self.variables = interpreter, dict(variables or {})
        self.stepped, self.measured = set(stepped), list(measured)

    def bind(self, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> _BoundInterpreter:
        return _BoundInterpreter(self.interpreter, list(arrays), results)

    def __call__(self, arrays: Sequence[np.ndarray], steps: int = 1) -> list[np.ndarray]:
        if not (self.stepped or self.variables):
            return self.interpreter(arrays)
        now, rows, found = list(arrays), [], []
        for s in range(steps):
            found = self.interpreter([a[s] if i in self.stepped else a for i, a in enumerate(now)])
            rows.append([found[k] for k in self.measured])
            for k, i in self.variables.items():
                now[i] = found[k]
        stacked = dict(zip(self.measured, map(np.stack, zip(*rows, strict=True)), strict=True)) if self.measured else {}
        return [stacked.get(k, value) for k, value in enumerate(found)]


class _BoundInterpreter:
    """The interpreter with `subgrad.compile.program.Bound`'s way of running."""

    def __init__(self, interpreter: Interpreter, arrays: list[np.ndarray], results: Sequence[np.ndarray]) -> None:
        self._interpreter, self._arrays, self._results = interpreter, arrays, list(results)

    def move(self, i: int, array: np.ndarray) -> None:
        self._arrays[i] = array

    def move_result(self, k: int, array: np.ndarray) -> None:
        self._results[k] = array

    def once(self) -> None:
        for place, value in zip(self._results, self._interpreter(self._arrays), strict=True):
            place[...] = value


@functools.cache
def _say_once(message: str) -> None:
    warnings.warn(message, stacklevel=2)


# Arguments


def _array(x: Any) -> np.ndarray:
    """An argument as an array of a tensor's dtype: not copied if it is one already."""
    if isinstance(x, (np.ndarray, np.generic)):
        array = np.asarray(x)
    elif isinstance(x, Tensor):
        return x.numpy()
    elif hasattr(x, "__dlpack__"):
        array = np.from_dlpack(x)
    else:
        return to_array(x)
    native = array.dtype.newbyteorder("=")
    return np.ascontiguousarray(array, native if native in KNOWN else dtype_of_data(native)).reshape(array.shape)


def _is_data(x: Any) -> bool:
    if isinstance(x, (bool, str, bytes)) or x is None or callable(x):
        return False
    return isinstance(x, (Tensor, np.ndarray, np.generic, int, float)) or hasattr(x, "__dlpack__")


def _flat(args: Any) -> list[Any]:
    """The data among arguments, in order, out of lists, tuples and dicts."""
    if _is_data(args):
        return [args]
    parts = args.values() if isinstance(args, dict) else args if isinstance(args, (list, tuple)) else ()
    return [x for part in parts for x in _flat(part)]


def _form(args: Any) -> Any:
    """What else decides about a trace: how the data are nested, and what is no data."""
    if _is_data(args):
        return Tensor
    if isinstance(args, dict):
        return dict, tuple((k, _form(v)) for k, v in args.items())
    if isinstance(args, (list, tuple)):
        return type(args), tuple(map(_form, args))
    return type(args), args if args.__hash__ else id(args)


def _with_placeholders(args: Any, pending: Any) -> Any:
    if _is_data(args):
        return next(pending)
    if isinstance(args, dict):
        return {k: _with_placeholders(v, pending) for k, v in args.items()}
    if isinstance(args, (list, tuple)):
        return type(args)(_with_placeholders(v, pending) for v in args)
    return args


def _numbers_as_tensors(tree: Any) -> Any:
    if _is_data(tree):
        return as_tensor(_array(tree))
    if isinstance(tree, dict):
        return {k: _numbers_as_tensors(v) for k, v in tree.items()}
    return type(tree)(_numbers_as_tensors(v) for v in tree)


def _grouped(xs: Sequence[Any], rows: Sequence[np.ndarray]):
    at = 0
    for x in xs:
        n = len(_flat(x))
        yield x, rows[at : at + n]
        at += n


__all__ = ["CompiledFunction", "compile"]
