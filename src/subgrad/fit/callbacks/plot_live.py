"""The history as a picture that grows, in a notebook."""

from __future__ import annotations

import time
from typing import Any

from subgrad.fit.callbacks.callback import Callback

SECONDS = 1.0  # from one picture to the next, at least


class PlotLive(Callback):
    """Show ``history.plot()`` in a notebook while the run goes on: one picture, which is replaced about once a second.

    Outside of a notebook nothing is shown. Raises `MissingExtraError` if matplotlib is not installed.
    """

    def __init__(self) -> None:
        self._shown: Any = None
        self._due = 0.0

    def on_train_begin(self) -> None:
        """See `Callback`."""
        self._shown, self._due = None, 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """See `Callback`."""
        if time.monotonic() >= self._due:
            self._show()
            self._due = time.monotonic() + SECONDS

    def on_train_end(self) -> None:
        """See `Callback`."""
        if len(self.run.history):
            self._show()

    def _show(self) -> None:
        display = _display()
        if display is None:
            return
        figure = self.run.history.plot()
        if self._shown is None:
            self._shown = display(figure, display_id=True)
        else:
            self._shown.update(figure)


def _display() -> Any:
    """IPython's function of that name, if this is a notebook."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return None
    return display if getattr(get_ipython(), "kernel", None) is not None else None
