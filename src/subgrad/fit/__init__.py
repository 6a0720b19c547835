"""Training runs, and trained models at work."""

from subgrad.fit.callbacks.callback import Callback
from subgrad.fit.callbacks.csv_logger import CSVLogger
from subgrad.fit.callbacks.mlflow import MLflowLogger
from subgrad.fit.callbacks.monitored import BestCheckpoint, ReduceOnPlateau
from subgrad.fit.callbacks.plot_live import PlotLive
from subgrad.fit.callbacks.pruning import OptunaPruningCallback
from subgrad.fit.callbacks.tensorboard import TensorBoard
from subgrad.fit.evaluation import evaluate, predict
from subgrad.fit.history import History, WatchUnits
from subgrad.fit.lr_find import lr_find
from subgrad.fit.options import Checkpoint, EarlyStopping
from subgrad.fit.parallel.local_sgd import Averaging
from subgrad.fit.train import fit
from subgrad.fit.trainer import Trainer

__all__ = [
    "Averaging", "BestCheckpoint", "CSVLogger", "Callback", "Checkpoint", "EarlyStopping", "History", "MLflowLogger",
    "OptunaPruningCallback", "PlotLive", "ReduceOnPlateau", "TensorBoard", "Trainer", "WatchUnits", "evaluate", "fit",
    "lr_find", "predict",
]  # fmt: skip
