"""Muon: steps along the orthogonal part of the momentum of each matrix."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad import ops, validators
from subgrad.graph.tensor import Tensor
from subgrad.optim.adam import AdamW
from subgrad.optim.optimizer import Now, State, Tensors, decayed, zeros
from subgrad.optim.step.parsing import step_rule

NEWTON_SCHULZ = 3.4445, -4.7750, 2.0315
"""x <- a x + b x³ + c x⁵ brings singular values near 1 in few rounds, without reaching it."""


@dataclass(frozen=True)
class Muon(AdamW):
    """x <- x - a_k (0.2 sqrt(max(rows, columns)) O + weight_decay x), O the momentum with singular values near 1, for
    matrices; `AdamW` for all other parameters, with the same a_k.

    Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024; the factor, by which a step is as long
    as Adam's, is that of Liu et al., Muon is Scalable for LLM Training, 2025, arXiv:2502.16982 (PyTorch's
    ``match_rms_adamw``). Kernels of convolutions are matrices with a row for each output channel. Embeddings and the
    last layer are usually left to AdamW: by `groups`.

    Args:
        lr: the step size a_k: a number, a step rule, or a rule's text.
        betas, eps: as for `AdamW`.
        weight_decay: the rate of the decay, times a_k.
        momentum: the weight of the past in a matrix's momentum, in [0, 1); Nesterov's.
        rounds: how often Newton and Schulz's iteration is applied.

    Raises:
        ArgumentError: for a setting outside its domain.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import optim
        >>> x = sg.Parameter([[3.0, 0.0], [0.0, 0.5]])
        >>> muon = optim.Muon(lr=0.5, weight_decay=0.0)
        >>> state = optim.update([x], sg.grad((x * x).sum(), [x]), muon, muon.init([x]))
        >>> (x < sg.tensor([[3.0, 0.1], [0.1, 0.5]])).tolist()  # both directions, however large their gradients are
        [[True, True], [True, True]]
    """

    momentum: float = 0.95
    rounds: int = 5

    name = "muon"

    def __post_init__(self) -> None:
        super().__post_init__()
        validators.validate(self, lr=step_rule, momentum=validators.decay, rounds=validators.count)

    def _start(self, params: Tensors) -> State:
        matrices, others = _apart(params)
        return {"momentum": zeros(matrices), **super()._start(others)}

    def _directions(self, grads: Tensors, state: State, params: Tensors, now: Now) -> tuple[Tensors, State]:
        matrices, others = _apart(grads)
        of_matrices, of_others = _apart(params)
        momenta = [self.momentum * m + g for m, g in zip(state["momentum"], matrices, strict=True)]
        ahead = [self.momentum * m + g for m, g in zip(momenta, matrices, strict=True)]
        turned = decayed([self._orthogonal(m) for m in ahead], of_matrices, self.weight_decay)
        plain, slots = super()._directions(others, state, of_others, now)
        found = {True: iter(turned), False: iter(plain)}
        return [next(found[_is_matrix(p)]) for p in params], {"momentum": momenta, **slots}

    def _orthogonal(self, momentum: Tensor) -> Tensor:
        x = momentum.reshape(momentum.shape[0], -1)
        rows, columns = x.shape
        x = x / (ops.norm(x) + 1e-7)
        if rows > columns:
            x = x.T
        a, b, c = NEWTON_SCHULZ
        for _ in range(self.rounds):
            square = x @ x.T
            x = a * x + (b * square + c * (square @ square)) @ x
        return (0.2 * max(rows, columns) ** 0.5 * (x.T if rows > columns else x)).reshape(momentum.shape)


def _is_matrix(x: Tensor) -> bool:
    return x.ndim >= 2 and x.size > 0


def _apart(tensors: Tensors) -> tuple[list[Tensor], list[Tensor]]:
    """Matrices, and all others."""
    return [x for x in tensors if _is_matrix(x)], [x for x in tensors if not _is_matrix(x)]


__all__ = ["Muon"]
