"""A network's routine in integers of 8 bits, calibrated on data, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from subgrad import ops
from subgrad.compile.passes.simplify import expand, rewrite
from subgrad.compile.runtime.fallback import runnable
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.unit import Interface
from subgrad.errors import ArgumentError, ShapeError
from subgrad.export.integer.fixed_point import Answer, Sums, as_wide, grid_of, nearest, on_grid
from subgrad.export.integer.integer_network import IntegerNetwork
from subgrad.export.integer.integer_rules import At, Number, gridded, number
from subgrad.export.routine import Argument, Array, Fixed, Routine, Routines
from subgrad.graph.dtype import float64
from subgrad.graph.order import dependents, toposort
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import Tensor, placeholder


class Quantized(NamedTuple):
    """What integers of 8 bits have cost, on the rows of the calibration.

    Attributes:
        rows: how many there were.
        before, after: the share of right answers in floats and in integers, or for targets that are no classes the root
            of the mean squared error; None without targets.
        agreement: the share of rows with the same answer, the largest score or the sign.
        largest: of all scores, the largest difference.
        proven: a bound on that difference for all inputs between the ends of the codes, proven by interval arithmetic,
            or by `subgrad.certify` where that is closer, which `subgrad.export` asks for networks of up to 8 inputs;
            None where nothing finite was proven.
        proven_inside: such a bound for the inputs with which no number of the network leaves the range that it had in
            the calibration, so that nothing is cut off: those of the calibration, and others like them.
        network: the network in integers as a function of numbers, for `subgrad.certify`: it proves closer bounds, on
            boxes of your choice.
    """

    rows: int
    before: float | None
    after: float | None
    agreement: float
    largest: float
    proven: float | None
    proven_inside: float | None
    network: IntegerNetwork

    def at_most(self, bound: float | None) -> Quantized:
        """With another proven bound, if there is one and it is closer."""
        closer = bound is not None and (self.proven is None or bound < self.proven)
        return self._replace(proven=bound) if closer else self

    def __str__(self) -> str:
        scores = "" if self.before is None else f"{self.before:.4g} before, {self.after:.4g} after; "
        proof = "not proven"
        if self.proven is not None:
            proof = f"proven to be at most {self.proven:.3g} for all inputs between the ends of their codes"
        if self.proven_inside is not None:
            proof += f", {self.proven_inside:.3g} while no number leaves its range of the calibration"
        return (
            f"{self.rows} rows: {scores}{self.agreement:.2%} of the answers are the same, "
            f"the largest difference is {self.largest:.3g} ({proof})"
        )


def quantized(routines: Routines, calibration: Any) -> tuple[Routines, Quantized]:
    """The one routine of ``routines`` in integers, with ranges from the calibration: an array of rows, or rows and
    targets.

    Raises:
        ArgumentError: for several functions, for state, for inputs that are no floats, for an op that has no rule, and
            for numbers that are too far apart.
    """
    if len(routines.each) != 1 or routines.state.size or len(routines.each[0].arguments) != 1:
        raise ArgumentError("quantize='int8' is for a network of one input, without a training step")
    (routine,) = routines.each
    if routine.draws or routine.arguments[0].dtype.kind != "f":
        raise ArgumentError("quantize='int8' is for a network that takes floats and draws nothing")
    rows, targets = _data(calibration, routine.arguments[0])
    walk = _Walk(routine, rows)
    walk.run(inside=True)
    inside = walk.error
    made = walk.run()
    return replace(routines, each=[made]), _compared(made, rows, targets, walk, inside)


def behind(routines: Routines, prepare: Callable[[Tensor], Tensor], example: Tensor) -> Routines:
    """The one routine, in integers, behind what makes its input, in floats, of another that is like the example."""
    (routine,) = routines.each
    (codes,), (argument,) = routine.interface.inputs, routine.arguments
    rows = placeholder(example.shape, example.dtype, "rows")
    x, grid = prepare(rows), argument.grid
    assert grid is not None
    made = ops.clip(ops.floor(x / grid.scale + (grid.zero + 0.5)), 0, 255).astype("uint8")
    interface = routine.interface._replace(inputs=[rows], outputs=substitute(routine.interface.outputs, {codes: made}))
    new = replace(routine, interface=interface, arguments=[Array("rows", rows.shape, rows.dtype)])
    return replace(routines, each=[new])


def _data(calibration: Any, argument: Array) -> tuple[np.ndarray, np.ndarray | None]:
    """The calibration as batches of the example's shape, and the targets."""
    x, y = calibration if isinstance(calibration, (tuple, list)) and len(calibration) == 2 else (calibration, None)
    if x is None:
        raise ArgumentError("quantize='int8' needs data for the ranges of its numbers: calibration=X or (X, y)")
    x = np.asarray(x)
    if not argument.shape or not argument.size:
        raise ArgumentError(f"quantize='int8' is for networks that take rows, got an example of {argument.shape}")
    batch, *shape = argument.shape
    with np.errstate(over="ignore"):
        rows = x.astype(argument.dtype) if x.dtype.kind in "fiub" else None
    strange = 0 if rows is None else int(rows.size - np.isfinite(rows).sum())
    if rows is None or x.shape[1:] != tuple(shape) or len(x) < batch or strange:
        form = ", ".join(["n", *map(str, shape)])
        found = f", {strange} of them not finite" if strange else ""
        raise ShapeError(f"calibration: expected finite numbers of shape ({form}), got {x.dtype}{x.shape}{found}")
    count = len(x) // batch
    y = None if y is None else np.asarray(y)
    if y is not None and y.dtype.kind not in "fiub":
        raise ArgumentError(f"calibration: expected targets that are numbers, or numbers of classes, got {y.dtype}")
    if y is not None and y.shape[:1] != x.shape[:1]:
        raise ShapeError(f"calibration: {len(x)} rows and targets of shape {y.shape}")
    return rows[: count * batch].reshape(count, batch, *shape), y


