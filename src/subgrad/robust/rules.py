"""For each op of the table: its interval bounds, lines if it is not linear, and whether samples stay apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from subgrad import ops
from subgrad.graph.op import TABLE, Kind
from subgrad.graph.tensor import Tensor
from subgrad.graph.transform import Transform
from subgrad.ops import indexing, kinked, singular
from subgrad.ops.contract import contract
from subgrad.ops.convolution import CONVOLUTIONS
from subgrad.ops.random import uniform
from subgrad.ops.shape import cast, stop_gradient
from subgrad.ops.tuples import part
from subgrad.ops.window import slide
from subgrad.recur.loop import loop
from subgrad.robust import end_rules as end
from subgrad.robust import line_rules as line
from subgrad.robust.ends import Ends, Given, Lines


def _in_rows(node: Tensor, *given: Given) -> bool:
    return True


class Rule(NamedTuple):
    """How an op is bounded.

    Attributes:
        ends: ``ends(node, *given)``, what is known of each input or None for one that does not vary; None if what the
            op is made of says more.
        lines: ``lines(node, found, *given)`` with the ends of the node; None if these are the lines. An op that is
            linear needs none.
        in_rows: ``in_rows(node, *given)``, whether a row of the result comes of the same row of each input that varies,
            if all of them have as many rows.
    """

    ends: Callable[..., Ends | None]
    lines: Callable[..., Lines] | None = None
    in_rows: Callable[..., bool] = _in_rows


def _over_columns(node: Tensor, *given: Given) -> bool:
    """Nothing moves along the first axis, or comes together there."""
    axis = node.attrs["axis"]
    return 0 not in (axis if isinstance(axis, tuple) else (axis,))


def _not_read(node: Tensor, *given: Given) -> bool:
    return 0 not in node.attrs["axes"]


def _stays_first(node: Tensor, *given: Given) -> bool:
    return node.attrs["axes"][0] == 0


def _whole(node: Tensor, *given: Given) -> bool:
    return node.attrs["steps"][0] == (0, node.shape[0], 1)


def _as_many_axes(node: Tensor, *given: Given) -> bool:
    return node.inputs[0].ndim == node.ndim


def _first_letters(node: Tensor, *given: Given) -> bool:
    terms, out = node.attrs["spec"].split("->")
    return all(term[:1] == out[:1] for term, g in zip(terms.split(","), given, strict=True) if g is not None)


def _of_images(node: Tensor, *given: Given) -> bool:
    return given[1] is None and node.op is not ops.convolve_weight


RISING = Rule(end.rising)
WAVE = Rule(end.wave)
CURVED = Rule(end.rising, line.curved)
CONVEX = Rule(end.rising, line.convex)
LARGEST = Rule(end.rising, line.largest, _over_columns)

IBP: Transform[Rule] = Transform(
    "ibp",
    "interval bounds and lines, as nodes of the graph, for certified training",
    {
        **dict.fromkeys(
            [ops.add, ops.minimum, ops.where, ops.asin, ops.atan, ops.asinh, ops.atanh, ops.sinh, ops.erfinv,
             ops.softsign, ops.floor, TABLE["round"], ops.sign, ops.fold, cast, stop_gradient, kinked._clip], RISING,
        ),
        **dict.fromkeys([ops.log, ops.log2, ops.log10, ops.log1p, ops.acosh], RISING),
        **dict.fromkeys([ops.neg, ops.erfc, ops.acos], Rule(end.falling)),
        **dict.fromkeys([ops.tanh, ops.sigmoid, ops.erf], CURVED),
        **dict.fromkeys([ops.exp, ops.expm1, ops.softplus], CONVEX),
        **dict.fromkeys([ops.sin, ops.cos], WAVE),
        **dict.fromkeys([ops.max, ops.logsumexp], LARGEST),
        ops.maximum: Rule(end.rising, line.largest),
        **dict.fromkeys([ops.min, ops.sum, ops.cumsum, ops.concatenate], Rule(end.rising, in_rows=_over_columns)),
        **dict.fromkeys([indexing.gather, slide, indexing.scatter_add], Rule(end.rising, in_rows=_not_read)),
        **dict.fromkeys([indexing.slice_, indexing.place], Rule(end.rising, in_rows=_whole)),
        ops.transpose: Rule(end.rising, in_rows=_stays_first),
        ops.broadcast_to: Rule(end.rising, in_rows=_as_many_axes),
        ops.sub: Rule(end.difference),
        **dict.fromkeys([ops.mul, ops.scale], Rule(end.elementwise_product)),
        ops.div: Rule(end.quotient),
        contract: Rule(end.product, in_rows=_first_letters),
        **dict.fromkeys(CONVOLUTIONS, Rule(end.product, in_rows=_of_images)),
        ops.sqrt: Rule(end.where_positive),
        ops.square: Rule(lambda node, x: end.squared(x)),
        singular._power: Rule(end.power),
        ops.abs: Rule(lambda node, x: end.magnitude(x), line.bent(lambda node: -1.0)),
        ops.relu: Rule(end.rising, line.bent(lambda node: 0.0)),
        ops.leaky_relu: Rule(end.leaky, line.bent(lambda node: node.attrs["slope"])),
        ops.elu: Rule(end.elu),
        kinked.huber: Rule(end.even),
        ops.norm: Rule(end.even, line.largest, _over_columns),
        ops.standardize: Rule(end.standardized, line.standardized),
    },
    by_kind={Kind.VIEW: RISING, Kind.MOVEMENT: RISING},
    unsupported={
        **dict.fromkeys([loop, part], "a loop is written out before"),
        **dict.fromkeys(
            [ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.logical_and, ops.logical_or, ops.logical_not,
             ops.isnan, ops.isfinite], "a condition that may go both ways",
        ),
        **dict.fromkeys(
            [ops.argmax, ops.argmin, ops.one_hot, ops.remainder, ops.right_shift, indexing.in_range],
            "it jumps, or is of integers, which do not vary",
        ),
        singular._pow: "both of its inputs may vary: write exp(p * log(x))",
        **dict.fromkeys([ops.full, TABLE["arange"], uniform], "it has no inputs: it does not vary"),
    },
)

__all__ = ["IBP", "Rule"]
