"""Dead results of loops are removed, and loops with the same body become one loop.

Backpropagation makes a second forward loop. It computes what the first one does, and saves values for the way back.
Here the two become one loop, which computes only the results that another node reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from subgrad import ops
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import CONST, INPUT, Tensor, placeholder
from subgrad.ops.contract import contract
from subgrad.ops.shape import cast
from subgrad.ops.tuples import part
from subgrad.recur.loop import Loop, loop

Simplify = Callable[[Sequence[Tensor]], list[Tensor]]


def has_loops(outputs: Sequence[Tensor]) -> bool:
    """Whether a graph has a loop."""
    return any(n.op is loop for n in toposort(outputs))


def tidied(outputs: Sequence[Tensor], simplify: Simplify) -> list[Tensor]:
    """The graph with each loop in the form that the later passes expect.

    In a body of that form each carry is a computed node of its own, and each y is a computed node or a carry.
    ``simplify`` is done to the bodies.
    """
    order = toposort(outputs)
    families: dict[Any, _Family] = {}
    of: dict[Tensor, _Family] = {}
    for node in order:
        if node.op is loop:
            of[node] = families.setdefault(_key(node), _Family(node, simplify))
    needed = _needed(outputs, of)
    new: dict[Tensor, Tensor] = {}
    for node in order:
        if node not in needed:
            continue
        if node.op is part:
            new[node] = of[node.inputs[0]].given(node, new)
        else:
            new[node] = substitute([node], {i: new[i] for i in node.inputs})[0]
    return [new[o] for o in outputs]


def _needed(outputs: Sequence[Tensor], of: dict[Tensor, _Family]) -> set[Tensor]:
    """The nodes that ``outputs`` are computed from, but for loops, which note what is wanted of them.

    A loop whose results are not all wanted may not need all of its inputs either, such as rows that an earlier loop
    has saved for it.
    """
    found, pending = set(), [*outputs]
    while pending:
        node = pending.pop()
        if node not in found:
            found.add(node)
            pending.extend(of[node.inputs[0]].want(node) if node.op is part else node.inputs)
    return found


def _key(node: Tensor) -> Any:
    """Equal for loops that do the same steps."""
    body = node.attrs["body"]
    return tuple(map(id, (*node.inputs, *body.places, *body.after))), body.length, body.reverse


def _body_node(node: Tensor) -> Tensor | int:
    """What a part is of: the number of a carry, or a node of the body."""
    body, index = node.inputs[0].attrs["body"], node.attrs["index"]
    return index if index < len(body.carry) else body.outputs[index]


class _Family:
    """Loops that do the same steps, and differ in what they give."""

    def __init__(self, node: Tensor, simplify: Simplify) -> None:
        self.node, self.body, self.simplify = node, node.attrs["body"], simplify
        self.wanted: dict[Tensor | int, None] = {}
        self.results: dict[Tensor | int, Tensor] | None = None

    def want(self, node: Tensor) -> list[Tensor]:
        """Note that somebody reads a part; the inputs of the loop that are needed by now."""
        wanted = _body_node(node)
        if wanted in self.wanted:
            return []
        self.wanted[wanted] = None
        body, ys = self.body, [y for y in self.wanted if isinstance(y, Tensor)]
        live = self._live(ys)
        used = {*toposort([*ys, *(body.after[k] for k in live)]), *(body.carry[k] for k in live)}
        return [x for p, x in zip(body.places, self.node.inputs, strict=True) if p in used]

    def given(self, node: Tensor, new: dict[Tensor, Tensor]) -> Tensor:
        """What stands for a part now; ``new`` has what stands for the loop's inputs, as far as they are needed."""
        if self.results is None:
            self.results = self._made([new.get(i, i) for i in self.node.inputs])
        return self.results[_body_node(node)]

    def _made(self, inputs: Sequence[Tensor]) -> dict[Tensor | int, Tensor]:
        """The loop, and the tensor for each wanted result."""
        old = self.body
        ys = [y for y in self.wanted if isinstance(y, Tensor)]
        still = [k for k, h in enumerate(old.carry) if old.after[k] is h]
        moving = [k for k in self._live(ys) if k not in still]
        new = {p: placeholder(p.shape, p.dtype, p.attrs["name"]) for p in old.places}
        nodes = self.simplify(substitute([*(old.after[k] for k in moving), *ys], new))
        outer = dict(zip((new[p] for p in old.places), inputs, strict=True))
        nodes, outer = _laid_out(nodes, outer, {new[p] for p in old.consts} | {new[old.carry[k]] for k in still})
        carry = {new[old.carry[k]]: outer[new[old.carry[k]]] for k in moving}
        xs = {p: outer[p] for p in (new[x] for x in old.xs)}
        made = _Maker(outer, carry, xs, old.length, old.reverse).run(nodes)
        last = {k: inputs[len(old.consts) + k] for k in still}
        last |= dict(zip(moving, made, strict=False))
        return {**last, **dict(zip(ys, made[len(moving) :], strict=True))}

    def _live(self, ys: Sequence[Tensor]) -> list[int]:
        """The carries that a wanted result depends on, in any number of steps."""
        body = self.body
        number = {h: k for k, h in enumerate(body.carry)}
        found = {w for w in self.wanted if isinstance(w, int)}
        pending = [*ys, *(body.after[k] for k in found)]
        while pending:
            needed = {number[n] for n in toposort(pending) if n in number} - found
            found |= needed
            pending = [body.after[k] for k in needed]
        return sorted(found)


