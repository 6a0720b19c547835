"""subgrad: networks as graphs, backpropagation as a graph, and exact subgradients.

Tensors, ops and derivatives are loaded at once; the rest, named in ``_LATER``, by its first use: importing stays quick.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from subgrad import errors, ops
from subgrad.diff import check, custom_vjp, grad, hessian, jacobian, jvp, value_and_grad, vjp, vmap
from subgrad.graph.dtype import (
    bool_,
    default_dtype,
    float32,
    float64,
    int32,
    int64,
    set_default_dtype,
    uint8,
    using_dtype,
)  # fmt: skip
from subgrad.graph.kink import Kink
from subgrad.graph.op import defop
from subgrad.graph.tensor import Parameter, Tensor, tensor
from subgrad.lazy import attach
from subgrad.ops import *
from subgrad.ops import random
from subgrad.ops.random import manual_seed

if TYPE_CHECKING:
    from subgrad import (  # noqa: I001
        calibration, data, fft, linalg, linear, metrics, models, nn, onnx, optim, plot, report, robust,
        sklearn, sweeps, tabular, torch,  # noqa: F401
    )  # fmt: skip
    from subgrad.approx import approximate, barron, barron_bound
    from subgrad.bounds import certify, verify
    from subgrad.compile.function import CompiledFunction, compile
    from subgrad.compile.runtime.threads import get_threads, set_threads
    from subgrad.explain import draw, explain
    from subgrad.export import export
    from subgrad.fit import (
        Averaging, BestCheckpoint, Callback, Checkpoint, CSVLogger, EarlyStopping, History, MLflowLogger,
        OptunaPruningCallback, PlotLive, ReduceOnPlateau, TensorBoard, Trainer, WatchUnits, evaluate, fit, lr_find,
        predict,
    )  # fmt: skip
    from subgrad.io import load, save
    from subgrad.kinks import (
        dead_units, directional_derivative, enclosure, is_stationary, kinks, load_certificate, local_minimum,
        minimize, subdifferential, subgradient, verify_certificate,
    )  # fmt: skip
    from subgrad.nn.ensemble import ensemble
    from subgrad.optim import (
        LBFGS, LevenbergMarquardt, chain, clip_by_norm, freeze, groups, methods, step, unfreeze, update,
        weight_decay,
    )  # fmt: skip
    from subgrad.optim.methods import *
    from subgrad.playground import playground
    from subgrad.recur import checkpoint, cond, fori_loop, scan, while_loop
    from subgrad.serve import serve
    from subgrad.sweeps import sweep

__version__ = "0.1.0"

__all__ = [
    "LBFGS", "Averaging", "BestCheckpoint", "CSVLogger", "Callback", "Checkpoint", "CompiledFunction",
    "EarlyStopping", "History", "Kink", "LevenbergMarquardt", "MLflowLogger", "OptunaPruningCallback", "Parameter",
    "PlotLive", "ReduceOnPlateau", "Tensor", "TensorBoard", "Trainer", "WatchUnits", "approximate", "barron",
    "barron_bound", "bool_", "calibration", "certify", "chain", "check", "checkpoint", "clip_by_norm", "compile",
    "cond", "custom_vjp", "data", "dead_units", "default_dtype", "defop", "directional_derivative", "draw",
    "enclosure", "ensemble", "errors", "evaluate", "explain", "export", "fft", "fit", "float32", "float64",
    "fori_loop", "freeze", "get_threads", "grad", "groups", "hessian", "int32", "int64", "is_stationary",
    "jacobian", "jvp", "kinks", "linalg", "linear", "load", "load_certificate", "local_minimum", "lr_find",
    "manual_seed", "metrics", "minimize", "models", "nn", "onnx", "ops", "optim", "playground", "plot", "predict",
    "random", "report", "robust", "save", "scan", "serve", "set_default_dtype", "set_threads", "step",
    "subdifferential", "subgradient", "sweep", "sweeps", "tabular", "tensor", "torch", "uint8", "unfreeze", "update",
    "using_dtype", "value_and_grad", "verify", "verify_certificate", "vjp", "vmap", "weight_decay", "while_loop",
]  # fmt: skip
__all__ += ops.__all__

_LATER = {
    "approx": ("approximate", "barron", "barron_bound"),
    "bounds": ("certify", "verify"),
    "calibration": (),
    "compile.function": ("CompiledFunction", "compile"),
    "compile.runtime.threads": ("get_threads", "set_threads"),
    "data": (),
    "explain": ("draw", "explain"),
    "export": ("export",),
    "fit": (
        "Averaging", "BestCheckpoint", "CSVLogger", "Callback", "Checkpoint", "EarlyStopping", "History",
        "MLflowLogger", "OptunaPruningCallback", "PlotLive", "ReduceOnPlateau", "TensorBoard", "Trainer", "WatchUnits",
        "evaluate", "fit", "lr_find", "predict",
    ),
    "io": ("load", "save"),
    "kinks": (
        "dead_units", "directional_derivative", "enclosure", "is_stationary", "kinks", "load_certificate",
        "local_minimum", "minimize", "subdifferential", "subgradient", "verify_certificate",
    ),
    "fft": (),
    "linalg": (),
    "linear": (),
    "metrics": (),
    "models": (),
    "nn": (),
    "nn.ensemble": ("ensemble",),
    "onnx": (),
    "optim": (
        "LBFGS", "LevenbergMarquardt", "chain", "clip_by_norm", "freeze", "groups", "step", "unfreeze", "update",
        "weight_decay",
    ),
    "playground": ("playground",),
    "recur": ("checkpoint", "cond", "fori_loop", "scan", "while_loop"),
    "plot": (),
    "report": (),
    "robust": (),
    "serve": ("serve",),
    "sklearn": (),
    "sweeps": ("sweep",),
    "tabular": (),
    "torch": (),
}  # fmt: skip
"""What is loaded by its first use, by the module it comes from: these modules and their names."""

__getattr__, __dir__ = attach(__name__, _LATER, __all__, rest="subgrad.optim.methods")
if TYPE_CHECKING:
    __all__ += methods.__all__
else:
    del __all__  # `__getattr__` has it, with all optimisers


class _Package(ModuleType):
    """A function named as its package, such as `kinks`, keeps that name here when the package is loaded."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in {n for names in _LATER.values() for n in names}):
            super().__setattr__(name, value)

    def __reduce__(self) -> Any:  # packages that pickle functions pickle the modules that these name
        return import_module, (self.__name__,)


sys.modules[__name__].__class__ = _Package
