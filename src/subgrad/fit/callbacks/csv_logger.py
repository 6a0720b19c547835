"""The history as a table on disk."""

from __future__ import annotations

import csv
import io
import os

from subgrad.fit.callbacks.callback import Callback
from subgrad.io.atomic import require_writable, write_atomically


class CSVLogger(Callback):
    """Write the history as a CSV file, anew after each epoch: a row for each, with all numbers measured so far.

    The file is whole at any time. Of a resumed run it has the epochs before, too.

    Args:
        path: where to; an existing file is replaced.

    Raises:
        FileError: if the file cannot be written.

    Example:
        >>> import subgrad as sg
        >>> path = getfixture("tmp_path") / "run.csv"
        >>> net, logger = sg.nn.Linear(1, 1), sg.CSVLogger(path)
        >>> history = sg.fit(net, [[1.0], [2.0]], [1.0, 2.0], loss="mse", epochs=2, callbacks=logger)
        >>> path.read_text().splitlines()[0], len(path.read_text().splitlines())
        ('epoch,loss,seconds', 3)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path

    def on_train_begin(self) -> None:
        """See `Callback`."""
        require_writable(self.path)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """See `Callback`."""
        history, text = self.run.history, io.StringIO()
        table = csv.DictWriter(text, ["epoch", *history.names], restval="", lineterminator="\n")
        table.writeheader()
        table.writerows({"epoch": i, **row} for i, row in enumerate(history, 1))
        write_atomically(self.path, text.getvalue().encode())
