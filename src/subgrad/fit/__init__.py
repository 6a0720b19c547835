"""Training runs, and trained models at work."""

from subgrad.fit.evaluation import evaluate, predict
from subgrad.fit.history import History
from subgrad.fit.options import Checkpoint, EarlyStopping
from subgrad.fit.train import fit

__all__ = ["Checkpoint", "EarlyStopping", "History", "evaluate", "fit", "predict"]
