"""ACAS Xu by the bounds of auto_LiRPA: the other side of `bench.nonsmooth.acasxu`, a process that answers line by line.

auto_LiRPA bounds; it does not search. The search here is what alpha-beta-CROWN is set to for these networks by
its configuration for VNN-COMP: projected gradient descent from random points at first, then boxes in batches, bounded
by CROWN and halved along the input with the most slope times width, and their middles as points that may refute. All is
in float32, and rounding errors are not counted. The time that it has is one of the processor, so that other programs do
not take it away.

The package is that of github.com/Verified-Intelligence/auto_LiRPA; 0.3, the last one on PyPI, needs torch and NumPy of
2022.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import onnx
import torch
from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm
from onnx import numpy_helper
from torch import nn

from subgrad.bounds import Case, read_vnnlib

BATCH = 512
STARTS, STEPS = 1000, 50
FLAT = 0.01
"""Slopes count as this at least where a box is halved: an input without one may matter later."""


def network(path: str) -> nn.Module:
    """The matrices and relus of a file as a module."""
    graph = onnx.load(path).graph
    values, layers = {i.name: numpy_helper.to_array(i) for i in graph.initializer}, []
    for node in graph.node:
        held = [torch.tensor(values[n]) for n in node.input if n in values]
        if node.op_type == "MatMul":
            layers.append(nn.Linear(*held[0].shape))
            layers[-1].weight.data = held[0].T.contiguous()
            layers[-1].bias.data = torch.zeros(held[0].shape[1])
        elif node.op_type == "Add":
            layers[-1].bias.data = held[0].ravel()
        elif node.op_type == "Relu":
            layers.append(nn.ReLU())
        elif node.op_type not in ("Flatten", "Sub", "Constant") or any(h.any() for h in held):
            raise SystemExit(f"{path} has an op {node.op_type}")
    return nn.Sequential(*layers).requires_grad_(False)


class Search:
    """Boxes of one case, and the bounds of its rows over them."""

    def __init__(self, net: nn.Module, model: Any, case: Case) -> None:
        self.net, self.model = net, model
        self.rows = torch.tensor(case.matrix, dtype=torch.float32)
        self.limits = torch.tensor(case.limits[:, 1], dtype=torch.float32)
        self.low, self.high = torch.tensor(np.asarray(case.box), dtype=torch.float32).T
        self.boxes = 0

    def answer(self, end: float) -> str:
        """What is found until ``end``, a time of the processor."""
        if self.attack(end):
            return "sat"
        low, high = self.low[None], self.high[None]
        while len(low):
            if time.process_time() > end:
                return "timeout"
            some, low = low[-BATCH:], low[:-BATCH]
            ends, high = high[-BATCH:], high[:-BATCH]
            below, slopes = self.bounds(some, ends)
            left = (below <= self.limits).all(dim=1)
            some, ends, slopes = some[left], ends[left], slopes[left]
            middle = (some + ends) / 2
            if (self.off(middle) <= 0).any():
                return "sat"
            axis = (slopes.abs().clamp(min=FLAT).sum(dim=1) * (ends - some)).argmax(dim=1, keepdim=True)
            at = middle.gather(1, axis)
            low = torch.cat([low, some, some.scatter(1, axis, at)])
            high = torch.cat([high, ends.scatter(1, axis, at), ends])
        return "unsat"

    def off(self, points: torch.Tensor) -> torch.Tensor:
        """How far each point is from being a counter-example."""
        return (self.net(points) @ self.rows.T - self.limits).amax(dim=1)

    def attack(self, end: float) -> bool:
        """Whether projected gradient descent from random points finds a counter-example."""
        width = self.high - self.low
        points = self.low + width * torch.rand(STARTS, len(width), generator=torch.Generator().manual_seed(0))
        for step in torch.logspace(-0.6, -3, STEPS):
            with torch.enable_grad():
                points.requires_grad_()
                off = self.off(points)
                (slopes,) = torch.autograd.grad(off.sum(), points)
            if (off <= 0).any():
                return True
            if time.process_time() > end:
                return False
            points = torch.minimum(torch.maximum(points.detach() - step * width * slopes.sign(), self.low), self.high)
        return False

    def bounds(self, low: torch.Tensor, high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Lower bounds of rows, and the slopes of the linear functions."""
        x = BoundedTensor((low + high) / 2, PerturbationLpNorm(norm=np.inf, x_L=low, x_U=high))
        last, first = self.model.output_name[0], self.model.input_name[0]
        below, _, slopes = self.model.compute_bounds(
            x=(x,), C=self.rows.expand(len(low), -1, -1), method="CROWN", bound_upper=False, return_A=True,
            needed_A_dict={last: [first]},
        )  # fmt: skip
        self.boxes += len(low)
        return below, slopes[last][first]["lA"].reshape(len(low), len(self.rows), -1)


def main() -> None:
    for line in sys.stdin:
        path, prop, timeout, threads = json.loads(line)
        torch.set_num_threads(threads)
        start, used = time.perf_counter(), time.process_time()
        net, cases = network(path), read_vnnlib(prop).cases
        with torch.no_grad():
            model = BoundedModule(net, torch.zeros(1, len(cases[0].box)), device="cpu")
            said, boxes = "unsat", 0
            for case in cases:
                search = Search(net, model, case)
                said = search.answer(used + timeout * threads)
                boxes += search.boxes
                if said != "unsat":
                    break
        print(json.dumps([said, time.perf_counter() - start, time.process_time() - used, boxes]), flush=True)


if __name__ == "__main__":
    main()
