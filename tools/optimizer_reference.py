"""Write tests/optim/reference.json: the first iterates of PyTorch's optimisers on the tests' problems, in float64.

Needs PyTorch, in an environment of its own:

    pip install numpy torch
    python tools/optimizer_reference.py
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

TESTS = Path(__file__).resolve().parent.parent / "tests" / "optim"
sys.path.insert(0, str(TESTS))
from optimizer_problems import OPTIMIZERS, PROBLEMS, STEPS, Problem  # noqa: E402


def iterates(problem: Problem, optimizer: str, settings: dict) -> list[list[float]]:
    """All parameters in one row, after each step."""
    params = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in problem.start]
    data = [torch.tensor(d, dtype=torch.float64) for d in problem.data]
    method = getattr(torch.optim, optimizer)(params, **settings)
    rows = []
    for _ in range(STEPS):
        method.zero_grad()
        problem.f(torch, data, *params).backward()
        method.step()
        rows.append(np.concatenate([p.detach().numpy().ravel() for p in params]))
    return [[float(f"{x:.12g}") for x in row] for row in rows]


def main() -> None:
    found = {
        f"{name} on {title}": iterates(problem, *OPTIMIZERS[name])
        for name in OPTIMIZERS
        for title, problem in PROBLEMS.items()
    }
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(rows)}" for key, rows in found.items())
    partial = TESTS / "reference.json.part"
    partial.write_text(f'{{\n "torch": {json.dumps(torch.__version__)},\n{lines}\n}}\n', encoding="utf-8")
    os.replace(partial, TESTS / "reference.json")


if __name__ == "__main__":
    main()
