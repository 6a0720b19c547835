"""The normal form of a function around a point, linear functions and nested maxima of them, by one reverse pass.

To first order f(x + d) is a.d + sum_k b_k w_k. The k-th active kink is w_k = max(0, z_k1, z_k2, ...), and its arguments
z = Z.d + sum_j C_j w_j depend on kinks before it only. (That of a `where` is another such function where z_k is above
0, and 0 elsewhere.) With absolute values in place of maxima this is the abs-normal form of A. Griewank ("On stable
piecewise linearization and generalized algorithmic differentiation", Optimization Methods and Software 28, 2013). The
cotangents of f and of all arguments are propagated through the graph together, as rows.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import mul
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.diff.vmap import vmap
from subgrad.errors import GradientError
from subgrad.graph.op import cotangents
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, constant
from subgrad.kinks.hull.linear_pieces import Combination, Piece, pieces_of, with_known_pieces
from subgrad.kinks.hull.piecewise_linear import is_piecewise_linear
from subgrad.kinks.one_sided.jumps import Undecided, moving
from subgrad.kinks.one_sided.qualification import qualification_failure
from subgrad.kinks.problem import Problem

LOST = 2.0**-10
"""A sum is known if what rounding took from it is at most this part of it."""

MOST = 4_000_000
"""Entries of a node's derivative that are looked at for sums that rounding hides."""


@dataclass(frozen=True, eq=False)
class Jump:
    """What a `where` adds where its condition holds: ``factor`` times row.d + sum_j coupling_j w_j."""

    node: Tensor
    row: np.ndarray
    coupling: np.ndarray
    factor: float


@dataclass(frozen=True, eq=False)
class NormalForm:
    """The first-order behaviour of a function of n variables with s active kinks, in topological order.

    Attributes:
        arguments: Z, for each kink of shape (its number of arguments, n).
        couplings: C, for each kink of shape (its number of arguments, s); 0 for kinks that come later.
        gradient: a, shape (n,).
        effects: b, shape (s,).
        jumps: for each kink None, or what it adds if it is a `where`.
        linear: whether the function is piecewise linear, so that this form is the function itself near the point.
        assumptions: what was assumed and not verified, as sentences.
        failure: the qualification failure for which the form does not describe the function; empty if there is none.
        cancelled: whether rounding hides a sum of cotangents whose terms cancel.
    """

    arguments: tuple[np.ndarray, ...]
    couplings: tuple[np.ndarray, ...]
    gradient: np.ndarray
    effects: np.ndarray
    jumps: tuple[Jump | None, ...]
    linear: bool
    assumptions: tuple[str, ...] = ()
    failure: str = ""
    cancelled: bool = False

    @property
    def independent(self) -> bool:
        """Whether all arguments are linearly independent functions of d, when the w are held fixed.

        This is the linear independence kink qualification (LIKQ) of Griewank and Walther: the arguments can be taken
        as coordinates, so every pattern of their order occurs next to the point, and the form tells all limits of
        gradients of a function that is piecewise C1.
        """
        rows = np.vstack([np.zeros((0, self.gradient.size)), *self.arguments])
        lengths = np.abs(rows).max(axis=1, initial=0.0)
        if not lengths.all():
            return False
        return not len(rows) or int(np.linalg.matrix_rank(rows / lengths[:, None], tol=1e-9)) == len(rows)


def normal_form(problem: Problem, point: np.ndarray, most: int) -> NormalForm:
    """The form of a function at a point, without the kinks that have no influence on it.

    Args:
        problem: the function.
        point: a flat vector.
        most: with more arguments of active kinks than this there is no form, and `failure` says so.

    Raises:
        GradientError: if f is not finite or not Lipschitz there: a jump, or a square root at 0.
    """
    output, sources = problem.at(point)
    if not np.isfinite(output.numpy()):
        raise GradientError(f"the function is {float(output)} at this point and has no subdifferential")
    sweep = _Sweep(output, sources)
    if sweep.count > most:
        reason = f"{sweep.count} kinks are active, and the budget is {most}"
        return NormalForm((), (), np.zeros(point.size), np.zeros(0), (), False, failure=reason)
    return _influential(sweep.form())


