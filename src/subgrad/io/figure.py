"""Figures of matplotlib: made, and written as files."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from subgrad.errors import ArgumentError, missing_extra
from subgrad.io.atomic import write_atomically


def new_figure(width: float, height: float, purpose: str) -> Any:
    """An empty figure, in inches, that a notebook shows.

    Raises `MissingExtraError`, which says that ``purpose`` needs matplotlib, if that is not installed.
    """
    require_matplotlib(purpose)
    from subgrad.io.notebook_figure import NotebookFigure

    return NotebookFigure(figsize=(width, height), layout="constrained")


def require_matplotlib(purpose: str) -> None:
    """Raise `MissingExtraError` if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise missing_extra("matplotlib", "plot", purpose) from None


def save_figure(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a figure, in the format that the ending of ``path`` names; without one a ``.png`` is added.

    Raises `ArgumentError` for an ending that is no format, `FileError` if the file cannot be written.
    """
    target = Path(path) if Path(path).suffix else Path(f"{os.fspath(path)}.png")
    content = io.BytesIO()
    try:
        figure.savefig(content, format=target.suffix[1:].lower())
    except ValueError as error:
        raise ArgumentError(f"cannot save a figure as {target.name}: {error}") from None
    write_atomically(target, content.getvalue())
