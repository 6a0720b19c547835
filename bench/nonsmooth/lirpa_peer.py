"""ACAS Xu by the bounds of auto_LiRPA: the other side of `bench.nonsmooth.acasxu`, a process that answers line by line.

auto_LiRPA bounds; it does not search. The search here is the plain one around it: boxes in batches, halved along the
input with the most slope times width, and their middles as points that may refute. Bounds are its CROWN in float32,
which does not count rounding errors.

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

BATCH = 1024


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
    return nn.Sequential(*layers)


class Search:
    """Boxes of one case, and the bounds of its rows over them."""

    def __init__(self, net: nn.Module, model: Any, case: Case) -> None:
        self.net, self.model = net, model
        self.rows = torch.tensor(case.matrix, dtype=torch.float32)
        self.limits = torch.tensor(case.limits[:, 1], dtype=torch.float32)
        self.box = torch.tensor(np.asarray(case.box), dtype=torch.float32)

    def bounds(self, low: torch.Tensor, high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Lower bounds of rows, and the slopes of the linear functions."""
        middle = (low + high) / 2
        x = BoundedTensor(middle, PerturbationLpNorm(norm=np.inf, x_L=low, x_U=high))
        last, first = self.model.output_name[0], self.model.input_name[0]
        below, _, slopes = self.model.compute_bounds(
            x=(x,), C=self.rows.expand(len(low), -1, -1), method="CROWN", bound_upper=False, return_A=True,
            needed_A_dict={last: [first]},
        )  # fmt: skip
        return below, slopes[last][first]["lA"].reshape(len(low), len(self.rows), -1)

    def answer(self, end: float) -> str:
        """What is found until ``end``."""
        waiting = [(self.box[None, :, 0], self.box[None, :, 1])]
        while waiting:
            if time.perf_counter() > end:
                return "timeout"
            low, high = waiting.pop()
            below, slopes = self.bounds(low, high)
            left = (below <= self.limits).all(dim=1)
            low, high, slopes = low[left], high[left], slopes[left]
            if not len(low):
                continue
            middle = (low + high) / 2
            if (self.net(middle) @ self.rows.T <= self.limits).all(dim=1).any():
                return "sat"
            axis = (slopes.abs().sum(dim=1) * (high - low)).argmax(dim=1)
            place = torch.arange(len(low)), axis
            one, other = high.clone(), low.clone()
            one[place] = other[place] = middle[place]
            low, high = torch.cat([low, other]), torch.cat([one, high])
            waiting += zip(low.split(BATCH), high.split(BATCH), strict=True)
        return "unsat"


def main() -> None:
    torch.set_num_threads(2)
    for line in sys.stdin:
        path, prop, timeout = json.loads(line)
        start = time.perf_counter()
        net, cases = network(path), read_vnnlib(prop).cases
        with torch.no_grad():
            model = BoundedModule(net, torch.zeros(1, len(cases[0].box)), device="cpu")
            answers = []
            for case in cases:
                answers.append(Search(net, model, case).answer(start + timeout))
                if answers[-1] != "unsat":
                    break
        print(json.dumps([answers[-1], time.perf_counter() - start]), flush=True)


if __name__ == "__main__":
    main()
