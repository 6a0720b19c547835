"""The subgradient method, with what it needs since it is no descent method: best iterate, average, bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from subgrad import ops, validators
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor
from subgrad.optim import step
from subgrad.optim.optimizer import Descent, Now, State, Tensors, zeros
from subgrad.optim.step.parsing import step_rule


@dataclass(frozen=True)
class Subgradient(Descent):
    """x <- x - a_k g for any subgradient g of the loss; a step may raise the loss, so the best iterate is kept.

    For convex f, x_1 at most R from an optimum and |g| <= G, the best value so far and the value at the average
    of the iterates, weighted by their steps, are both at most (R^2 + G^2 sum a_i^2) / (2 sum a_i) above the
    optimum (Shor, Minimization Methods for Non-Differentiable Functions, 1985; Boyd, Subgradient Methods, notes
    for Stanford's EE364b). This holds for the loss that the gradients belong to: not if they are clipped or
    decayed first, nor if each step sees other data.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        R: how far the start is from an optimum, at most; `bound` needs it.
        G: a bound on the norm of all subgradients. If None, `bound` takes the norms seen in its place, the sum
            of a_i^2 |g_i|^2, which is never larger.

    Raises:
        ArgumentError: for a setting outside its domain; in ``update``, if no loss is given.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([3.0])
        >>> method = optim.Subgradient(2.0, R=3.0, G=1.0)
        >>> state = method.init([x])
        >>> for _ in range(3):  # 3, 1, -1: it jumps over the optimum at 0
        ...     loss = sg.abs(x).sum()
        ...     state = optim.update([x], sg.grad(loss, [x]), method, state, loss)
        >>> method.best(state)[0].tolist(), float(method.best_value(state)), method.average(state)[0].tolist()
        ([1.0], 1.0, [1.0])
        >>> float(method.bound(state))  # (9 + 3 * 4) / (2 * 6)
        1.75
    """

    lr: step.Rule | float | str
    R: float | None = None
    G: float | None = None

    name = "subgradient"

    def __post_init__(self) -> None:
        at_most = validators.optional(validators.positive)
        validators.validate(self, lr=step_rule, R=at_most, G=at_most)

    def best(self, state: State) -> list[Tensor]:
        """The parameters at which the loss was least."""
        return state["best"]

    def best_value(self, state: State) -> Tensor:
        """The least loss so far; inf before the first step."""
        return state["best_value"]

    def average(self, state: State) -> list[Tensor]:
        """The mean of the iterates so far, weighted by their step sizes; zeros before the first step."""
        return state["average"]

    def bound(self, state: State) -> Tensor:
        """How far the best value and that at the average are above the optimum of a convex loss, at most.

        A scalar; inf before the first step. Raises `ArgumentError` if R was not given.
        """
        if self.R is None:
            raise ArgumentError("the bound needs R, the distance of the start from an optimum: give it to Subgradient")
        return (self.R**2 + state["squares"]) / (2 * state["steps"])

    def _start(self, params: Tensors) -> State:
        dtype = params[0].dtype
        return {
            "best": [p.detach() for p in params],
            "best_value": ops.full((), math.inf, dtype),
            "average": zeros(params),
            "steps": ops.zeros((), dtype),
            "squares": ops.zeros((), dtype),
        }

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        if now.loss is None:
            raise ArgumentError("Subgradient needs the loss at each step to know its best iterate, got None")
        better = now.loss < state["best_value"]
        steps = state["steps"] + now.size
        share = ops.where(steps == 0, 1, now.size / steps)  # no step yet: the average is the iterate itself
        length = now.size * (now.grad_norm if self.G is None else self.G)
        best = [ops.where(better, p, b) for p, b in zip(params, state["best"], strict=True)]
        averages = [a + share * (p - a) for p, a in zip(params, state["average"], strict=True)]
        return grads, {
            "best": best,
            "best_value": ops.where(better, now.loss, state["best_value"]),
            "average": averages,
            "steps": steps,
            "squares": state["squares"] + length * length,
        }


__all__ = ["Subgradient"]
