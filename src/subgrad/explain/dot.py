"""A graph as text in Graphviz's DOT language (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from subgrad.errors import GradientError
from subgrad.explain.branches import Heights
from subgrad.explain.drawn_graph import LARGEST, Arrow, DrawnGraph, ancestors, drawn_graph, origin
from subgrad.explain.node_names import is_folded, is_leaf, names_of
from subgrad.explain.notation import CONTRACT, Names, as_factor, shape_text, slope
from subgrad.explain.rows import BackwardPass, backward_pass, targets
from subgrad.graph.order import toposort
from subgrad.graph.tensor import INPUT, Tensor, placeholder
from subgrad.graph.tree import Tree
from subgrad.ops.tuples import TUPLE

Frames = dict[str, list[str]]

_INK, _GREY, _LINE, _PAPER = "#1f2937", "#6b7280", "#9ca3af", "#f8fafc"
_PARAMETER, _DATA, _KINK, _BACK = ("#fef3c7", "#d97706"), ("#e0f2fe", "#0284c7"), "#e11d48", "#7c3aed"

_HEAD = f"""\
  graph [rankdir=TB, newrank=true, bgcolor=white, pad=0.25, nodesep=0.4, ranksep=0.4, labeljust=l, fontsize=11,
         fontname="Helvetica,Arial,sans-serif", fontcolor="{_GREY}", style="rounded,filled", color="#e2e8f0",
         fillcolor="{_PAPER}"];
  node [fontname="Helvetica,Arial,sans-serif", fontsize=12, fontcolor="{_INK}", color="{_LINE}", fillcolor=white,
        shape=box, style="rounded,filled", margin="0.14,0.08", height=0.36, width=0.5];
  edge [fontname="Helvetica,Arial,sans-serif", fontsize=9, fontcolor="{_GREY}", color="{_LINE}", arrowsize=0.6];"""

_SYMBOLS = {
    "add": "+", "sub": "−", "neg": "−", "mul": "×", "scale": "×", "div": "÷", "sum": "Σ", "contract": "matmul",
    "less": "<", "less_equal": "≤", "equal": "=", "not_equal": "≠",
}  # fmt: skip
_CIRCLES = ("+", "−", "×", "÷")


def to_dot(outputs: Sequence[Tensor], wrt: Tree, backward: bool, depth: int | None = None) -> str:
    """The graph of ``outputs`` in DOT; with ``backward``, of one, the local derivatives on edges that gradients go."""
    graph = drawn_graph(outputs, depth, None if backward else LARGEST)
    scalar = len(outputs) == 1 and not outputs[0].shape
    names = names_of(_below(graph), wrt, output="E" if scalar else "")
    back = _backward(outputs[0], wrt) if backward else None
    classes = classes_of(wrt)
    frames = _frames(graph, classes)
    statements = _nodes(graph, names, back, classes)
    lines = [*_clusters(graph, frames, statements, classes), *_arrows(graph, names, back), *_heights(graph, frames)]
    return "\n".join(["digraph {", _HEAD, *lines, "}", ""])


def _below(graph: DrawnGraph) -> list[Tensor]:
    """All nodes of the graph that is drawn, the outputs last."""
    return toposort([*graph.inside, *graph.nodes])


def _backward(output: Tensor, wrt: Tree) -> BackwardPass:
    if output.dtype.kind != "f":
        raise GradientError(output.site.after(f"only floats have gradients to draw, this tensor is {output.dtype}"))
    return backward_pass(output, targets(output, wrt), placeholder(output.shape, output.dtype, "cotangent"))


# Nodes


def _nodes(graph: DrawnGraph, names: Names, back: BackwardPass | None, classes: dict[str, str]) -> dict[Tensor, str]:
    """The statement of each node."""
    uses = _uses(back)

    def statement(node: Tensor) -> str:
        if node in graph.boxes:
            return _box(graph.boxes[node], node, classes)
        return _node(node, names, graph.scopes[node], uses)

    return {node: f"n{i} [{statement(node)}];" for i, node in enumerate(graph.nodes)}


def _box(scope: str, node: Tensor, classes: dict[str, str]) -> str:
    """A collapsed module: its name, and its class if that is known."""
    lines = [f"<b>{_line(_own_name(scope, classes))}</b>"]
    lines += [_line(classes[scope], _GREY, 9)] if scope in classes else []
    return f'label=<{"<br/>".join(lines)}>, fillcolor="{_PAPER}", penwidth=1.6, tooltip="{_escape(scope)}"'


def _own_name(scope: str, classes: dict[str, str]) -> str:
    """The name of a module in the one that it is a part of: ``conv``, or ``paths.0`` for what a list of that holds."""
    parts = scope.split(".")
    start = len(parts) - 1
    while start and _is_holder(".".join(parts[:start]), classes):
        start -= 1
    return ".".join(parts[start:])


def _is_holder(scope: str, classes: dict[str, str]) -> bool:
    """Whether this is no module, but a list or a dict of modules."""
    return scope not in classes and any(name.startswith(f"{scope}.") for name in classes)


def classes_of(wrt: Tree) -> dict[str, str]:
    """The class of each module by its name, if ``wrt`` is one."""
    if not hasattr(wrt, "named_modules"):
        return {}
    return {name: type(module).__name__ for name, module in wrt.named_modules()}  # pyright: ignore


def _uses(back: BackwardPass | None) -> dict[Tensor, int]:
    """How often the cotangent of each node is used; no node at all without a backward pass."""
    if back is None:
        return {}
    uses = dict.fromkeys(back.cotangents, 0)
    for e in back.edges:
        uses[e.node] += 1
    return uses


def _node(node: Tensor, names: Names, scope: str, uses: dict[Tensor, int]) -> str:
    if is_leaf(node):
        return _leaf(node, names[node].removeprefix(f"{scope}."))
    symbol = _symbol(node, names)
    kinked = node.op.kink is not None
    title = _line(symbol, size=14 if symbol in _CIRCLES else 12) + (_line(" ∠", _KINK) if kinked else "")
    label = "<br/>".join([title, *_backward_lines(node, names, uses)])
    if kinked:
        return f'label=<{label}>, color="{_KINK}", tooltip="has a kink"'
    small = ", shape=circle, width=0.36, fixedsize=true, margin=0" if symbol in _CIRCLES and not uses else ""
    return f"label=<{label}>{small}"


def _leaf(node: Tensor, name: str) -> str:
    fill, line = _DATA if node.owner is None else _PARAMETER
    shape = 'box, style=filled, margin="0.1,0.08"' if node.owner is not None else 'ellipse, margin="0.06,0.03"'
    title = f"<b>{_line(name)}</b>" if node.owner is not None or node.op is INPUT else _line(name)
    label = f"{title}<br/>{_line(shape_text(node.shape), _GREY, 9)}"
    return f'label=<{label}>, shape={shape}, fillcolor="{fill}", color="{line}"'


def _backward_lines(node: Tensor, names: Names, uses: dict[Tensor, int]) -> Iterator[str]:
    """With a backward pass: the name that the local derivatives use, and how often the cotangent is used."""
    if uses:
        reused = f", used {uses[node]}×" if uses.get(node, 0) > 1 else ""
        yield _line(names[node], _GREY, 9) + (_line(reused, _BACK, 9) if reused else "")


def _symbol(node: Tensor, names: Names) -> str:
    """The op in a word or a sign, with the numbers that are its inputs: ``relu``, ``+``, ``÷ 4``."""
    if node.dtype == TUPLE:
        return f"loop of {node.attrs['body'].length} steps"
    sign = _SYMBOLS.get(node.op.name, node.op.name)
    sources = [origin(i) for i in node.inputs]
    if not any(map(is_folded, sources)):
        return sign
    shown = [names[s] if is_folded(s) else "" for s in sources]
    if len(shown) == 2:
        return f"{shown[0].strip('()')} {sign} {shown[1]}".strip()
    return f"{sign}({', '.join(text or '·' for text in shown)})"


def _line(text: str, colour: str = "", size: int = 0) -> str:
    """Text for an HTML-like label: escaped, in a colour and a size in points."""
    style = (f' color="{colour}"' if colour else "") + (f' point-size="{size}"' if size else "")
    return f"<font{style}>{_escape(text)}</font>" if style else _escape(text)


def _escape(text: str) -> str:
    """Text without control characters, which no label can hold, and with the signs of markup spelled out."""
    return html.escape(re.sub(r"[\x00-\x1f\x7f]", " ", text))


# Arrows


def _arrows(graph: DrawnGraph, names: Names, back: BackwardPass | None) -> Iterator[str]:
    ids = {node: f"n{i}" for i, node in enumerate(graph.nodes)}
    active = set() if back is None else {(e.node, e.k) for e in back.edges}
    shown = {n: names[origin(n)] for n in names}
    for a in graph.arrows:
        style = _label(a, shown, (a.user, a.k) in active) | _stroke(a, (a.user, a.k) in active)
        if graph.scopes[a.source] == graph.scopes[a.user]:
            style["weight"] = "4"  # keeps a frame together and straight
        attributes = ", ".join(f"{key}={value}" for key, value in style.items())
        yield f"  {ids[a.source]} -> {ids[a.user]} [{attributes}];"


def _label(a: Arrow, names: Names, active: bool) -> dict[str, str]:
    """The shape, and below it the local derivative if a gradient comes back here."""
    lines = [_line(f" {a.label} ")] if a.label else []
    factor = _factor(a, names) if active else ""
    lines += [_line(f" {factor} ", _BACK)] if factor else []
    return {"label": f"<{'<br/>'.join(lines)}>"} if lines else {}


def _factor(a: Arrow, names: Names) -> str:
    """What the cotangent is multiplied with, in the names that stand inside the user's frame; nothing for 1."""
    inside = {n: names[n].removeprefix(f"{a.user.scope}.") for n in (a.user, *a.user.inputs)}
    text = slope(a.user, a.k, inside)
    return text if a.user.op is CONTRACT else "" if text == "1" else f"× {as_factor(text)}"


