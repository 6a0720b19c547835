"""This project. Variants: native; native-avx2, the same code generator held to AVX2."""

from __future__ import annotations

import os
import warnings

import subgrad as sg
from bench import arrays
from bench.layers import INCEPTION, Layer, Shape
from bench.peers import Call, Run
from bench.workloads import BETAS, EPSILON, MOMENTUM, Workload
from subgrad import nn
from subgrad.fit.engine import Compiled
from subgrad.fit.step import initial_state, trace_step
from subgrad.graph.tree import leaves

warnings.simplefilter("error")  # a fall-back to the interpreter says so in a warning; it must not be timed

PLAIN = {"relu": nn.ReLU, "tanh": nn.Tanh, "mean": nn.GlobalAvgPool, "flatten": nn.Flatten}
RECURRENT = {"rnn": nn.RNN, "lstm": nn.LSTM}
LOSSES = {"bce": nn.binary_cross_entropy, "mse": nn.squared_loss, "ce": nn.cross_entropy}
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


def network(workload: Workload) -> nn.Sequential:
    """The workload's network with its initial weights."""
    model = nn.Sequential(*(make(layer, shape) for layer, shape in workload.shaped_layers()))
    for parameter, value in zip(model.parameters(), arrays.initial(workload), strict=True):
        parameter.assign(value)
    return model


def make(layer: Layer, shape: Shape) -> nn.Module:
    match layer:
        case ("linear", width):
            return nn.Linear(*shape, width, seed=0)
        case ("rnn" | "lstm" as kind, width):
            return RECURRENT[kind](shape[1], width, returns="last", seed=0)
        case ("conv", channels, kernel, padding, bias):
            return nn.Conv2d(shape[0], channels, kernel, padding=padding, bias=bias, seed=0)
        case ("residual", channels, stride):
            return nn.ResidualBlock(shape[0], channels, stride, seed=0)
        case ("inception",):
            return nn.Inception(shape[0], *INCEPTION, seed=0)
        case ("norm",):
            return nn.BatchNorm2d(shape[0])
        case ("pool", size):
            return nn.MaxPool2d(size)
    return PLAIN[layer[0]]()


def _choose_cpu(variant: str) -> None:
    if variant.endswith("avx2"):
        os.environ["SUBGRAD_CPU"] = "avx2"
