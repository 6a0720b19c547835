"""What a program should give, and how far rounding may lead away from that.

The interpreter says what. It runs again with a small random error in each float that an op rounds; how far the results
move is how far native code, which rounds otherwise, may be away. Values on a coarse grid that no op has rounded get no
error, so that ties stay ties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from subgrad.graph.evaluate import reference
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor

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


class Expected(NamedTuple):
    """A result of the interpreter, and how far another may be away; None if it hangs on rounding altogether."""

    value: np.ndarray
    tolerance: float | None


class Oracle:
    """The interpreter of a graph, with errors if asked."""

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self.inputs, self.outputs = list(inputs), list(outputs)
        known = set(inputs)
        self.order = [n for n in toposort(outputs) if n not in known]

    def run(self, arrays: Sequence[np.ndarray], rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """The outputs; with ``rng`` each rounded float is off by a few units in the last place."""
        values: dict[Tensor, np.ndarray] = {}
        exact: dict[Tensor, bool] = {}
        for node, array in zip(self.inputs, arrays, strict=True):
            exact[node] = _on_grid(array)
            values[node] = array if rng is None or exact[node] else _off(array, rng)
        for node in self.order:
            assert node.op is not INPUT
            value = node.numpy() if node.op is CONST else reference(node, [values[i] for i in node.inputs])
            if rng is not None:
                exact[node] = self._is_exact(node, value, exact)
                value = value if exact[node] else _off(value, rng)
            values[node] = value
        return [values[o] for o in self.outputs]

    def _is_exact(self, node: Tensor, value: np.ndarray, exact: Mapping[Tensor, bool]) -> bool:
        inner = toposort(node.attrs["body"].outputs) if node.op.name == "loop" else []
        names = {n.op.name for n in (node, *inner)} - {CONST.name, INPUT.name}
        return names <= EXACT and all(exact[i] for i in node.inputs) and _on_grid(value)

    def expected(
        self, arrays: Sequence[np.ndarray], variables: Mapping[int, int], steps: int, seed: int
    ) -> list[Expected]:
        """The outputs after so many steps: new values of variables, all others of the last step."""
        clean = self._steps(arrays, variables, steps, None)
        noisy = [self._steps(arrays, variables, steps, np.random.default_rng((seed, k))) for k in range(2)]
        return [Expected(c, _tolerance(c, found)) for c, *found in zip(clean, *noisy, strict=True)]

    def _steps(
        self, arrays: Sequence[np.ndarray], variables: Mapping[int, int], steps: int, rng: np.random.Generator | None
    ) -> list[np.ndarray]:
        now, found = list(arrays), []
        for _ in range(steps):
            found = self.run(now, rng)
            for k, i in variables.items():
                now[i] = found[k]
        return found


def _on_grid(array: np.ndarray) -> bool:
    if array.dtype == object:
        return all(_on_grid(a) for a in array.flat)
    if array.dtype.kind != "f" or not array.size:
        return True
    return bool(np.isfinite(array).all() and np.abs(array).max() < 2048 and not np.any(array % GRID))


def _off(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if array.dtype == object:
        return _array_of([_off(a, rng) for a in array.flat])
    if array.dtype.kind != "f":
        return array
    error = ROUNDING * np.finfo(array.dtype).eps * rng.uniform(-1, 1, array.shape)
    with np.errstate(all="ignore"):
        return np.asarray(array * (1 + error), array.dtype)


def _array_of(parts: Sequence[np.ndarray]) -> np.ndarray:
    found = np.empty(len(parts), object)
    for i, part in enumerate(parts):
        found[i] = part
    return found


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
