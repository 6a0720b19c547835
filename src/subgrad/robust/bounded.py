"""A graph whose input varies within bounds: the ends of all nodes, and lower bounds of the output by lines.

The graph is one of values already. A bound of a linear function ``c . output`` is made of its value there: going back,
each node that is not linear is replaced by a line below or above it, as the sign of its cotangent wants it, and what
line and node differ by at the values is added up; what is left is linear in the input, and least at a corner. So a
linear node needs nothing but its derivative. With lines between the ends of all nodes this is CROWN-IBP (Zhang et al.,
"Towards stable and efficient training of verifiably robust neural networks", ICLR 2020, arXiv 1906.06316); with the
ends in place of the lines it is interval bound propagation whose last layers are one with ``c`` (Gowal et al. 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce

from subgrad import ops
from subgrad.diff import vmap
from subgrad.errors import ArgumentError
from subgrad.graph import source_location
from subgrad.graph.op import cotangents
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.recur.unroll import unrolled
from subgrad.robust.end_rules import by_pieces
from subgrad.robust.ends import Ends, Given, Lines, of
from subgrad.robust.line_rules import level
from subgrad.robust.rules import IBP


class Bounded:
    """The ends of the nodes between an input and an output.

    Args:
        x: the input, shape (N, ...).
        output: a node that is computed from it.
        box: where x lies, in its shape; the value of x is one of these.

    Attributes:
        output: the same, where ops were written out.

    Raises:
        ArgumentError: for an op of which no interval is known, with the line of the program, or an output that does not
            depend on x.
    """

    def __init__(self, x: Tensor, output: Tensor, box: Ends) -> None:
        self.x, self.box = x, box
        self._ends: dict[Tensor, Ends] = {x: box}
        self._order: list[Tensor] = []
        self._made: dict[Tensor, Tensor] = {x: x}
        self.output = self._visit(unrolled([output])[0])
        if self.output not in self._ends:
            raise ArgumentError("bounds of an output are asked for that does not depend on the input")

    @property
    def ends(self) -> Ends:
        """Those of the output."""
        return self._ends[self.output]

    # Forward

    def _visit(self, output: Tensor) -> Tensor:
        for node in toposort([output], is_leaf=self._made.__contains__):
            if node not in self._made:
                self._made[node] = self._entered(node)
        return self._made[output]

    def _entered(self, node: Tensor) -> Tensor:
        inputs = [self._made[i] for i in node.inputs]
        given = [self._ends.get(i) for i in inputs]
        if all(g is None for g in given):
            return node
        node = of(node, *inputs)
        rule, expand = IBP.get(node.op), IBP.expansion(node.op)
        with source_location.inherit(node.site, node.scope):
            found = None if rule is None else rule.ends(node, *given)
            if found is None and expand is not None:
                return self._visit(expand(*inputs, **node.attrs))
            if found is None and len(given) == 1 and given[0] is not None:
                found = by_pieces(node, given[0])
        if found is None:
            raise ArgumentError(node.site.after(f"there are no interval bounds for the op {node.op.name}"))
        self._ends[node] = found
        self._order.append(node)
        return node

    # Backward

    def below(self, rows: Tensor, lines: bool = True) -> Tensor:
        """Lower bounds of linear functions of the output, for each sample.

        Args:
            rows: the functions, shape (m, N, ...).
            lines: whether to go back through nodes that are not linear, by lines; else their ends are taken.

        Returns:
            shape (m, N).

        Raises:
            ArgumentError: if samples do not stay apart, row by row.
        """
        return vmap(partial(self._below, lines))(rows)

    def _check_rows(self, node: Tensor) -> None:
        n, rule, given = self.x.shape[0], IBP.get(node.op), self._given(node)
        if n == 1:  # all is of the one sample
            return
        shapes = [node.shape, *(i.shape for i, g in zip(node.inputs, given, strict=True) if g is not None)]
        if any(shape[:1] != (n,) for shape in shapes) or (rule is not None and not rule.in_rows(node, *given)):
            why = f"{node.op.name} gives the shape {node.shape} of {n} samples, or takes from other rows"
            raise ArgumentError(
                node.site.after(f"bounds of each sample need one row of every result for each: {why}")
            )

    def _given(self, node: Tensor) -> list[Given]:
        return [self._ends.get(i) for i in node.inputs]

    def _below(self, lines: bool, row: Tensor) -> Tensor:
        arriving: dict[Tensor, list[Tensor]] = {self.output: [row]}
        total = self._for_each(row, self.output)
        for node in reversed(self._order):
            if node in arriving:
                self._check_rows(node)
                g = reduce(ops.add, arriving.pop(node))
                with source_location.inherit(node.site, node.scope):
                    given = self._given(node)
                    if _is_linear(node, given):
                        self._pass_on(node, cotangents(node, g), arriving)
                    else:
                        total = total + self._by_lines(node, g, self._lines(node, given, lines), arriving)
        if self.x in arriving:
            g = reduce(ops.add, arriving[self.x])
            up = ops.relu(g)
            total = total + self._for_each(up, self.box.low - self.x) + self._for_each(g - up, self.box.high - self.x)
        return total

    def _lines(self, node: Tensor, given: Sequence[Given], lines: bool) -> Lines:
        rule, found = IBP.get(node.op), self._ends[node]
        if lines and rule is not None and rule.lines is not None:
            return rule.lines(node, found, *given)
        return level(node, found.low), level(node, found.high)

    def _by_lines(self, node: Tensor, g: Tensor, lines: Lines, arriving: dict[Tensor, list[Tensor]]) -> Tensor:
        up = ops.relu(g)
        parts = (up, lines[0]), (g - up, lines[1])
        for part, line in parts:
            self._pass_on(node, line.back(part), arriving)
        return reduce(ops.add, [self._for_each(part, line.gap) for part, line in parts])

    def _pass_on(self, node: Tensor, found: Sequence[Tensor | None], arriving: dict[Tensor, list[Tensor]]) -> None:
        for source, g in zip(node.inputs, found, strict=True):
            if g is not None and source in self._ends:
                arriving.setdefault(source, []).append(g)

    def _for_each(self, g: Tensor, values: Tensor) -> Tensor:
        """The products of each sample, added up."""
        return ops.scale(g, values).reshape(self.x.shape[0], -1).sum(1)


def _is_linear(node: Tensor, given: Sequence[Given]) -> bool:
    """Whether it is linear in the inputs that vary; nothing that gives or takes integers is, which jump."""
    moving = [x is not None for x in given]
    kinds = {t.dtype.kind for t in (node, *(i for i, moves in zip(node.inputs, moving, strict=True) if moves))}
    return node.op.is_linear_in(moving) and kinds == {"f"}


__all__ = ["Bounded"]
