"""The peers. Each has a module of its own here, imported only in the process that measures it, with

- ``train(workload, variant)``, which returns ``run(steps)``: take so many steps, return their mean loss;
- ``infer(workload, variant)``, which returns ``call(x)``: NumPy in, NumPy out.

Either raises `NotImplementedError` for a workload that the peer cannot express.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from bench.work.workloads import Workload

Run = Callable[[int], float]
Call = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Peer:
    """One side of the comparison.

    ``needs`` are the modules that must be importable, the first of them is what its users import; ``packages`` what
    pip installs for it. ``alone`` are variants that small workloads also time on one thread. ``quickest`` is the
    variant that reaches its first trained step soonest.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    packages: tuple[str, ...]
    trains: tuple[str, ...] = ()
    infers: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    quickest: str = ""

    def missing(self) -> list[str]:
        return [module for module in self.needs if importlib.util.find_spec(module) is None]

    def variants(self, workload: Workload) -> list[str]:
        """What to time; ``@1`` at the end means one thread."""
        found = self.infers if workload.infers else self.trains
        return [*found, *(f"{v}@1" for v in self.alone if v in found and workload.small)]

    def module(self) -> ModuleType:
        return importlib.import_module(f"bench.peers.{self.name}")


OURS = Peer("subgrad", "subgrad", ("subgrad", "llvmlite"), ("subgrad",), ("native",), ("native",), (), "native")

PEERS = (
    OURS,
    Peer("torch", "PyTorch", ("torch",), ("torch", "numpy"), ("eager", "eager-fused", "compile", "compile-step"),
         ("eager", "jit", "compile"), ("eager-fused", "compile-step"), "eager"),
    Peer("jax", "JAX", ("jax",), ("jax", "jaxlib"), ("step", "scan"), ("jit", "jit-constant"), ("scan",), "step"),
    Peer("sklearn", "scikit-learn", ("sklearn",), ("scikit-learn",), ("fit",), ("predict",), ("fit",), "fit"),
    Peer("onnxruntime", "ONNX Runtime", ("onnxruntime", "onnx"), ("onnxruntime",), (), ("session",), ("session",)),
)  # fmt: skip

BY_NAME = {p.name: p for p in PEERS}
