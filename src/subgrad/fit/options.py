"""The options of a run: those that have parts of their own, and what each may be."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.fit.history import History
from subgrad.fit.several.outputs import pieces
from subgrad.graph.tensor import Tensor
from subgrad.nn.module import Module

Callback = Callable[[History], Any]


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss (training loss without validation) has not improved for a while.

    The model ends with the parameters of its best epoch, also if all epochs were run (Prechelt 1998, "Early stopping,
    but when?").

    Args:
        patience: epochs without improvement before the run stops.
        min_delta: by how much the loss must fall to count as an improvement.

    Example:
        >>> EarlyStopping(patience=2).says_stop(History([{"loss": 1.0}, {"loss": 2.0}, {"loss": 3.0}]))
        True
    """

    patience: int = 10
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if not _is_integer(self.patience) or self.patience < 1:
            raise ArgumentError(f"patience is a number of epochs, 1 or more, got {self.patience!r}")
        if not isinstance(self.min_delta, Real) or not 0 <= self.min_delta < math.inf:
            raise ArgumentError(f"min_delta is by how much a loss falls, 0 or more, got {self.min_delta!r}")

    def says_stop(self, history: History) -> bool:
        best, since = float("inf"), 0
        for value in history[history.monitored]:
            if math.isnan(value):  # not measured then
                continue
            improved = value < best - self.min_delta
            best, since = (value, 0) if improved else (best, since + 1)
        return since >= self.patience


@dataclass(frozen=True)
class Checkpoint:
    """Save the run to ``path`` after every ``every`` epochs, so that ``fit(resume=path)`` can go on from there."""

    path: str | os.PathLike[str]
    every: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.path, (str, os.PathLike)):
            raise ArgumentError(f"a checkpoint is saved to a path, got {self.path!r}")
        if not _is_integer(self.every) or self.every < 1:
            raise ArgumentError(f"a checkpoint is saved every 1 or more epochs, got {self.every!r}")


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


def callbacks(given: Callback | Iterable[Callback] | None) -> list[Callback]:
    """What ``fit(callbacks=...)`` means: functions of the history."""
    several = () if given is None else [given] if callable(given) else given
    if not isinstance(several, Iterable):
        raise ArgumentError(f"callbacks are functions of the history, got {given!r}")
    found = list(several)
    for f in found:
        if not callable(f):
            raise ArgumentError(f"a callback is a function of the history, got {f!r}")
    return found


def says_stop(answer: Any) -> bool:
    """Whether a callback's answer is True: Python's, NumPy's, or that of an array or tensor of one element."""
    value = answer.numpy() if isinstance(answer, Tensor) else answer
    if not isinstance(value, (bool, np.bool_, np.ndarray)) or np.size(value) != 1:
        return False
    return np.asarray(value).dtype == bool and bool(value)


def require_module(who: str, model: Any) -> None:
    """Raise unless ``model`` is a module."""
    if not isinstance(model, Module):
        raise ArgumentError(f"{who} takes a subgrad.nn.Module, got {type(model).__name__}")


def count(name: str, value: Any) -> int:
    """A number of 1 or more."""
    if not _is_integer(value) or value < 1:
        raise ArgumentError(f"{name} must be an integer of 1 or more, got {value!r}")
    return int(value)


def switch(name: str, value: Any) -> bool:
    """True or False, which 1 and 0 may stand for."""
    if not isinstance(value, (bool, np.bool_, Integral)) or value not in (0, 1):
        raise ArgumentError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def seed(value: Any) -> int:
    """An integer of 64 bits."""
    if not _is_integer(value) or not -(2**63) < value < 2**63:
        raise ArgumentError(f"seed must be an integer of at most 64 bits, got {value!r}")
    return int(value)


def require_weighted(loss: Callable[..., Any], weighted: bool) -> None:
    """Raise unless a loss that is to be given weights takes them."""
    for f in pieces(loss).values() if weighted else ():
        try:
            inspect.signature(f).bind(None, None, sample_weight=None)
        except TypeError:
            raise ArgumentError("there are weights of samples, but the loss takes no argument sample_weight") from None
        except ValueError:
            continue  # a function that does not say what it takes


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
