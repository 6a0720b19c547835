"""Loop-invariant code motion: products that need no value of the previous step are computed outside of the loop.

The products of all rows become one product before the loop; a sum of products over the steps becomes one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from subgrad import ops
from subgrad.diff.batching import batched
from subgrad.diff.vmap import for_all
from subgrad.graph.op import Kind, apply
from subgrad.graph.order import dependents, toposort
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.ops.contract import LETTERS, contract

Stack = Callable[[Tensor], Callable[[], Tensor]]
Later = Callable[[], Tensor]


def move_invariants(
    outputs: Sequence[Tensor], rows: Mapping[Tensor, Tensor], carry: Sequence[Tensor], steps: int
) -> tuple[list[Tensor], dict[Tensor, Tensor]]:
    """The body's outputs with the products that depend on rows only done before the loop, and the rows now."""
    order = toposort(outputs)
    waiting, moving = dependents(order, carry), dependents(order, rows)
    early = [n for n in order if n in moving and n not in waiting]
    heavy = dependents(order, [n for n in early if n.op is contract])
    read = {i for n in order if n in waiting for i in n.inputs} | set(outputs)
    done = [n for n in early if n in heavy and n in read]
    if not done:
        return list(outputs), dict(rows)
    places = {n: placeholder(n.shape, n.dtype, "a product of all rows") for n in done}
    together = for_all(done, dict(rows), steps)
    now = {**rows, **{places[n]: whole for n, whole in zip(done, together, strict=True)}}
    return substitute(outputs, places), now


def sum_over_steps(node: Tensor, varying: set[Tensor], stack: Stack, steps: int) -> Later | None:
    """The sum of a body's node over all steps, to be computed after the loop; None if the loop has to add it up.

    A sum of products over the steps is one product, whose reduction runs over the steps as well.

    Args:
        node: what to sum.
        varying: the nodes that are not the same in each step.
        stack: asks for a node's values in all steps; what it returns gives them after the loop is made.
        steps: their number.
    """
    if node not in varying:
        return lambda: node * float(steps)
    if node.op is contract:
        return _product(node, varying, stack, steps)
    if node.op is ops.sum:
        whole, axes = _stacked(node.inputs[0], stack, steps), (0, *(a + 1 for a in node.attrs["axis"]))
        return lambda: ops.sum(whole(), axes).reshape(node.shape)
    if node.op.kind is Kind.VIEW or node.op is ops.neg:
        inner = sum_over_steps(node.inputs[0], varying, stack, steps)
        return inner and (lambda: apply(node.op, (inner(),), node.attrs))
    if node.op is ops.add:
        a, b = (sum_over_steps(i, varying, stack, steps) for i in node.inputs)
        return (lambda: a() + b()) if a and b else None
    return None


def _product(node: Tensor, varying: set[Tensor], stack: Stack, steps: int) -> Later:
    spec = node.attrs["spec"]
    t = next(c for c in LETTERS if c not in spec)
    terms, out = spec.split("->")
    left, right = terms.split(",")
    a, b = (_stacked(i, stack, steps) if i in varying else None for i in node.inputs)
    if a and b:
        return lambda: apply(contract, (a(), b()), {"spec": f"{t}{left},{t}{right}->{out}"})
    first, second = node.inputs
    return lambda: apply(contract, (ops.sum(a(), 0) if a else first, ops.sum(b(), 0) if b else second), {"spec": spec})


def _stacked(node: Tensor, stack: Stack, steps: int) -> Later:
    """All values of a node; of a view, a view of all values of what it looks at."""
    if node.op.kind is not Kind.VIEW:
        return stack(node)
    inner = _stacked(node.inputs[0], stack, steps)
    return lambda: batched(node, [inner()], [True], steps)


__all__ = ["move_invariants", "sum_over_steps"]
