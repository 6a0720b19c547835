"""What a training run tells those who watch it: the one place of the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.fit.history import History
from subgrad.fit.options import EarlyStopping
from subgrad.graph.tensor import Tensor
from subgrad.hints import Hinted

if TYPE_CHECKING:
    from subgrad.fit.training_run import Run


class Callback(Hinted):
    """Told of a run by `fit`; a subclass defines what it wants to hear. A function of the history is one as well.

    ``self.run`` is the run: ``run.model``, ``run.history``, ``run.optimizer``, ``run.epochs`` (how many there will be),
    ``run.step`` (steps so far). ``logs`` are numbers by name, as in the history. Epochs and steps count from 1.

    Example:
        >>> import subgrad as sg
        >>> class Printed(sg.Callback):
        ...     def on_epoch_end(self, epoch, logs):
        ...         print(epoch, self.run.step, sorted(logs))
        >>> history = sg.fit(sg.nn.Linear(1, 1), [[1.0], [2.0]], [1.0, 2.0], loss="mse", epochs=2, callbacks=Printed())
        1 1 ['loss', 'seconds']
        2 2 ['loss', 'seconds']
    """

    run: Run

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        unheard = next((n for n in vars(cls) if n.startswith("on_") and not hasattr(Callback, n)), None)
        if unheard is not None:
            heard = ", ".join(n for n in vars(Callback) if n.startswith("on_"))
            raise ArgumentError(f"nothing calls {cls.__name__}.{unheard}: a callback hears of {heard}")

    def on_train_begin(self) -> Any:
        """Before the first epoch."""

    def on_batch_end(self, step: int, logs: dict[str, float]) -> Any:
        """After some batches, as many as take about a tenth of a second together: what the last of them measured."""

    def on_validation_end(self, step: int, logs: dict[str, float]) -> Any:
        """After a validation that came in the middle of an epoch, see ``validation_every`` of `fit`."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> Any:
        """After an epoch; ``logs`` is its row of the history. An answer of True ends the run."""

    def on_train_end(self) -> Any:
        """After the last epoch, also after Ctrl-C or an error."""


class OfHistory(Callback):
    """A function of the history, called after each epoch; its answer of True ends the run."""

    def __init__(self, function: Callable[[History], Any]) -> None:
        self.function = function

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> Any:
        return self.function(self.run.history)


Callbacks = Callback | Callable[[History], Any]


def callbacks(given: Callbacks | Iterable[Callbacks] | None) -> list[Callback]:
    """What ``fit(callbacks=...)`` means."""
    several = () if given is None else [given] if callable(given) or isinstance(given, Callback) else given
    if not isinstance(several, Iterable) or isinstance(several, str):
        several = [given]
    return [_one(callback) for callback in several]


def _one(given: Any) -> Callback:
    if isinstance(given, Callback):
        return given
    if not callable(given) or isinstance(given, type):
        advice = ": it is given as fit(early_stopping=...)" if isinstance(given, EarlyStopping) else ""
        raise ArgumentError("a callback is a function of the history, or an object of a class of Callback, got "
                            f"{given!r}{advice}")  # fmt: skip
    return OfHistory(given)


def functions(given: Any) -> list[Callable[[Any], Any]]:
    """Functions of the history alone, for runs that have no steps to tell of."""
    found = callbacks(given)
    for callback in found:
        if not isinstance(callback, OfHistory):
            raise ArgumentError(f"the callbacks here are functions of the history, got {type(callback).__name__}")
    return [callback.function for callback in found if isinstance(callback, OfHistory)]


def says_stop(answer: Any) -> bool:
    """Whether a callback's answer is True: Python's, NumPy's, or that of an array or tensor of one element."""
    value = answer.numpy() if isinstance(answer, Tensor) else answer
    if not isinstance(value, (bool, np.bool_, np.ndarray)) or np.size(value) != 1:
        return False
    return np.asarray(value).dtype == bool and bool(value)
