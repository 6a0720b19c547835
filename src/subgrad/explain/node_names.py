"""What the nodes of a graph are called: by the user's names where there are any, else w1, w2, ..., x1, x2, ..."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from subgrad.graph.op import Op
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.graph.tree import Tree, named_leaves
from subgrad.ops import full

# A `defop` decorator gives Any; this name tells readers and type checkers that it is an op.
FULL: Op = full


def is_folded(node: Tensor) -> bool:
    """True for a node that is one number everywhere: it is written inside the formulas that use it."""
    return node.op is FULL


def names_of(order: Sequence[Tensor], wrt: Tree = None, output: str = "") -> dict[Tensor, str]:
    """A name for each node of ``order``, which is topological; only numbers may share one.

    Parameters are called as in ``wrt`` (a module, or a dict of tensors), else w1, w2, ...; arguments by their own
    name; a constant by its number; the last node ``output``, if that is given; all the rest x1, x2, ...

    >>> import subgrad as sg
    >>> from subgrad.graph.order import toposort
    >>> w = sg.Parameter(2.0)
    >>> nodes = toposort([w * sg.tensor(3.0) + 1])
    >>> list(names_of(nodes).values()), list(names_of(nodes, {"speed": w}).values())
    (['w1', 'x1', 'x2', '1', 'x3'], ['speed', 'x1', 'x2', '1', 'x3'])
    """
    given = ({id(order[-1]): output} if output else {}) | _given(wrt)
    taken = {*given.values(), *(node.attrs["name"] for node in order if node.op is INPUT)}
    fresh = {letter: map(f"{letter}{{}}".format, count(1)) for letter in "wx"}
    used: set[str] = set()
    names: dict[Tensor, str] = {}
    for node in order:
        if is_folded(node):
            names[node] = number(node.attrs["value"])
        else:
            own = _own_name(node, given) or _next(fresh["x" if node.owner is None else "w"], taken, used)
            names[node] = _unlike(own, used)
            used.add(names[node])
    return names


def number(value: float) -> str:
    """A number as it stands in a formula: 2, 0.1, 1e-05; in parentheses if it is negative.

    >>> number(2.0), number(-0.5)
    ('2', '(-0.5)')
    """
    text = f"{value:.6g}"
    return f"({text})" if text.startswith("-") else text


def is_leaf(node: Tensor) -> bool:
    """True for data, parameters and arguments."""
    return node.op is CONST or node.op is INPUT


def _given(wrt: Tree) -> dict[int, str]:
    """The user's names by tensor. The places of a list are no names."""
    paths = {id(t): path for path, t in named_leaves(wrt)}
    return {key: path for key, path in paths.items() if path.strip(".0123456789")}


def _own_name(node: Tensor, given: dict[int, str]) -> str:
    return given.get(id(node.owner)) or given.get(id(node)) or (node.attrs["name"] if node.op is INPUT else "")


def _next(fresh: Iterator[str], taken: set[str], used: set[str]) -> str:
    return next(name for name in fresh if name not in taken and name not in used)


def _unlike(name: str, used: set[str]) -> str:
    """``name``, primed until it differs: a parameter may stand in a graph with an old and a new value."""
    while name in used:
        name += "′"
    return name
