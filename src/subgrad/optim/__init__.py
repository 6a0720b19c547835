"""Optimisation: step rules, and optimisers as pairs of pure functions ``init`` and ``update`` over nodes."""

from typing import TYPE_CHECKING

from subgrad.lazy import attach
from subgrad.optim import step
from subgrad.optim.base import Optimizer
from subgrad.optim.loop import update
from subgrad.optim.named import from_config, get

if TYPE_CHECKING:
    from subgrad.optim.adagrad import Adagrad
    from subgrad.optim.adam import Adam, AdamW
    from subgrad.optim.rmsprop import RMSprop
    from subgrad.optim.sgd import SGD
    from subgrad.optim.subgradient import Subgradient
    from subgrad.optim.transform import chain, clip_by_norm, weight_decay

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "Subgradient",
    "chain",
    "clip_by_norm",
    "from_config",
    "get",
    "step",
    "update",
    "weight_decay",
]

_LATER = {
    "adagrad": ("Adagrad",),
    "adam": ("Adam", "AdamW"),
    "rmsprop": ("RMSprop",),
    "sgd": ("SGD",),
    "subgradient": ("Subgradient",),
    "transform": ("chain", "clip_by_norm", "weight_decay"),
}

__getattr__, __dir__ = attach(__name__, _LATER, __all__)
