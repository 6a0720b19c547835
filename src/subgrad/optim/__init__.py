"""Optimisation: step rules, and optimisers as pairs of pure functions ``init`` and ``update`` over nodes."""

from typing import TYPE_CHECKING

from subgrad.lazy import attach
from subgrad.optim import step
from subgrad.optim.apply_updates import update
from subgrad.optim.optimizer import Optimizer
from subgrad.optim.registry import from_config, get

if TYPE_CHECKING:
    import subgrad.optim.methods as methods
    from subgrad.optim.around.parameter_groups import freeze, groups, unfreeze
    from subgrad.optim.lbfgs import LBFGS
    from subgrad.optim.levenberg_marquardt import LevenbergMarquardt
    from subgrad.optim.methods import *
    from subgrad.optim.transform import chain, clip_by_norm, weight_decay

__all__ = [
    "LBFGS", "LevenbergMarquardt", "Optimizer", "chain", "clip_by_norm", "freeze", "from_config", "get", "groups",
    "step", "unfreeze", "update", "weight_decay",
]  # fmt: skip

_LATER = {
    "around.parameter_groups": ("freeze", "groups", "unfreeze"),
    "lbfgs": ("LBFGS",),
    "levenberg_marquardt": ("LevenbergMarquardt",),
    "transform": ("chain", "clip_by_norm", "weight_decay"),
}

__getattr__, __dir__ = attach(__name__, _LATER, __all__, rest="subgrad.optim.methods")
if TYPE_CHECKING:
    __all__ += methods.__all__
else:
    del __all__  # `__getattr__` has it, with all methods
