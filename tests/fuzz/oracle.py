"""What a program should give, and how far rounding may lead away from that.

The interpreter says what. It runs again with a small random error in each float that an op rounds, with loops written
out and compound ops as what they are made of; how far the results move is how far native code, which rounds otherwise,
may be away. Values on a coarse grid that no op has rounded get no error, so that ties stay ties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from subgrad.compile.passes.simplify import expand, rewrite
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.graph.evaluate import reference
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, Tensor
from subgrad.recur.unroll import unrolled

ROUNDING = 8  # units in the last place of the error of each op
MARGIN = 30  # how much further than the interpreter with errors native code may be away
GRID = 2.0**-10

EXACT = frozenset(
    """
    abs add arange argmax argmin broadcast_to cast clip concatenate contract convolve convolve_input convolve_weight
    cumsum custom equal fold full gather isfinite isnan less less_equal logical_and logical_not logical_or loop max
    maximum min minimum mul neg not_equal one_hot pad part place relu reshape scale scatter_add sign slice slide square
    in_range stop_gradient sub sum transpose uniform where windows
    """.split()  # noqa: SIM905
)
"""Ops that do not round numbers of a few digits."""

SUMS = frozenset({"sum", "contract", "cumsum", "scatter_add"})
"""Ops whose errors are as large as their terms."""


class Expected(NamedTuple):
    """A result of the interpreter, and how far another may be away; None if it hangs on rounding altogether."""

    value: np.ndarray
    tolerance: float | None


class Oracle:
    """The interpreter of a graph, without and with errors."""

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self.inputs = list(inputs)
        self._clean = Interpreter(inputs, outputs)
        self._outputs = rewrite(unrolled(outputs), expand)
        known = set(inputs)
        self._order = [n for n in toposort(self._outputs) if n not in known]

    def noisy(
        self, arrays: Sequence[np.ndarray], rng: np.random.Generator, choices: Mapping[Tensor, np.ndarray] | None = None
    ) -> list[np.ndarray]:
        """The outputs, where each rounded float is off by a few units in the last place.

        Nodes of ``choices`` have these values: a tie that an error would break stays one.
        """
        values: dict[Tensor, np.ndarray] = {}
        exact: dict[Tensor, bool] = {}
        for node, array in zip(self.inputs, arrays, strict=True):
            exact[node] = _on_grid(array)
            values[node] = array if exact[node] else _off(array, array, rng)
        for node in self._order:
            given = [values[i] for i in node.inputs]
            value = node.numpy() if node.op is CONST else reference(node, given)
            value = value if choices is None else choices.get(node, value)
            known = node.op is CONST or node.op.name in EXACT
            exact[node] = known and all(exact[i] for i in node.inputs) and _on_grid(value)
            if not exact[node] and value.dtype.kind == "f":
                size = reference(node, _magnitudes(given)) if node.op.name in SUMS else value
                value = _off(value, size, rng)
            values[node] = value
        return [values[o] for o in self._outputs]

    def expected(
        self, arrays: Sequence[np.ndarray], variables: Mapping[int, int], steps: int, seed: int
    ) -> list[Expected]:
        """The outputs after so many steps: new values of variables, all others of the last step."""
        clean = self._steps(arrays, variables, steps, None)
        runs = [(np.random.default_rng((seed, k)), k == 2) for k in range(3)]
        noisy = [self._steps(arrays, variables, steps, *run) for run in runs]
        return [Expected(c, _tolerance(c, found)) for c, *found in zip(clean, *noisy, strict=True)]

    def _steps(
        self, arrays: Sequence[np.ndarray], variables: Mapping[int, int], steps: int,
        rng: np.random.Generator | None, chooses_as_clean: bool = False,
    ) -> list[np.ndarray]:  # fmt: skip
        clean, now, found = list(arrays), list(arrays), []
        for _ in range(steps):
            choices = self._choices(clean) if chooses_as_clean else None
            found = self._clean(now) if rng is None else self.noisy(now, rng, choices)
            exact = self._clean(clean) if chooses_as_clean else found
            for k, i in variables.items():
                now[i], clean[i] = found[k], exact[k]
        return found

    def _choices(self, arrays: Sequence[np.ndarray]) -> dict[Tensor, np.ndarray]:
        """What is not a float, without errors: comparisons, and where the largest is."""
        values = dict(zip(self.inputs, arrays, strict=True))
        for node in self._order:
            values[node] = node.numpy() if node.op is CONST else reference(node, [values[i] for i in node.inputs])
        return {node: value for node, value in values.items() if value.dtype.kind != "f"}


def _on_grid(array: np.ndarray) -> bool:
    if array.dtype.kind != "f" or not array.size:
        return True
    return bool(np.isfinite(array).all() and np.abs(array).max() < 2048 and not np.any(array % GRID))


def _magnitudes(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Floats without their signs; integers, which may be indices, as they are."""
    return [np.abs(x) if x.dtype.kind == "f" else x for x in arrays]


def _off(array: np.ndarray, size: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if array.dtype.kind != "f":
        return array
    error = ROUNDING * np.finfo(array.dtype).eps * rng.uniform(-1, 1, array.shape)
    with np.errstate(all="ignore"):
        return np.asarray(array + size * error, array.dtype)


def _tolerance(clean: np.ndarray, noisy: Sequence[np.ndarray]) -> float | None:
    if clean.dtype.kind != "f":
        return 0.0 if all(np.array_equal(clean, n) for n in noisy) else None
    finite = np.isfinite(clean)
    if any(not np.array_equal(finite, np.isfinite(n)) for n in noisy):
        return None
    moved = max((float(np.abs(n - clean)[finite].max(initial=0)) for n in noisy), default=0.0)
    size = float(np.abs(clean)[finite].max(initial=0))
    least = float(np.finfo(clean.dtype).tiny)
    return MARGIN * moved + ROUNDING * float(np.finfo(clean.dtype).eps) * size + least


def difference(found: np.ndarray, expected: Expected) -> str | None:
    """How a native result is wrong, if it is."""
    value, tolerance = expected
    if (found.shape, found.dtype) != (value.shape, value.dtype):
        return f"is {found.dtype}{found.shape}, expected {value.dtype}{value.shape}"
    if tolerance is None:
        return None
    if value.dtype.kind != "f":
        wrong = found.view(np.uint8) != value.view(np.uint8) if value.dtype == bool else found != value
    else:
        with np.errstate(all="ignore"):
            same = (found == value) | (np.isnan(found) & np.isnan(value))
            wrong = ~(same | (np.abs(found - value) <= tolerance))
    if not wrong.any():
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0]) if value.ndim else ()
    return (
        f"at {at} is {found[at]!r}, expected {value[at]!r} within {tolerance:.2g} ({wrong.sum()} of {wrong.size} wrong)"
    )
