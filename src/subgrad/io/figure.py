"""Figures of matplotlib as files."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from subgrad.errors import ArgumentError
from subgrad.io.atomic import write_atomically


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
