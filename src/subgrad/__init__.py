"""subgrad: networks as graphs, backpropagation as a graph, and exact subgradients.

What a training run needs is loaded at once; the rest, named in ``_LATER``, by its first use: importing stays quick.
"""

import importlib  # noqa: I001  (of subgrad the tensor comes first: it closes a circle of imports)
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from subgrad.graph.tensor import Parameter, Tensor, tensor
from subgrad import errors, nn, ops, optim
from subgrad.diff import check, custom_vjp, grad, hessian, jacobian, jvp, value_and_grad, vjp, vmap
from subgrad.fit import Checkpoint, EarlyStopping, History, evaluate, fit, predict
from subgrad.graph.dtype import (
    bool_, default_dtype, float32, float64, int32, int64, set_default_dtype, uint8, using_dtype,
)  # fmt: skip
from subgrad.graph.op import Kink, defop
from subgrad.io import load, save
from subgrad.nn.ensemble import ensemble
from subgrad.ops import *  # noqa: F403
from subgrad.ops import random
from subgrad.ops.random import manual_seed
from subgrad.optim import (
    SGD, Adagrad, Adam, AdamW, RMSprop, Subgradient, chain, clip_by_norm, step, update, weight_decay,
)  # fmt: skip

from subgrad.recur import checkpoint, scan
from subgrad.compile.function import CompiledFunction, compile
from subgrad.compile.threads import get_threads, set_threads

if TYPE_CHECKING:
    from subgrad import data, linear, models  # noqa: I001
    from subgrad.approx import approximate, barron, barron_bound
    from subgrad.bounds import certify, verify
    from subgrad.explain import draw, explain
    from subgrad.kinks import (
        WatchUnits, dead_units, directional_derivative, enclosure, is_stationary, kinks, load_certificate,
        local_minimum, minimize, subdifferential, subgradient, verify_certificate,
    )  # fmt: skip

__version__ = "0.1.0"

__all__ = [
    "SGD", "Adagrad", "Adam", "AdamW", "Checkpoint", "CompiledFunction", "EarlyStopping", "History", "Kink",
    "Parameter", "RMSprop", "Subgradient", "Tensor", "WatchUnits", "approximate", "barron", "barron_bound", "bool_",
    "certify", "chain", "check", "checkpoint", "clip_by_norm", "compile", "custom_vjp", "data", "dead_units",
    "default_dtype", "defop", "directional_derivative", "draw", "enclosure", "ensemble", "errors", "evaluate",
    "explain", "fit", "float32", "float64", "get_threads", "grad", "hessian", "int32", "int64", "is_stationary",
    "jacobian", "jvp", "kinks", "linear", "load", "load_certificate", "local_minimum", "manual_seed", "minimize",
    "models", "nn", "ops", "optim", "predict", "random", "save", "scan", "set_default_dtype", "set_threads", "step",
    "subdifferential", "subgradient", "tensor", "uint8", "update", "using_dtype", "value_and_grad", "verify",
    "verify_certificate", "vjp", "vmap", "weight_decay",
]  # fmt: skip
__all__ += ops.__all__

_LATER = {
    "approx": ("approximate", "barron", "barron_bound"),
    "bounds": ("certify", "verify"),
    "data": (),
    "explain": ("draw", "explain"),
    "kinks": (
        "WatchUnits", "dead_units", "directional_derivative", "enclosure", "is_stationary", "kinks",
        "load_certificate", "local_minimum", "minimize", "subdifferential", "subgradient", "verify_certificate",
    ),
    "linear": (),
    "models": (),
}  # fmt: skip
"""Packages that are loaded by the first use of what they offer here; of some that is the package itself."""


def __getattr__(name: str) -> Any:
    for package, names in _LATER.items():
        if name in names or (name == package and not names):
            module = importlib.import_module(f"{__name__}.{package}")
            value = getattr(module, name) if names else module
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Where a package has a function of its own name, such as `kinks`, that name means the function here."""

    def __setattr__(self, name: str, value: Any) -> None:
        own = isinstance(value, ModuleType) and name in _LATER.get(name, ())
        super().__setattr__(name, getattr(value, name, value) if own else value)


sys.modules[__name__].__class__ = _Package