class _Walk:
    """The graph of a routine, and what its nodes become.

    Attributes:
        scores: the results of the first output, for each batch.
        error: how far a result in integers can be from that in floats, in the last run.
        network: the first result of the last run, as a function of numbers.
    """

    def __init__(self, routine: Routine, batches: np.ndarray) -> None:
        interface, sources = routine.interface, routine.sources
        self.routine, self.outputs = routine, rewrite(interface.outputs, expand)
        self.fixed = {n: s.value for n, s in zip(interface.inputs, sources, strict=True) if isinstance(s, Fixed)}
        self.input = next(n for n, s in zip(interface.inputs, sources, strict=True) if isinstance(s, Argument))
        self.order = toposort(self.outputs)
        self.moving = dependents(self.order, [self.input])
        self.readers: dict[Tensor, list[Tensor]] = {n: [] for n in self.order}
        for node in self.order:
            for i in node.inputs:
                self.readers[i].append(node)
        self.ranges, self.scores = self._calibrated(batches)
        if not np.isfinite(self.scores).all():
            raise ArgumentError("int8: expected finite results for the calibration, got some that are not")
        self.made: dict[Tensor, Number] = {}
        self.error = 0.0
        self.network: IntegerNetwork | None = None

    def _calibrated(self, batches: np.ndarray) -> tuple[dict[Tensor, tuple[float, float]], np.ndarray]:
        """The ends of all floats that depend on the input, and the scores."""
        floats = [n for n in self.order if n in self.moving and n.dtype.kind == "f" and n.size]
        ends = [f(n) for n in floats for f in (ops.min, ops.max)]
        found = _run([self.input, *self.fixed], [*ends, self.outputs[0]], [batches, *self.fixed.values()])
        lows, highs = (map(float, map(f, found[k:-1:2])) for k, f in enumerate((np.min, np.max)))
        return dict(zip(floats, zip(lows, highs, strict=True), strict=True)), found[-1]

    def run(self, inside: bool = False) -> Routine:
        """The routine in integers, and errors that hold for all inputs, or with which all numbers stay ``inside``."""
        constants = self._constants()
        codes = placeholder(self.input.shape, "uint8", self.input.attrs.get("name", "x"))
        rows = placeholder(self.input.shape, float64, "rows")
        grid = grid_of(*self.ranges[self.input])
        for node in self.order:
            if node is self.input:
                self.made[node] = on_grid(codes, nearest(rows, grid), grid, grid.scale / 2)
            elif node not in self.moving:
                self.made[node] = constants[node]
            else:
                self.made[node] = self._number(node, inside)
        found = [self._result(o) for o in self.outputs]
        self.error = max((f.error for f in found), default=0.0)
        self.network = IntegerNetwork(rows, found[0].number, grid)
        argument = self.routine.arguments[0]._replace(dtype=np.dtype(np.uint8), grid=grid)
        results = [
            a._replace(dtype=f.node.dtype, grid=f.grid)
            for a, f in zip(self.routine.results, found, strict=True)
        ]  # fmt: skip
        interface = Interface(
            [codes], [f.node for f in found], {}, frozenset({0}), self.routine.interface.measured
        )
        return replace(
            self.routine, interface=interface, sources=[Argument(0)], arguments=[argument], results=results
        )

    def _number(self, node: Tensor, inside: bool) -> Number:
        """What a node becomes. Sums that several nodes read are codes: these then take the same ones."""
        at = At(node, [self.made[i] for i in node.inputs], self.ranges, inside, self.readers.__getitem__)
        found = number(at)
        if isinstance(found, Sums) and len(self.readers[node]) > 1:
            return at.requantized(found, at.grid())
        return found

    def _constants(self) -> dict[Tensor, np.ndarray]:
        """The values of what does not depend on the input, floats as float64."""
        nodes = [n for n in self.order if n not in self.moving]
        values = Interpreter([*self.fixed], nodes)([*self.fixed.values()])
        return {n: v.astype(np.float64) if v.dtype.kind == "f" else v for n, v in zip(nodes, values, strict=True)}

    def _result(self, node: Tensor) -> Answer:
        """An output in integers: wide sums, or codes."""
        found = self.made[node]
        if isinstance(found, np.ndarray):
            raise ArgumentError("quantize='int8': a result does not depend on the input")
        if isinstance(found, Sums):
            return as_wide(found)
        on = gridded(found, grid_of(*self.ranges[node]))
        assert on.grid is not None
        return Answer(on.node, on.grid, on.error, on.number)