class _Sweep:
    """The reverse pass. Row 0 is f, the next ones are the kinks' arguments, then come the jumps of `where`."""

    def __init__(self, output: Tensor, sources: list[Tensor]) -> None:
        output = with_known_pieces(output)
        self.output, self.sources = output, sources
        self.order = toposort([output], is_leaf=lambda n: n.op is ops.stop_gradient)
        self.flows = moving(self.order, sources)
        undecided = Undecided(self.order, self.flows)
        self.kinks: dict[Tensor, list[tuple[int, Piece]]] = {}
        self.pieces: list[Piece] = []
        for node in self.order:
            if node in self.flows:
                found = undecided.choices(node) if node.op is ops.where else pieces_of(node)
                if found:
                    self.kinks[node] = list(enumerate(found, len(self.pieces)))
                    self.pieces += found
        self.starts = 1 + np.cumsum([0, *(len(p.arguments) for p in self.pieces)])
        self.count = int(self.starts[-1]) - 1
        jumping = [k for k, p in enumerate(self.pieces) if p.jump]
        self.jumps = {k: int(self.starts[-1]) + i for i, k in enumerate(jumping)}
        self.rows = 1 + self.count + len(self.jumps)
        self.arrived: dict[Tensor, np.ndarray] = {}
        self.lost: dict[Tensor, np.ndarray] = {}
        self.failure, self.cancelled = "", False

    def form(self) -> NormalForm:
        self.columns = np.zeros((self.rows, len(self.pieces)))
        self._cotangent(self.output)[0] = 1
        for node in reversed(self.order):
            if node.inputs and (node in self.arrived or node in self.kinks):
                self._visit(node)
        for source in self.sources:
            self._notice_cancelled(source)
        table = np.concatenate([self._flat(s) for s in self.sources], axis=1).astype(np.float64)
        if not (np.isfinite(table).all() and np.isfinite(self.columns).all()):
            raise GradientError("a derivative is infinite or NaN at this point: the function is not Lipschitz there")
        self.columns *= [1.0 if p.jump else p.factor for p in self.pieces]
        return self._put_together(table)

    def _put_together(self, table: np.ndarray) -> NormalForm:
        linear = is_piecewise_linear(self.order, self.flows)
        assumed = () if linear or not self.jumps else ("where is continuous",)
        return NormalForm(
            tuple(np.split(table[: self.starts[-1]], self.starts)[1:-1]),
            tuple(np.split(self.columns[: self.starts[-1]], self.starts)[1:-1]),
            table[0], self.columns[0], tuple(self._jump(k, table) for k in range(len(self.pieces))), linear, assumed,
            self.failure, self.cancelled,
        )  # fmt: skip

    def _jump(self, k: int, table: np.ndarray) -> Jump | None:
        if k not in self.jumps:
            return None
        node = next(node for node, found in self.kinks.items() if any(j == k for j, _ in found))
        return Jump(node, table[self.jumps[k]], self.columns[self.jumps[k]], self.pieces[k].factor)

    def _cotangent(self, node: Tensor) -> np.ndarray:
        if node not in self.arrived:
            self.arrived[node] = np.zeros((self.rows, *node.shape), node.dtype)
        return self.arrived[node]

    def _flat(self, node: Tensor) -> np.ndarray:
        return self._cotangent(node).reshape(self.rows, -1)

    def _visit(self, node: Tensor) -> None:
        self._notice_cancelled(node)
        for k, piece in self.kinks.get(node, ()):
            self._start_rows(k, piece, self._flat(node)[:, piece.out])
        self._flat(node)[:, [piece.out for _, piece in self.kinks.get(node, ())]] = 0
        rows = self.arrived.pop(node)
        self.failure = qualification_failure(node, (rows != 0).any(axis=0), self.flows) or self.failure
        pulled = _pulled(node, rows, {k for k, source in enumerate(node.inputs) if source in self.flows})
        for source, product in zip(node.inputs, pulled, strict=True):
            if product is not None:
                self._accumulate(source, ..., product)
        if not (self.cancelled or node.op.elementwise):
            self.cancelled = _hides_terms(node, rows, pulled)

    def _accumulate(self, node: Tensor, place: Any, product: np.ndarray | float) -> None:
        """Adds to a place of a node's cotangents, and keeps how much rounding takes from the sum (Knuth's TwoSum)."""
        cotangent = self._cotangent(node)
        before = cotangent[place]
        with np.errstate(all="ignore"):
            after = before + product
            added = after - before
            error = np.abs((before - (after - added)) + (product - added))
        if (error > 0).any():
            self.lost.setdefault(node, np.zeros_like(cotangent))[place] += error
        cotangent[place] = after

    def _notice_cancelled(self, node: Tensor) -> None:
        lost = self.lost.pop(node, None)
        if lost is not None:
            self.cancelled = self.cancelled or bool((lost > LOST * np.abs(self._cotangent(node))).any())

    def _start_rows(self, k: int, piece: Piece, arrived: np.ndarray) -> None:
        """Takes what has arrived at an active element into a column, and starts the rows of its arguments."""
        self.columns[:, k] += arrived
        self._add(slice(None), piece.base, arrived)
        for row, argument in enumerate(piece.arguments, self.starts[k]):
            self._add(row, argument)
        if piece.jump:
            self._add(self.jumps[k], piece.jump)

    def _add(self, row: int | slice, combination: Combination, times: np.ndarray | float = 1.0) -> None:
        for node, i, factor in combination:
            if node in self.flows:
                self._accumulate(node, (row, *np.unravel_index(i, node.shape)), factor * times)


