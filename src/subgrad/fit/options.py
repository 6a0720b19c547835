"""The options of a run: those that have parts of their own, and what each may be."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from subgrad import validators
from subgrad.errors import ArgumentError
from subgrad.fit.history import History
from subgrad.fit.several.loss_arguments import asked
from subgrad.fit.several.several_outputs import pieces
from subgrad.hints import Hinted
from subgrad.nn.module import Module


@dataclass(frozen=True)
class EarlyStopping(Hinted):
    """Stop when the validation loss (training loss without validation) or another number did not improve for a while.

    The model ends with the parameters of its best epoch, also if all epochs were run (Prechelt 1998, "Early stopping,
    but when?").

    Args:
        patience: epochs without improvement before the run stops.
        min_delta: by how much the number must improve to count.
        monitor: a name of the history, such as ``"validation_accuracy"``; None for the loss.
        mode: ``"min"`` or ``"max"``, which is better; ``"auto"`` knows it of the metrics that have names.
        restore_best: whether the model goes back to its best epoch; else it stays as it is after the last.

    Raises:
        ArgumentError: for an argument that is not what is said above.

    Example:
        >>> EarlyStopping(patience=2).says_stop(History([{"loss": 1.0}, {"loss": 2.0}, {"loss": 3.0}]))
        True
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str | None = None
    mode: str = "auto"
    restore_best: bool = True

    def __post_init__(self) -> None:
        if not _is_integer(self.patience) or self.patience < 1:
            raise ArgumentError(f"patience is a number of epochs, 1 or more, got {self.patience!r}")
        validators.validate(self, min_delta=validators.not_negative)
        switch("restore_best", self.restore_best)
        rises(self.monitor, self.mode)

    @property
    def rises(self) -> bool:
        """Whether more of the number is better."""
        return rises(self.monitor, self.mode)

    def says_stop(self, history: History) -> bool:
        return since_improved(history[self.monitor or history.monitored], self.rises, self.min_delta) >= self.patience


def rises(monitor: str | None, mode: str = "auto") -> bool:
    """Whether more of the number of that name (None for the loss) is better: as ``mode`` says, or as the metrics know.

    >>> rises("validation_accuracy"), rises("class_roc_auc"), rises("validation_loss"), rises("gain", "max")
    (True, True, False, True)
    """
    if monitor is not None and not isinstance(monitor, str):
        raise ArgumentError(f"monitor is a name of the history, got {monitor!r}")
    if mode not in ("auto", "min", "max"):
        raise ArgumentError(f"mode is 'min', 'max' or 'auto', got {mode!r}")
    return mode == "max" or (mode == "auto" and (monitor or "loss").endswith(_RISE))


_RISE = (
    "accuracy", "precision", "recall", "f1", "roc_auc", "average_precision", "r2", "matthews_correlation",
    *(f"top_{k}_accuracy" for k in range(1, 10)),
)  # fmt: skip
"""How the names of numbers end of which more is better."""


def since_improved(values: Iterable[float], rises: bool, min_delta: float = 0.0) -> int:
    """How many of the last values are not better than all before them, by more than ``min_delta``; NaN is no value.

    >>> since_improved([3.0, 1.0, 2.0, 1.5], rises=False), since_improved([3.0, 1.0, 4.0], rises=True)
    (2, 0)
    """
    best, since = -math.inf, 0
    for value in values:
        if math.isnan(value):
            continue
        now = value if rises else -value
        best, since = (now, 0) if now > best + min_delta else (best, since + 1)
    return since


@dataclass(frozen=True)
class Checkpoint(Hinted):
    """Save the run to ``path``, so that ``fit(resume=path)`` can go on from there.

    A run that Ctrl-C ends is saved as well, where it is then. The file is replaced at once or not at all: what was
    saved last is whole, whatever happens while more is written.

    Args:
        path: where to.
        every: after how many epochs.
        minutes: also within an epoch, after so many minutes.
    """

    path: str | os.PathLike[str]
    every: int = 1
    minutes: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.path, (str, os.PathLike)):
            raise ArgumentError(f"a checkpoint is saved to a path, got {self.path!r}")
        if not _is_integer(self.every) or self.every < 1:
            raise ArgumentError(f"a checkpoint is saved every 1 or more epochs, got {self.every!r}")
        validators.validate(self, minutes=validators.optional(validators.not_negative))

    def is_due(self, seconds: float) -> bool:
        """Whether it is to be saved within an epoch, so long after the last time."""
        return self.minutes is not None and seconds >= 60 * self.minutes


def early_stopping(given: EarlyStopping | int | bool | None) -> EarlyStopping | None:
    """What ``fit(early_stopping=...)`` means."""
    if given is None or isinstance(given, EarlyStopping):
        return given
    if isinstance(given, (bool, np.bool_)):
        return EarlyStopping() if given else None
    if not _is_integer(given):
        raise ArgumentError(f"early_stopping is an EarlyStopping, its patience, True or False, got {given!r}")
    return EarlyStopping(int(given))


def checkpoint(given: Checkpoint | str | os.PathLike[str] | None) -> Checkpoint | None:
    """What ``fit(checkpoint=...)`` means."""
    return given if given is None or isinstance(given, Checkpoint) else Checkpoint(given)


def require_module(who: str, model: Any) -> None:
    """Raise unless ``model`` is a module."""
    if not isinstance(model, Module):
        raise ArgumentError(f"{who} takes a subgrad.nn.Module, got {type(model).__name__}")


def count(name: str, value: Any) -> int:
    """A number of 1 or more."""
    if not _is_integer(value) or value < 1:
        raise ArgumentError(f"{name} must be an integer of 1 or more, got {validators.shown(value)}")
    return int(value)


def switch(name: str, value: Any) -> bool:
    """True or False, which 1 and 0 may stand for."""
    if not isinstance(value, (bool, np.bool_, Integral)) or value not in (0, 1):
        raise ArgumentError(f"{name} must be True or False, got {validators.shown(value)}")
    return bool(value)


def seed(value: Any) -> int:
    """An integer of 64 bits."""
    if not _is_integer(value) or not -(2**63) < value < 2**63:
        raise ArgumentError(f"seed must be an integer of at most 64 bits, got {validators.shown(value)}")
    return int(value)


def require_weighted(loss: Callable[..., Any], weighted: bool) -> None:
    """Raise unless a loss that is to be given weights takes them."""
    for f in pieces(loss).values() if weighted else ():
        try:
            inspect.signature(f).bind(None, None, sample_weight=None, **dict.fromkeys(asked(f)))
        except TypeError:
            raise ArgumentError("there are weights of samples, but the loss takes no argument sample_weight") from None
        except ValueError:
            continue  # a function that does not say what it takes


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
