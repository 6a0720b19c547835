"""This project. Variants: native; native-avx2, the same code generator held to AVX2."""

from __future__ import annotations

import os
import warnings

import subgrad as sg
from bench.peers import Call, Run
from bench.peers.subgrad_layers import elbo_loss, network
from bench.work import arrays
from bench.work.workloads import BETAS, EPSILON, MOMENTUM, Workload
from subgrad import nn
from subgrad.fit.engine import Compiled
from subgrad.fit.step import initial_state, trace_step
from subgrad.graph.tree import leaves

warnings.simplefilter("error")  # a fall-back to the interpreter says so in a warning; it must not be timed

LOSSES = {"bce": nn.binary_cross_entropy, "mse": nn.squared_loss, "ce": nn.cross_entropy,
          "elbo": elbo_loss}  # fmt: skip
OPTIMIZERS = {
    "sgd": sg.SGD,
    "momentum": lambda rate: sg.SGD(rate, momentum=MOMENTUM),
    "adam": lambda rate: sg.Adam(rate, BETAS, EPSILON),
}


def train(workload: Workload, variant: str) -> Run:
    """Steps through the engine that `subgrad.fit` drives, all of a run in one call."""
    _choose_cpu(variant)
    engine, order = start(workload), {}

    def run(steps: int) -> float:
        if steps not in order:
            order[steps] = list(arrays.batches(workload, steps))
        return float(engine.run(order[steps], seed=0, first_step=0).mean())

    return run


def start(workload: Workload) -> Compiled:
    """The engine with the workload's data, before its first step."""
    model, optimizer = network(workload).train(), OPTIMIZERS[workload.optimizer[0]](workload.optimizer[1])
    parameters, state = [p for _, p in model.named_state()], initial_state(model, optimizer)

    def trace(batch, gathers=False):
        return trace_step(model, LOSSES[workload.loss], optimizer, state, batch, {}, gathers)

    X, Y = arrays.data(workload)
    labels = 2 * Y - 1 if workload.loss == "bce" else Y
    return Compiled(trace, [X, labels], [t.numpy() for t in (*parameters, *leaves(state))])


def infer(workload: Workload, variant: str) -> Call:
    """The network as a compiled function."""
    _choose_cpu(variant)
    return sg.compile(network(workload).eval())


def _choose_cpu(variant: str) -> None:
    if variant.endswith("avx2"):
        os.environ["SUBGRAD_CPU"] = "avx2"
