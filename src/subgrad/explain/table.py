"""`explain`: the forward and the backward pass of a graph as two tables."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from subgrad.diff.reverse import seed_for
from subgrad.display.html_table import shown
from subgrad.errors import ArgumentError
from subgrad.explain.boxes import require_whole
from subgrad.explain.collapsed import collapsed_backward, collapsed_forward, collapsed_names
from subgrad.explain.count import cost_without_reuse, paths_to
from subgrad.explain.dot import classes_of
from subgrad.explain.drawn_graph import LARGEST, drawn_graph
from subgrad.explain.grid import Grid
from subgrad.explain.node_names import names_of
from subgrad.explain.notation import Names, shape_text, summary, whole
from subgrad.explain.rows import (
    Backward,
    BackwardPass,
    Forward,
    Product,
    backward_pass,
    backward_rows,
    forward_order,
    forward_rows,
    targets,
)
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.graph.tree import Tree

if TYPE_CHECKING:
    from rich.console import Console

Row = TypeVar("Row")
_WIDTH = 200
"""Characters to a line where the output is no terminal: a file, a pipe."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """The two passes of a graph: printed as tables, and here as data.

    Attributes:
        forward: the nodes, inputs before their users.
        backward: the nodes from the output back, each with the products that it passes on.
        paths: how many paths lead from the output to the tensors it is differentiated by.
        forward_multiplications: of the forward pass.
        multiplications: of the backward pass, each cotangent computed once.
        multiplications_without_reuse: of the backward pass, each path computed on its own.
        max_rows: how many rows of each pass are printed.
        closed: the rows of both passes with modules collapsed, which are printed instead; None if none is.
    """

    forward: list[Forward]
    backward: list[Backward]
    paths: int
    forward_multiplications: int
    multiplications: int
    multiplications_without_reuse: int
    max_rows: int
    closed: tuple[list[Forward], list[Backward]] | None = None

    def __str__(self) -> str:
        console = _console(_terminal_width())
        self._show(console)
        return console.export_text().rstrip("\n")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        forward, backward = self._grids()
        return shown(forward.html(), backward.html(), self.count())

    def _show(self, console: Console) -> None:
        for grid in self._grids():
            console.print(grid.printed())
        console.print(self.count(), markup=False)

    def _grids(self) -> tuple[Grid, Grid]:
        forward, backward = self.closed or (self.forward, self.backward)
        return _forward_grid(forward, self.max_rows), _backward_grid(backward, self.max_rows)

    def count(self) -> str:
        """The multiplications with and without reuse, in words."""
        saved = Decimal(self.multiplications_without_reuse) / max(self.multiplications, 1)
        times = f", {saved:.3g} times as many" if saved > 1 else ""
        return (
            f"Multiplications forward: {whole(self.forward_multiplications)}. "
            f"Back: {whole(self.multiplications)} with each cotangent computed once and reused; "
            f"{whole(self.multiplications_without_reuse)} if each path back "
            f"({whole(self.paths)} of them) were computed on its own{times}."
        )


def explain(output: Tensor, wrt: Tree = None, *, max_rows: int = 60, depth: int | None = None) -> Explanation:
    """What happens in the forward and the backward pass of ``output``, node by node.

    Of a large graph a module is one row: what goes in, what comes out, and what all that is in it costs.

    Args:
        output: a float scalar, such as a loss; E in the table.
        wrt: what to differentiate by: a module, a tensor, or a list or dict of tensors. A module and a dict give
            names as well. If it is left out: all parameters (and leaves with ``requires_grad``), or all float data if
            there is no parameter.
        max_rows: how many rows of each pass are printed; the first and the last ones are kept. The data has all rows.
        depth: modules at this nesting level are printed as one row, as in `draw`. None chooses the deepest level that
            leaves at most fifty rows; a smaller graph is printed op by op.

    Returns:
        An `Explanation`: print it, show it in a notebook, or read its rows.

    Raises:
        ArgumentError: if ``output`` is no tensor, ``max_rows`` is below 2, or ``depth`` below 1.
        GradientError: if ``output`` is no float scalar, or no gradient gets from it to ``wrt``.

    Example:
        >>> import subgrad as sg
        >>> x = sg.tensor(3.0)
        >>> square = x * x
        >>> explanation = sg.explain(square * square, {"x": x})
        >>> [(row.name, row.formula, row.value.item()) for row in explanation.forward]
        [('x', 'data', 3.0), ('x1', 'x·x', 9.0), ('E', 'x1·x1', 81.0)]
        >>> [(row.name, row.cotangent.item(), row.uses) for row in explanation.backward]
        [('E', 1.0, 2), ('x1', 18.0, 2), ('x', 108.0, 0)]
        >>> explanation.paths, explanation.multiplications, explanation.multiplications_without_reuse
        (4, 4, 8)
    """
    if not isinstance(output, Tensor):
        raise ArgumentError(f"explain takes a tensor, such as a loss, got {type(output).__name__}")
    require_whole("max_rows", max_rows, 2)
    if depth is not None:
        require_whole("depth", depth, 1)
    node = output.node
    names = names_of(toposort([node]), wrt, output="E")
    forward = forward_rows(node, names)
    back = backward_pass(node, targets(node, wrt), seed_for(node))
    backward = backward_rows(back, names)
    return Explanation(
        forward=forward,
        backward=backward,
        paths=paths_to(back.wrt, back.edges)[node],
        forward_multiplications=sum(row.multiplications for row in forward),
        multiplications=sum(e.cost for e in back.edges),
        multiplications_without_reuse=cost_without_reuse(node, back.wrt, back.edges),
        max_rows=max_rows,
        closed=_collapsed(back, backward, names, wrt, depth),
    )


def _collapsed(
    back: BackwardPass, backward: list[Backward], names: Names, wrt: Tree, depth: int | None
) -> tuple[list[Forward], list[Backward]] | None:
    """The rows with modules collapsed, if there are any to collapse."""
    if not any(node.scope for node in names):
        return None
    graph = drawn_graph([back.output], depth, LARGEST)
    if not graph.boxes:
        return None
    shown = collapsed_names(graph, names)
    forward = dict(zip(forward_order(back.output), forward_rows(back.output, shown), strict=True))
    rows = dict(zip(back.cotangents, backward, strict=True))
    return collapsed_forward(graph, forward, shown, classes_of(wrt)), collapsed_backward(graph, back, rows, shown)


def _terminal_width() -> int:
    return shutil.get_terminal_size((_WIDTH, 0)).columns if sys.stdout.isatty() else _WIDTH


def _console(width: int) -> Console:
    from rich.console import Console

    return Console(file=io.StringIO(), width=width, record=True, force_terminal=True, force_jupyter=False)


def _forward_grid(rows: Sequence[Forward], limit: int) -> Grid:
    scoped = any(row.scope for row in rows)
    columns = ["node", "is", "shape", "value, or min … mean … max", "mult."]
    lines = _lines(rows, limit, lambda row: [_forward_cells(row)[: 5 + scoped]])
    return Grid("Forward", [*columns, "module"] if scoped else columns, lines)


def _forward_cells(row: Forward) -> list[str]:
    kink = f"  ({row.on_kink} on the kink)" if row.on_kink else ""
    cost = whole(row.multiplications) if row.multiplications else ""
    return [row.name, row.formula + kink, shape_text(row.shape), summary(row.value), cost, row.scope]


def _backward_grid(rows: Sequence[Backward], limit: int) -> Grid:
    title = "Backward: g = ∂E/∂node, the sum of all products that reach a node, is used once for each input it goes to"
    columns = ["node", "g = ∂E/∂node", "sum of", "used", "paths", "goes to", "local derivative", "product", "mult."]
    return Grid(title, columns, _lines(rows, limit, _backward_cells))


def _backward_cells(row: Backward) -> Iterable[list[str]]:
    head = [row.name, summary(row.cotangent), str(row.arrivals), f"{row.uses}×" if row.uses else "", whole(row.paths)]
    if not row.products:
        yield [*head, "", "", "", ""]
    for p in row.products:
        cost = whole(p.multiplications) if p.multiplications else ""
        value = summary(p.value) if p.slope or p.value is not None else ""
        yield [*head, f"→ {p.to}", _local(p), value, cost]
        head = [""] * len(head)


def _local(product: Product) -> str:
    """The local derivative and its values; a formula such as -1 is its own value."""
    if product.local is None or product.slope.lstrip("-").isdigit():
        return product.slope
    return f"{product.slope} = {summary(product.local)}"


def _lines(rows: Sequence[Row], limit: int, cells: Callable[[Row], Iterable[list[str]]]) -> list[list[str]]:
    """The lines of all rows, or of the first and the last ones with a line that says how many are left out."""
    hidden = max(len(rows) - limit, 0)
    first = (limit + 1) // 2 if hidden else len(rows)
    left_out = [["⋮", f"{whole(hidden)} rows left out"]] if hidden else []
    above, below = ([line for row in part for line in cells(row)] for part in (rows[:first], rows[first + hidden :]))
    return [*above, *left_out, *below]


__all__ = ["Explanation", "explain"]
