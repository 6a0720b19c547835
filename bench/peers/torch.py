"""PyTorch. Training variants: eager; eager-fused (its fused optimisers); compile (model with loss, and the optimiser's
step, each compiled); compile-step (forward, backward and update compiled as one graph). All but eager keep images with
channels last, which is how its users make convolutions fast.
Inference variants: eager, jit (traced, frozen, optimised), compile (with weights frozen into the code).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from bench.peers import Call, Run
from bench.peers.torch_layers import network
from bench.work import arrays
from bench.work.layers import GATES
from bench.work.workloads import BETAS, EPSILON, MOMENTUM, Workload


def cross_entropy(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(scores.flatten(0, -2), y.flatten())


def elbo(output: tuple[torch.Tensor, torch.Tensor, torch.Tensor], y: torch.Tensor) -> torch.Tensor:
    """The negative evidence lower bound, a mean over samples."""
    scores, mean, logvar = output
    unlike = F.binary_cross_entropy_with_logits(scores, y, reduction="sum")
    return (unlike + (mean * mean + logvar.exp() - logvar - 1).sum() / 2) / len(y)


def mean_square(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The sum over the members of an ensemble, each of which learns from its own."""
    if output.ndim == y.ndim:
        return F.mse_loss(output, y)
    return F.mse_loss(output, y.expand_as(output)) * len(output)


LOSSES = {"bce": F.binary_cross_entropy_with_logits, "mse": mean_square, "ce": cross_entropy, "elbo": elbo}

Step = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def train(workload: Workload, variant: str) -> Run:
    X, Y = map(torch.from_numpy, arrays.data(workload))
    model, order = network(workload, variant).train(), {}
    if workload.images and variant != "eager":
        X, model = X.to(memory_format=torch.channels_last), model.to(memory_format=torch.channels_last)
    step = {"compile": compiled_parts, "compile-step": compiled_step}.get(variant, eager)(workload, model, variant)

    def run(steps: int) -> float:
        if steps not in order:
            order[steps] = torch.from_numpy(arrays.batches(workload, steps)).unbind(0)
        if workload.full_batch:
            losses = [step(X, Y) for _ in order[steps]]
        else:
            losses = [step(X[rows], Y[rows]) for rows in order[steps]]
        return float(torch.stack(losses).mean()) / workload.members

    return run


def eager(workload: Workload, model: nn.Module, variant: str) -> Step:
    loss, optimizer = LOSSES[workload.loss], make_optimizer(workload, model, fused=variant == "eager-fused")
    return _three_calls(lambda x, y: loss(model(x), y), optimizer.step, optimizer)


def compiled_parts(workload: Workload, model: nn.Module, variant: str) -> Step:
    if any(kind == "burgers" for kind, *_ in workload.layers):
        raise NotImplementedError("torch.compile does not differentiate what it compiled a second time")
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
    if any(kind in (*GATES, "bigru") for kind, *_ in workload.layers):
        raise NotImplementedError("torch.compile makes no single graph of a network with recurrent layers")
    loss, update = LOSSES[workload.loss], UPDATES[workload.optimizer[0]]
    values, running = {name: p.detach() for name, p in model.named_parameters()}, _statistics(model)
    state = [[torch.zeros_like(p) for p in values.values()] for _ in range(2)]
    count, rate = torch.zeros(()), workload.optimizer[1]

    def measure(values, x, y):
        moved = {name: buffer.clone() for name, buffer in running.items()}
        return loss(torch.func.functional_call(model, {**values, **moved}, (x,)), y), moved

    def step(x, y):
        gradients, (value, moved) = torch.func.grad_and_value(measure, has_aux=True)(values, x, y)
        for name, buffer in running.items():
            buffer.copy_(moved[name])
        count.add_(1)
        for i, name in enumerate(values):
            update(values[name], gradients[name], rate, state[0][i], state[1][i], count)
        return value

    return torch.no_grad()(torch.compile(step, fullgraph=True))


def _statistics(model: nn.Module) -> dict[str, torch.Tensor]:
    """The running statistics of batch normalisations, without their counters, which only a momentum of None reads."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked = None
    return dict(model.named_buffers())


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
    model = _for_inference(network(workload, variant).eval(), workload, variant)
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
