"""Optimisation: step rules, and optimisers as pairs of pure functions ``init`` and ``update`` over nodes."""

from subgrad.optim import step
from subgrad.optim.adagrad import Adagrad
from subgrad.optim.adam import Adam, AdamW
from subgrad.optim.base import Optimizer
from subgrad.optim.loop import update
from subgrad.optim.named import from_config, get
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
