"""Callbacks that look at one number of the history: the best model on disk, smaller steps where it does not improve."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from typing import Any

from subgrad import validators
from subgrad.errors import ArgumentError
from subgrad.fit.callbacks.callback import Callback
from subgrad.fit.options import count, rises, since_improved
from subgrad.io.atomic import require_writable
from subgrad.io.model_file import save


class Monitoring(Callback):
    """What looks at one number of the history; it says so at the end if that was never one."""

    monitor: str | None
    nothing = ""
    """What did not happen then."""

    def on_train_end(self) -> None:
        """See `Callback`."""
        values = self.values() if len(self.run.history) else [0.0]
        if all(map(math.isnan, values)):
            name = self.monitor or self.run.history.monitored
            warnings.warn(f"{name} is NaN after every epoch: {self.nothing}", stacklevel=2)

    def values(self) -> Sequence[float]:
        """The number after each epoch."""
        history: Any = self.run.history
        return history[self.monitor or history.monitored]


class BestCheckpoint(Monitoring):
    """Save the model after each epoch that is the best so far; `subgrad.load` reads it.

    Args:
        path: where to; an existing file is replaced.
        monitor: a name of the history, such as ``"validation_accuracy"``; None for the validation loss, or the training
            loss if there is no validation.
        mode: ``"min"`` or ``"max"``, which is better; ``"auto"`` knows it of the metrics that have names.

    Raises:
        ArgumentError: for an argument that is not what is said above, or a number that no epoch has.
        FileError: if the file cannot be written.

    Example:
        >>> import subgrad as sg
        >>> net, saving = sg.nn.Linear(1, 1, seed=0), getfixture("tmp_path") / "best.safetensors"
        >>> _ = sg.fit(net, [[1.0], [2.0]], [1.0, 2.0], loss="mse", epochs=2, callbacks=sg.BestCheckpoint(saving))
        >>> sg.load(saving)
        Linear(1, 1, seed=0)
    """

    nothing = "nothing was saved"

    def __init__(self, path: str | os.PathLike[str], monitor: str | None = None, mode: str = "auto") -> None:
        self.path, self.monitor, self._rises = path, monitor, rises(monitor, mode)

    def on_train_begin(self) -> None:
        """See `Callback`."""
        require_writable(self.path)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """See `Callback`."""
        values = self.values()
        if not math.isnan(values[-1]) and since_improved(values, self._rises) == 0:
            save(self.run.model, self.path, {"epoch": epoch})


class ReduceOnPlateau(Monitoring):
    """Multiply the optimiser's step size with ``factor`` when a number has not improved for ``patience`` epochs.

    For constant step sizes, those of each group: a rule follows its plan. The program stays the same, and so does a
    resumed run.

    Args:
        factor: in (0, 1).
        patience: epochs without improvement.
        monitor, mode: as for `BestCheckpoint`.
        min_delta: by how much the number must improve to count.
        min_factor: of the first step size, how small it may become.

    Raises:
        ArgumentError: for an argument that is not what is said above; when it first reduces, if the step size of the
            optimiser follows a rule.

    Example:
        >>> import subgrad as sg
        >>> slower = sg.ReduceOnPlateau(factor=0.5, patience=2)
        >>> history = sg.fit(sg.nn.Linear(1, 1, seed=0), [[1.0], [2.0]], [1.0, 2.0], loss="mse",
        ...                  optimizer=sg.SGD(1e-9), epochs=5, callbacks=slower)
        >>> slower.run.step_factor
        0.25
    """

    nothing = "the step size stayed as it was"

    def __init__(
        self, factor: float = 0.1, patience: int = 10, monitor: str | None = None, mode: str = "auto",
        min_delta: float = 0.0, min_factor: float = 0.0,
    ) -> None:  # fmt: skip
        self.factor, self.patience = validators.positive("factor", factor), count("patience", patience)
        if self.factor >= 1:
            raise ArgumentError(f"factor lies between 0 and 1, got {factor!r}")
        self.min_delta = validators.not_negative("min_delta", min_delta)
        self.min_factor, self.monitor = validators.not_negative("min_factor", min_factor), monitor
        self._rises, self._reduced = rises(monitor, mode), 0

    def on_train_begin(self) -> None:
        """See `Callback`."""
        self._reduced = len(self.run.history)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """See `Callback`."""
        since = since_improved(self.values(), self._rises, self.min_delta)
        if min(since, epoch - self._reduced) < self.patience:
            return
        self._reduced = epoch
        factor = max(self.factor, self.min_factor / self.run.step_factor)
        if factor < 1:
            self.run.scale_step_size(factor)