def _pulled(node: Tensor, rows: np.ndarray, wanted: Set[int]) -> list[np.ndarray | None]:
    """The cotangents of the wanted inputs of a node, for each row of cotangents of the node: those of a constant matrix
    would be larger than all others."""
    with np.errstate(all="ignore"):
        found = vmap(lambda g: list(cotangents(node, g)))(constant(rows))
        return [c.numpy() if c is not None and k in wanted else None for k, c in enumerate(found)]


def _hides_terms(node: Tensor, rows: np.ndarray, pulled: Sequence[np.ndarray | None]) -> bool:
    """Whether rounding hides a sum that was taken inside of the node's own derivative, such as that of a contraction.

    Where terms nearly cancel they are added exactly. A derivative with over `MOST` entries counts as hidden.
    """
    wanted = [(k, product) for k, product in enumerate(pulled) if product is not None]
    if not node.size or node.dtype.kind != "f" or not all(np.isfinite(product).all() for _, product in wanted):
        return False
    if node.size * max((product[0].size for _, product in wanted), default=0) > MOST:
        return True
    units = np.eye(node.size, dtype=node.dtype).reshape(node.size, *node.shape)
    slopes = _pulled(node, units, {k for k, _ in wanted})
    given = rows.reshape(len(rows), -1)
    for k, product in wanted:
        slope, sums = np.asarray(slopes[k]).reshape(node.size, -1), product.reshape(len(rows), -1)
        lost = node.size * np.finfo(node.dtype).eps * (np.abs(given) @ np.abs(slope))
        doubted = np.argwhere(lost > LOST * np.abs(sums))
        if any(_is_lost(given[row], slope[:, i], float(sums[row, i])) for row, i in doubted):
            return True
    return False


def _is_lost(factors: np.ndarray, slopes: np.ndarray, found: float) -> bool:
    """Whether a sum of products is far from what it is exactly."""
    at = np.flatnonzero((factors != 0) & (slopes != 0))
    exact = sum(map(mul, map(Fraction, factors[at].tolist()), map(Fraction, slopes[at].tolist())), start=Fraction(0))
    return abs(exact - Fraction(found)) > Fraction(LOST) * abs(Fraction(found))


def _influential(form: NormalForm) -> NormalForm:
    """Without the kinks that neither f nor a kink with influence depends on."""
    needed = form.effects != 0
    for k in range(len(needed) - 1, -1, -1):
        if needed[k]:
            needed |= (form.couplings[k] != 0).any(axis=0)
            jump = form.jumps[k]
            if jump is not None:
                needed |= jump.coupling != 0
    kept = np.flatnonzero(needed)
    return replace(
        form,
        arguments=tuple(form.arguments[k] for k in kept),
        couplings=tuple(form.couplings[k][:, kept] for k in kept),
        effects=form.effects[kept],
        jumps=tuple(_restricted(form.jumps[k], kept) for k in kept),
    )


def _restricted(jump: Jump | None, kept: np.ndarray) -> Jump | None:
    return None if jump is None else replace(jump, coupling=jump.coupling[kept])
