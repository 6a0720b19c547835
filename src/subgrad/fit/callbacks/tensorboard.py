"""A run for TensorBoard."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from subgrad.errors import FileError, missing_extra
from subgrad.fit.callbacks.callback import Callback


class TensorBoard(Callback):
    """Write all numbers of a run for TensorBoard (extra ``tensorboard``): ``tensorboard --logdir FOLDER`` shows them.

    Numbers of epochs have their names in the history; those of batches have ``batch/`` before theirs, and the number of
    the step beside them.

    Args:
        folder: where the file of the run is written; one folder for each run, in a common one.

    Raises:
        MissingExtraError: if tensorboardX is not installed.
        FileError: in `fit`, if the file cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise missing_extra("tensorboardX", "tensorboard", "writing for TensorBoard") from None
        self.folder, self._writes = folder, SummaryWriter
        self._writer: Any = None

    def on_train_begin(self) -> None:
        """See `Callback`."""
        with self._errors():
            self._writer = self._writes(os.fspath(self.folder))

    def on_batch_end(self, step: int, logs: dict[str, float]) -> None:
        """See `Callback`."""
        self._write("batch/", logs, step)

    def on_validation_end(self, step: int, logs: dict[str, float]) -> None:
        """See `Callback`."""
        self._write("batch/", {name: v for name, v in logs.items() if name not in ("epoch", "step")}, step)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """See `Callback`."""
        self._write("", logs, epoch)
        with self._errors():
            self._writer.flush()

    def on_train_end(self) -> None:
        """See `Callback`."""
        if self._writer is not None:
            with self._errors():
                self._writer.close()

    def _write(self, before: str, numbers: dict[str, float], step: int) -> None:
        with self._errors():
            for name, value in numbers.items():
                self._writer.add_scalar(f"{before}{name}", value, step)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FileError(f"cannot write to {self.folder}: {error.strerror or error}") from None
