"""What the page calls: a chunk of a training step, one sample looked at closely, the surface, and random numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.diff import grad
from subgrad.graph.tensor import Tensor
from subgrad.ops import random
from subgrad.playground.family import Family, Sizes, chosen

CHUNK = 32
"""Samples that a call of ``step`` takes; a batch is a row of calls, so it may be of any size."""

ROW = 64
"""Places at which a call computes the surface."""

Routine = tuple[Callable[..., Any], tuple[np.ndarray, ...]]


def drawn(sizes: Sizes) -> int:
    """Random numbers that a call draws: enough for a batch of 64, and for the weights of a layer."""
    return max(64, sizes.width**2, sizes.outputs * (sizes.width + 2))


def routines(family: Family, sizes: Sizes) -> dict[str, Routine]:
    """Functions by name, each with an example of its arguments; the family's parameters are their state."""
    outputs = sizes.outputs

    def step(x: Tensor, target: Tensor, share: Tensor, first: Tensor, last: Tensor, size: Tensor):
        """Gathers the gradient of a chunk; the last one of a batch takes the step.

        x (CHUNK, 2), target (CHUNK, outputs), share (CHUNK,): what each sample counts in the mean, 0 for none. Returns
        the loss with the penalty, the norm of the gradient and the size of the step; they count after the last chunk.
        """
        parameters = dict(family.named_parameters())
        losses = family.each_loss(family.scores(x, family.layers(x).after[-1]), target)
        found, slopes = (share * losses).sum(), {}
        loss = found + ops.where(first > 0, 0, family.gathered)
        for name, slope in grad(found, parameters).items():
            slopes[name] = slope + ops.where(first > 0, 0, family.gradients[name])
        penalty = family.penalty()
        loss_now = loss + penalty
        now = {name: slopes[name] + slope for name, slope in grad(penalty, parameters).items()}
        norm = ops.sqrt(reduce(operator.add, [ops.square(g).sum() for g in now.values()]))
        size_now = _size(family.rule, size, loss_now, norm)
        family.gathered.assign(ops.where(last > 0, loss_now, loss))
        for name, p in parameters.items():
            family.gradients[name].assign(ops.where(last > 0, now[name], slopes[name]))
            p.assign(p - last * size_now * now[name])
        for setting in family.settings():
            setting.assign(setting)
        return {"loss": loss_now, "norm": norm, "taken": size_now}

    def look(x: Tensor, target: Tensor):
        """One sample: units before and after their activations, scores, the loss, and its derivatives by them."""
        before, after = family.layers(x)
        scores = family.scores(x, after[-1])
        loss = family.each_loss(scores, target).sum()
        by_scores, by_before, by_after = grad(loss, (scores, before, after))
        return {
            "before": _stacked(before), "after": _stacked(after), "scores": scores[0], "loss": loss,
            "by_before": _stacked(by_before), "by_after": _stacked(by_after), "by_scores": by_scores[0],
        }  # fmt: skip

    def surface(x: Tensor):
        """Units before their activations (ROW, depth, width), and scores (ROW, outputs)."""
        before, after = family.layers(x)
        return {"units": ops.stack(before, 1), "scores": family.scores(x, after[-1])}

    def draw(seed: Tensor):
        """Numbers in [0, 1), which follow from two integers."""
        return random.uniform(seed, (drawn(sizes),))

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    return {
        "step": (step, (zeros(CHUNK, 2), zeros(CHUNK, outputs), zeros(CHUNK), zeros(), zeros(), zeros())),
        "look": (look, (zeros(1, 2), zeros(1, outputs))),
        "surface": (surface, (zeros(ROW, 2),)),
        "draw": (draw, (np.zeros(2, np.int64),)),
    }


def _size(rule: Tensor, size: Tensor, loss: Tensor, norm: Tensor) -> Tensor:
    """The step size that a rule makes of its number, as in `subgrad.optim.step`."""
    still = norm == 0
    length = ops.where(still, 0, size / norm)
    polyak = ops.where(still, 0, ops.maximum(loss - size, 0) / norm / norm)
    return chosen(rule, [size, length, polyak])


def _stacked(rows: list[Tensor]) -> Tensor:
    return ops.concatenate(rows, 0)


__all__ = ["CHUNK", "ROW", "drawn", "routines"]
