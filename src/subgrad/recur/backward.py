"""Backpropagation through time: the derivative of a loop is a loop in the other direction.

The graph of the body's gradients has two parts. Values of the forward pass are saved, stacked over the steps, and read
again, so nothing is computed twice. The nodes that depend on a cotangent become the body of the backward loop, whose
carry is the cotangent of the carry (Werbos 1990, "Backpropagation through time: what it does and how to do it").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from subgrad import ops
from subgrad.diff.reverse import backprop
from subgrad.graph.op import Kind, apply
from subgrad.graph.order import dependents, toposort
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.ops.tuples import part, tuple_elements
from subgrad.recur.loop import Loop, loop, make_loop, zeros_like
from subgrad.recur.loop_invariants import Later, sum_over_steps


def backward(g: Tensor, y: Tensor, inputs: Sequence[Tensor], body: Loop) -> list[Tensor | None]:
    """The cotangent of each input of a loop, given a tuple of those of its results."""
    return _Backward(y, inputs, body).run(tuple_elements(g))


class _Backward:
    """The construction of the backward loop of one loop.

    Attributes:
        rows: the rows that the backward loop reads, by placeholder.
        stacked: what it gives for each step, in addition to the cotangents of xs.
    """

    def __init__(self, y: Tensor, inputs: Sequence[Tensor], body: Loop) -> None:
        self.y, self.inputs, self.body = y, inputs, body
        self.rows: dict[Tensor, Tensor] = {}
        self.stacked: dict[Tensor, int] = {}
        self.made: list[Tensor] = []

    def run(self, given: dict[int, Tensor]) -> list[Tensor | None]:
        """The cotangents of the inputs, given those of the results by number."""
        body = self.body
        count = len(body.carry)
        arriving = {k: placeholder(a.shape, a.dtype, "a cotangent") for k, a in enumerate(body.carry) if _floats(a)}
        for k, whole in given.items():
            if k >= count:
                self.rows[placeholder(whole.shape[1:], whole.dtype, "a row of cotangents")] = whole
        from_ys = dict(zip((k for k in given if k >= count), self.rows, strict=True))
        seeds = {**arriving, **from_ys}
        wrt = [p for p in body.places if _floats(p)]
        outputs = [body.outputs[k] for k in seeds]
        slopes = dict(zip(wrt, backprop(outputs, list(seeds.values()), wrt), strict=True))
        slopes = self._saved({w: s for w, s in slopes.items() if s is not None}, list(seeds.values()))
        return self._loop(given, arriving, slopes)

    # What the forward loop has computed

    def _saved(self, slopes: dict[Tensor, Tensor], seeds: Sequence[Tensor]) -> dict[Tensor, Tensor]:
        """The gradients with saved values of the forward loop read from rows, and values from outside read directly."""
        forward = set(self.body.places)
        if self.body.saves:
            forward |= self._forward_values() | _results_of_loops(slopes.values(), seeds)
        used = [n for n in toposort(slopes.values(), is_leaf=forward.__contains__) if n in forward]
        consts = dict(zip(self.body.consts, self.inputs, strict=False))
        xs = dict(zip(self.body.xs, self.body.parted(self.inputs)[2], strict=True))
        new = {n: consts[n] for n in used if n in consts}
        saved = [n for n in used if n not in consts]
        wholes = iter(self._saving([n for n in saved if n not in xs]))
        for n in saved:
            new[n] = placeholder(n.shape, n.dtype, "a saved value")
            self.rows[new[n]] = xs[n] if n in xs else next(wholes)
        return dict(zip(slopes, substitute(slopes.values(), new), strict=True))

    def _forward_values(self) -> set[Tensor]:
        """The values that may be saved: placeholders of the body and what is computed from them, without views."""
        order = toposort(self.body.outputs)
        places = set(self.body.places)
        return {n for n in dependents(order, places) if n.op.kind is not Kind.VIEW and n.op is not loop}

    def _saving(self, nodes: Sequence[Tensor]) -> list[Tensor]:
        """The values of body nodes in all steps: results of the loop, or of a copy of it that returns them as well."""
        body, source = self.body, self.y
        more = [n for n in nodes if n not in set(body.ys)]
        if more:
            wider = Loop(body.consts, body.carry, body.xs, body.after, (*body.ys, *more), body.length, body.reverse)
            source, body = apply(loop, tuple(self.inputs), {"body": wider}), wider
        number = {n: len(body.carry) + i for i, n in enumerate(body.ys)}
        return [part(source, number[n]) for n in nodes]

    # The loop back

    def _loop(
        self, given: dict[int, Tensor], arriving: dict[int, Tensor], slopes: dict[Tensor, Tensor]
    ) -> list[Tensor | None]:
        body = self.body
        consts, xs = ([p for p in group if p in slopes] for group in (body.consts, body.xs))
        first = {p: given[k] if k in given else zeros_like(p) for k, p in arriving.items()}
        after = [slopes.get(body.carry[k], zeros_like(p)) for k, p in arriving.items()]
        varying = dependents(toposort(slopes.values()), [*first, *self.rows])
        later = {c: self._later(slopes[c], varying) for c in consts}
        for c in consts:
            if later[c] is None:
                total = placeholder(c.shape, c.dtype, "a sum over steps")
                first[total] = zeros_like(total)
                after.append(total + slopes[c])
        ys = [*(slopes[x] for x in xs), *self.stacked]
        self.made = make_loop(first, self.rows, after, ys, body.length, not body.reverse)
        last, rows = self.made[: len(after)], self.made[len(after) :]
        self.made = rows[len(xs) :]
        summed = iter(last[len(arriving) :])
        found: dict[Tensor, Tensor] = {}
        for c in consts:
            whole = later[c]
            found[c] = next(summed) if whole is None else whole()
        found |= {body.carry[k]: part for k, part in zip(arriving, last, strict=False)}
        found |= dict(zip(xs, rows, strict=False))
        return [found.get(p) for p in body.places]

    def _later(self, slope: Tensor, varying: set[Tensor]) -> Later | None:
        """The sum of a constant's cotangent over all steps, if it is to be computed after the loop.

        What is computed again must not be kept until then: then the sum is that of the only step, taken in the loop.
        """
        if self.body.saves:
            return sum_over_steps(slope, varying, self._stack, self.body.length)
        whole = self._stack(slope)
        return lambda: ops.sum(whole(), 0)

    def _stack(self, node: Tensor) -> Later:
        """Ask for all values of a node of the backward body."""
        if node in self.rows:
            return lambda: self.rows[node]
        index = self.stacked.setdefault(node, len(self.stacked))
        return lambda: self.made[index]


def _results_of_loops(slopes: Iterable[Tensor], seeds: Sequence[Tensor]) -> set[Tensor]:
    """The results of loops inside of the body that depend on no cotangent, saved ones among them."""
    order = toposort(slopes)
    late = dependents(order, seeds)
    return {n for n in order if n.op is part and n not in late}


def _floats(x: Tensor) -> bool:
    return x.dtype.kind == "f"


__all__ = ["backward"]
