"""Training runs, and trained models at work."""

from subgrad.fit.evaluation import evaluate, predict
from subgrad.fit.history import History, WatchUnits
from subgrad.fit.options import Checkpoint, EarlyStopping
from subgrad.fit.pruning import OptunaPruningCallback
from subgrad.fit.train import fit
from subgrad.fit.trainer import Trainer

__all__ = [
    "Checkpoint", "EarlyStopping", "History", "OptunaPruningCallback", "Trainer", "WatchUnits", "evaluate", "fit",
    "predict",
]  # fmt: skip
