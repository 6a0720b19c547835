"""The graph of a network at one point as a list of steps: each an affine node or a curve, of earlier ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from subgrad.bounds.backward.affine import Affine
from subgrad.bounds.backward.affine_rules import SAME
from subgrad.bounds.backward.curves import Curve
from subgrad.bounds.backward.rules import BACKWARD, interval_only
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.domains import where_defined
from subgrad.intervals.interval_rules import INTERVAL, has_interval, interval_of


@dataclass(frozen=True, eq=False)
class Step:
    """A node that varies with the point.

    Attributes:
        shape: of the node.
        made: how it comes from earlier steps; None for the point.
        inputs: the numbers of these steps, as `made` has them.
        apart: its elements depend on one coordinate of the point each, and no two on the same one.
        tight: its interval by those of its inputs is the best there is, but for rounding.
        rounded: coefficients that come here from later steps are products of slopes, or sums of several.
        node: what it is; None for the point.
        unknown: nothing is known of its values.
    """

    shape: tuple[int, ...]
    made: Affine | Curve | None
    inputs: tuple[int, ...] = ()
    apart: bool = False
    tight: bool = False
    rounded: bool = False
    node: Tensor | None = None
    unknown: bool = False


def steps_of(point: Tensor, output: Tensor, weights: Mapping[Tensor, np.ndarray]) -> list[Step]:
    """The steps from the point, which is the first, to the output, the last."""
    builder = _Builder(point, weights)
    with using_dtype(float64):
        builder.visit(output)
    last = builder.known[output]
    if isinstance(last, Interval):  # the same everywhere
        return [*builder.steps, Step(output.shape, Affine([], last))]
    return _merged(builder.steps[: last + 1])


class _Builder:
    """What is known of each node: the number of its step, or an interval if it does not vary."""

    def __init__(self, point: Tensor, weights: Mapping[Tensor, np.ndarray]) -> None:
        self.steps = [Step(point.shape, None, apart=True, tight=True)]
        self.known: dict[Tensor, int | Interval] = {point: 0, **{w: iv.exactly(v) for w, v in weights.items()}}

    def visit(self, output: Tensor) -> int | Interval:
        for node in toposort([output], is_leaf=self.known.__contains__):
            if node not in self.known:
                self.known[node] = self._fixed(node) if self._held(node) else self._varying(node)
        return self.known[output]

    def _held(self, node: Tensor) -> bool:
        return all(isinstance(self.known[i], Interval) for i in node.inputs)

    def _fixed(self, node: Tensor) -> int | Interval:
        inputs = [self.known[i] for i in node.inputs]
        if not inputs:
            return iv.exactly(np.asarray(node.numpy()))
        exact = all(isinstance(x, Interval) and np.array_equal(x.low, x.high) for x in inputs)
        if exact and node.dtype.kind in "iub":
            found = np.asarray(node.op.ref(*(x.low for x in inputs if isinstance(x, Interval)), **node.attrs))
            return Interval(found, found)
        expand = BACKWARD.expansion(node.op)
        if node.op not in INTERVAL and expand is not None:
            return self.visit(expand(*node.inputs, **node.attrs))
        known = {i: x for i, x in zip(node.inputs, inputs, strict=True) if isinstance(x, Interval)}
        found = interval_of(node, known)
        return where_defined(node, known[node.inputs[0]], found) if node.op.elementwise and len(inputs) == 1 else found

    def _varying(self, node: Tensor) -> int | Interval:
        places = [self.known[i] for i in node.inputs]
        fixed = [p if isinstance(p, Interval) else None for p in places]
        rule, expand = BACKWARD.get(node.op), BACKWARD.expansion(node.op)
        found = None if rule is None else rule(node, fixed)
        if found is None and expand is not None:
            found = expand(*node.inputs, **node.attrs)
        unknown = found is None and not has_interval(node.op)
        found = interval_only(node, fixed) if found is None else found
        if isinstance(found, Tensor):
            return self.visit(found)
        numbers = [k for k, _ in found.parts] if isinstance(found, Affine) else found.inputs
        inputs = tuple(p for p in (places[k] for k in numbers) if not isinstance(p, Interval))
        self.steps.append(Step(node.shape, found, inputs, *self._simple(found, inputs), node=node, unknown=unknown))
        return len(self.steps) - 1

    def _simple(self, found: Affine | Curve, inputs: tuple[int, ...]) -> tuple[bool, bool]:
        """Whether the elements are apart, and the interval is tight."""
        if not isinstance(found, Affine) or len(inputs) != 1:
            return False, False
        source, moves = self.steps[inputs[0]], found.parts[0][1].apart
        return source.apart and moves, source.apart or (source.tight and moves)


def _merged(steps: list[Step]) -> list[Step]:
    """A constant that is added to an affine node alone becomes part of it, and steps that nothing uses go."""
    uses = Counter(i for s in steps for i in s.inputs)
    for k, step in enumerate(steps):
        before = steps[step.inputs[0]] if len(step.inputs) == 1 else None
        if before is None or not isinstance(step.made, Affine) or not isinstance(before.made, Affine):
            continue
        if step.made.parts[0][1] is SAME and uses[step.inputs[0]] == 1:
            constants = [c for c in (before.made.constant, step.made.constant) if c is not None]
            constant = iv.add(*constants) if len(constants) == 2 else constants[0] if constants else None
            steps[k] = replace(step, made=Affine(before.made.parts, constant), inputs=before.inputs)
    used = {len(steps) - 1, 0}
    for k in range(len(steps) - 1, 0, -1):
        if k in used:
            used.update(steps[k].inputs)
    place = {k: i for i, k in enumerate(sorted(used))}
    kept = [replace(steps[k], inputs=tuple(place[i] for i in steps[k].inputs)) for k in sorted(used)]
    uses = Counter(i for s in kept for i in s.inputs)
    by_curves = {i for s in kept if isinstance(s.made, Curve) for i in s.inputs}
    return [replace(s, rounded=k in by_curves or uses[k] > 1) for k, s in enumerate(kept)]


__all__ = ["Step", "steps_of"]
