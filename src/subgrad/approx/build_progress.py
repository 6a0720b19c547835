"""What `subgrad.approximate` is doing, on a terminal, if it takes longer than a moment; silence elsewhere."""

from __future__ import annotations

from typing import Any

from subgrad.io.terminal import ProgressLine


class BuildProgress(ProgressLine):
    """A line that says what is being built, with the time that it has taken.

    Args:
        verbose: None shows it if standard error is a terminal.
    """

    def __init__(self, verbose: bool | None) -> None:
        super().__init__(verbose, _columns)

    def __call__(self, doing: str) -> None:
        """What is begun now."""
        self.show(lambda: doing)


def _columns() -> list[Any]:
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    return [SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]


__all__ = ["BuildProgress"]