def _stroke(a: Arrow, active: bool) -> dict[str, str]:
    """Two heads where a gradient comes back; a skip edge, into the sum of a residual block, is drawn heavier; what a
    step leaves to the next one is dashed."""
    back = {"color": f'"{_BACK}"', "dir": "both", "arrowtail": "empty"} if active else {}
    again = {"style": "dashed", "constraint": "false"} if a.returns else {}
    return ({"color": f'"{_INK}"', "penwidth": "1.6"} if a.skips else {}) | again | back


def _heights(graph: DrawnGraph, frames: Frames) -> Iterator[str]:
    ids = {node: f"n{i}" for i, node in enumerate(graph.nodes)}
    heights = Heights(graph, frames)
    for level in heights.level:
        yield f"  {{rank=same; {' '.join(ids[node] for node in level)}}}"
    for above, below in heights.below:
        yield f"  {ids[above]} -> {ids[below]} [style=invis, weight=0];"


# Clusters


def _frames(graph: DrawnGraph, classes: dict[str, str]) -> Frames:
    """The modules that have a frame around the nodes of each scope, the outermost first."""
    return {scope: [s for s in ancestors(scope) if not _is_holder(s, classes)] for scope in graph.scopes.values()}


def _clusters(
    graph: DrawnGraph, frames: Frames, statements: dict[Tensor, str], classes: dict[str, str]
) -> Iterator[str]:
    """The nodes of each module inside a frame with its name, frames inside frames."""
    content: dict[str, list[str]] = {}
    for node, scope in graph.scopes.items():
        content.setdefault(["", *frames[scope]][-1], []).append(statements[node])
    children: dict[str, dict[str, None]] = {}
    for around in frames.values():
        for above, scope in pairwise(["", *around]):
            children.setdefault(above, {})[scope] = None
    titles = {scope: _title(scope, classes) for around in frames.values() for scope in around}
    return _frame("", "  ", content, children, titles)


def _title(scope: str, classes: dict[str, str]) -> str:
    """The name of a frame, and its class beside a name that is a number."""
    name = _own_name(scope, classes)
    kind = classes.get(scope, "") if name.rpartition(".")[2].isdigit() else ""
    return f"<b>{_line(name)}</b>" + (f" {_line(kind, size=9)}" if kind else "")


def _frame(
    scope: str, indent: str, content: dict[str, list[str]], children: dict[str, dict[str, None]], titles: dict[str, str]
) -> Iterator[str]:
    yield from (indent + line for line in content.get(scope, []))
    for child in children.get(scope, {}):
        yield f"{indent}subgraph cluster_{[*titles].index(child)} {{"
        yield f"{indent}  label=<{titles[child]}>;"
        yield from _frame(child, indent + "  ", content, children, titles)
        yield f"{indent}}}"


__all__ = ["to_dot"]
