"""PyTorch. Training variants: eager; eager-fused (its fused optimisers); compile (model with loss, and the optimiser's
step, each compiled); compile-step (forward, backward and update compiled as one graph).
Inference variants: eager, jit (traced, frozen, optimised), compile (with weights frozen into the code).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from bench import arrays
from bench.peers import Call, Run
from bench.workloads import BETAS, EPSILON, GATES, MOMENTUM, Workload

LAYERS = {"relu": nn.ReLU, "tanh": nn.Tanh}
LOSSES = {"bce": F.binary_cross_entropy_with_logits, "mse": F.mse_loss, "ce": F.cross_entropy}

Step = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def train(workload: Workload, variant: str) -> Run:
    X, Y = map(torch.from_numpy, arrays.data(workload))
    model, order = network(workload).train(), {}
    step = {"compile": compiled_parts, "compile-step": compiled_step}.get(variant, eager)(workload, model, variant)

    def run(steps: int) -> float:
        if steps not in order:
            order[steps] = torch.from_numpy(arrays.batches(workload, steps)).unbind(0)
        if workload.full_batch:
            losses = [step(X, Y) for _ in order[steps]]
        else:
            losses = [step(X[rows], Y[rows]) for rows in order[steps]]
        return float(torch.stack(losses).mean())

    return run


def network(workload: Workload) -> nn.Sequential:
    """The workload's network with its initial weights."""
    width, layers = workload.inputs[-1], []
    for kind, *sizes in workload.layers:
        layers.append(_layer(kind, width, *sizes))
        width = sizes[0] if sizes else width
    model = nn.Sequential(*layers)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), arrays.initial(workload), strict=True):
            parameter.copy_(torch.from_numpy(value))
    return model


def _layer(kind: str, width: int, *sizes: int) -> nn.Module:
    if kind == "linear":
        return nn.Linear(width, *sizes)
    if kind in GATES:
        return Recurrent(kind, width, *sizes)
    if kind not in LAYERS:
        raise NotImplementedError(f"no layer {kind}")
    return LAYERS[kind]()


class Recurrent(nn.Module):
    """The last state of a recurrent layer."""

    def __init__(self, kind: str, width: int, size: int) -> None:
        super().__init__()
        self.layer = {"rnn": nn.RNN, "lstm": nn.LSTM}[kind](width, size, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0][:, -1]


def eager(workload: Workload, model: nn.Module, variant: str) -> Step:
    loss, optimizer = LOSSES[workload.loss], make_optimizer(workload, model, fused=variant == "eager-fused")
    return _three_calls(lambda x, y: loss(model(x), y), optimizer.step, optimizer)


def compiled_parts(workload: Workload, model: nn.Module, variant: str) -> Step:
    loss, optimizer = LOSSES[workload.loss], make_optimizer(workload, model)
    forward = torch.compile(lambda x, y: loss(model(x), y))
    return _three_calls(forward, torch.compile(lambda: optimizer.step()), optimizer)


def _three_calls(forward: Step, update: Callable[[], object], optimizer: torch.optim.Optimizer) -> Step:
    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = forward(x, y)
        loss.backward()
        update()
        optimizer.zero_grad()
        return loss.detach()

    return step


def make_optimizer(workload: Workload, model: nn.Module, fused: bool = False) -> torch.optim.Optimizer:
    name, rate = workload.optimizer
    settings = {"fused": True} if fused else {}
    if name == "adam":
        return torch.optim.Adam(model.parameters(), rate, BETAS, EPSILON, **settings)
    return torch.optim.SGD(model.parameters(), rate, MOMENTUM if name == "momentum" else 0, **settings)


def compiled_step(workload: Workload, model: nn.Module, variant: str) -> Step:
    """Gradients by function transform and the update written out, so that all of it can be one compiled graph."""
    loss, update = LOSSES[workload.loss], UPDATES[workload.optimizer[0]]
    values = {name: p.detach() for name, p in model.named_parameters()}
    state = [[torch.zeros_like(p) for p in values.values()] for _ in range(2)]
    count, rate = torch.zeros(()), workload.optimizer[1]

    def measure(values, x, y):
        return loss(torch.func.functional_call(model, values, (x,)), y)

    def step(x, y):
        gradients, value = torch.func.grad_and_value(measure)(values, x, y)
        count.add_(1)
        for i, name in enumerate(values):
            update(values[name], gradients[name], rate, state[0][i], state[1][i], count)
        return value

    return torch.no_grad()(torch.compile(step, fullgraph=True))


def _sgd(p, g, rate, first, second, count):
    p.sub_(rate * g)


def _momentum(p, g, rate, first, second, count):
    first.mul_(MOMENTUM).add_(g)
    p.sub_(rate * first)


def _adam(p, g, rate, first, second, count):
    first.mul_(BETAS[0]).add_((1 - BETAS[0]) * g)
    second.mul_(BETAS[1]).add_((1 - BETAS[1]) * g * g)
    scale = (second / (1 - BETAS[1] ** count)).sqrt() + EPSILON
    p.sub_(rate * (first / (1 - BETAS[0] ** count)) / scale)


UPDATES = {"sgd": _sgd, "momentum": _momentum, "adam": _adam}


def infer(workload: Workload, variant: str) -> Call:
    model = _for_inference(network(workload).eval(), workload, variant)
    context = torch.no_grad if variant == "compile" else torch.inference_mode

    def call(x: np.ndarray) -> np.ndarray:
        with context():
            return model(torch.from_numpy(x)).numpy()

    return call


def _for_inference(model: nn.Module, workload: Workload, variant: str) -> Callable[[torch.Tensor], torch.Tensor]:
    if variant == "jit":
        example = torch.zeros(workload.batch, *workload.inputs)
        return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, example)))
    if variant == "compile":
        import torch._inductor.config as inductor

        inductor.freezing = True
        return torch.compile(model)
    return model