def _run(inputs: Sequence[Tensor], outputs: Sequence[Tensor], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs for each element of the first array."""
    program = runnable(inputs, outputs, stepped=(0,), measured=range(len(outputs)))
    return program(arrays, len(arrays[0]))


def _compared(
    made: Routine, batches: np.ndarray, targets: np.ndarray | None, walk: _Walk, inside: float
) -> Quantized:
    given, result = made.arguments[0].grid, made.results[0].grid
    assert given is not None
    assert result is not None
    assert walk.network is not None
    wide = _run(made.interface.inputs, made.interface.outputs[:1], [given.codes(batches)])[0]
    if walk.scores.shape[1:2] != batches.shape[1:2]:
        raise ArgumentError(f"quantize='int8' is for networks that answer each row, got {walk.scores.shape[1:]}")
    rows = batches.shape[0] * batches.shape[1]
    before, after = walk.scores.reshape(rows, -1), result.numbers(wide).reshape(rows, -1)
    scored = [None if targets is None else _score(b, targets[:rows]) for b in (before, after)]
    return Quantized(
        rows, scored[0], scored[1], float(np.mean(_answers(before) == _answers(after))),
        float(np.abs(before - after).max(initial=0.0)), _finite(walk.error), _finite(inside), walk.network,
    )  # fmt: skip


def _finite(bound: float) -> float | None:
    return bound if np.isfinite(bound) else None


def _answers(scores: np.ndarray) -> np.ndarray:
    return scores.argmax(axis=1) if scores.shape[1] > 1 else scores[:, 0] > 0


def _score(scores: np.ndarray, targets: np.ndarray) -> float:
    """The share of right classes, or for targets that are none the root of the mean squared error."""
    numbers = targets.dtype.kind == "f" or (targets.ndim > 1 and targets.shape[1] > 1)
    if targets.size != (scores.size if numbers else len(scores)):
        raise ShapeError(f"calibration: targets of shape {targets.shape} do not fit scores of shape {scores.shape}")
    if numbers:
        return float(np.sqrt(np.mean((scores - targets.reshape(scores.shape)) ** 2)))
    right = targets.reshape(-1) if scores.shape[1] > 1 else targets.reshape(-1) > 0
    return float(np.mean(_answers(scores) == right))


__all__ = ["Quantized", "behind", "quantized"]
