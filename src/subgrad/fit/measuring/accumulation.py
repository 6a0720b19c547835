"""Gradients of several batches put together for one step of the optimiser, as one batch of all samples has them.

A mean over all samples is the sum of w l by the sum of w, so the mean of each batch is weighted with its sum of
weights, the number of samples if they have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from subgrad import ops
from subgrad.fit.measuring.measured import Measured, Term
from subgrad.graph.tensor import Tensor
from subgrad.graph.tree import Tree, leaves, rebuild


class Share(NamedTuple):
    """What a batch gives: the gradients, the loss, its `weight`, and what the loss is made of."""

    slopes: Sequence[Tensor]
    loss: Tensor
    weight: Tensor
    terms: Sequence[Term]

    @property
    def added(self) -> bool:
        """Whether the loss is a sum over samples."""
        return all(term.added for term in self.terms if term.name == "loss")

    @property
    def weighed(self) -> Tensor:
        """What is added up of the loss."""
        return self.loss if self.added else self.weight * self.loss


def start(optimizer: Any, params: Tree) -> Tree:
    """The state before the first batch."""
    zeros = [ops.zeros_like(p) for p in leaves(params)]
    nothing = ops.zeros((), dtype=zeros[0].dtype)
    return {"inner": optimizer.init(params), "sum": zeros, "loss": nothing, "weight": nothing + 0}


def weight(found: Measured, given: Tensor) -> Tensor:
    """The weight of a batch among others: its sum of weights if its loss is one weighted mean, else its samples."""
    terms = [term for term in found.terms if term.name == "loss"]
    if len(terms) == 1 and terms[0].weight is not None:
        return found.outputs[terms[0].weight]
    rows = given.reshape(given.shape[0], -1)[:, :1] if given.ndim > 1 else given
    return ops.ones_like(rows).astype(found.outputs[0].dtype).sum()


def update(
    optimizer: Any, share: Share, state: Tree, params: Sequence[Tensor], last: Tensor
) -> tuple[list[Tensor], Tree]:
    """What to add to the parameters, nothing until the ``last`` batch, and the new state."""
    factor = 1 if share.added else share.weight
    total = [s + factor * g for s, g in zip(state["sum"], share.slopes, strict=True)]
    loss, weight = state["loss"] + factor * share.loss, state["weight"] + share.weight
    whole = 1 if share.added else ops.where(weight > 0, weight, 1)
    updates, after = optimizer.update([t / whole for t in total], state["inner"], params, loss=loss / whole)
    now = last > 0
    inner = [ops.where(now, new, old) for new, old in zip(leaves(after), leaves(state["inner"]), strict=True)]
    sums, loss, weight = ([ops.where(now, 0, t) for t in many] for many in (total, [loss], [weight]))
    made = {"inner": rebuild(after, inner), "sum": sums, "loss": loss[0], "weight": weight[0]}
    return [ops.where(now, u, 0) for u in updates], made