def _laid_out(
    nodes: Sequence[Tensor], outer: dict[Tensor, Tensor], consts: set[Tensor]
) -> tuple[list[Tensor], dict[Tensor, Tensor]]:
    """The body with constant matrices turned, once and outside, such that products read them along their rows."""
    outer, new = dict(outer), {}
    for node in toposort(nodes):
        if node.op is contract:
            terms, out = node.attrs["spec"].split("->")
            left, right = terms.split(",")
            for i, (term, other) in enumerate(((left, right), (right, left))):
                p = node.inputs[i]
                if p in consts and out and out[-1] in term[:-1] and out[-1] not in other:
                    turned = [a for a, c in enumerate(term) if c != out[-1]] + [term.index(out[-1])]
                    place = placeholder([p.shape[a] for a in turned], p.dtype, p.attrs["name"])
                    outer[place] = ops.transpose(outer[p], turned)
                    spec = [left, right]
                    spec[i] = "".join(term[a] for a in turned)
                    inputs = tuple(place if k == i else x for k, x in enumerate(node.inputs))
                    new[node] = apply(contract, inputs, {"spec": f"{spec[0]},{spec[1]}->{out}"})
    return _replaced(nodes, new), outer


def _replaced(nodes: Sequence[Tensor], new: dict[Tensor, Tensor]) -> list[Tensor]:
    """As `substitute`, where the nodes to be put in read nodes that are to be replaced as well."""
    found: dict[Tensor, Tensor] = {}
    for node in toposort(nodes):
        template = new.get(node, node)
        found[node] = substitute([template], {i: found[i] for i in template.inputs if i in found})[0]
    return [found[n] for n in nodes]


class _Maker:
    """Makes a loop of a body whose nodes are final, with no result that is a copy of something else."""

    def __init__(
        self, outer: dict[Tensor, Tensor], carry: dict[Tensor, Tensor], xs: dict[Tensor, Tensor], length: int,
        reverse: bool,
    ) -> None:  # fmt: skip
        self.outer, self.carry, self.xs, self.length, self.reverse = outer, carry, xs, length, reverse

    def run(self, nodes: Sequence[Tensor]) -> list[Tensor]:
        """The tensor outside for each of ``nodes``: the carry after a step, then what a step gives."""
        after: list[Tensor] = []
        for node in nodes[: len(self.carry)]:
            after.append(_copy(node) if _is_leaf(node) or node.op is part or node in set(after) else node)
        was = dict(zip(nodes, after, strict=False))
        given = [was.get(y, y) if not _is_leaf(y) else y for y in nodes[len(self.carry) :]]
        given = [_copy(y) if y.op is part else y for y in given]
        inside = [y for y in dict.fromkeys(given) if y in self.carry or not (_is_leaf(y) or y.op is ops.full)]
        made = self._loop(after, inside)
        last, rows = made[: len(after)], dict(zip(inside, made[len(after) :], strict=True))
        return [*last, *(rows[y] if y in rows else self._outside(y) for y in given)]

    def _loop(self, after: Sequence[Tensor], ys: Sequence[Tensor]) -> list[Tensor]:
        """The results of the loop; of none if nothing is left to do."""
        if not after and not ys:
            return []
        nodes = _with_sources_of_its_own([*after, *ys])
        after, ys, used = nodes[: len(after)], nodes[len(after) :], set(toposort(nodes))
        consts = [p for p in self.outer if p in used and p not in self.carry and p not in self.xs]
        xs = [p for p in self.xs if p in used]
        body = Loop(consts, list(self.carry), xs, after, ys, self.length, self.reverse)
        node = apply(loop, tuple(self.outer[p] for p in body.places), {"body": body})
        return [part(node, i) for i in range(len(body.outputs))]

    def _outside(self, y: Tensor) -> Tensor:
        """All rows of a y that is nothing but an input of the loop, or a number."""
        if y in self.xs:
            return self.xs[y]
        return ops.broadcast_to(self.outer.get(y, y), (self.length, *y.shape))


def _with_sources_of_its_own(nodes: Sequence[Tensor]) -> list[Tensor]:
    """The body, which shares no `arange` or `full` with the graph around it or with another body.

    A node has one place in memory, and is computed there either before a loop or in each of its steps.
    """
    sources = [n for n in toposort(nodes) if not (n.inputs or _is_leaf(n))]
    return substitute(nodes, {n: apply(n.op, (), n.attrs) for n in sources})


def _is_leaf(node: Tensor) -> bool:
    return node.op in (CONST, INPUT)


def _copy(node: Tensor) -> Tensor:
    return apply(cast, (node,), {"dtype": node.dtype})


__all__ = ["has_loops", "tidied"]
