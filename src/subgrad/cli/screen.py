"""Where output goes: colours and the width of the window on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding

LOG_WIDTH = 200  # of a file or a pipe, which has no width of its own


def screen(quiet: bool = False) -> Console:
    """Standard output; ``quiet`` silences it. Text is printed as it is: names of columns may hold brackets."""
    width = None if sys.stdout.isatty() else LOG_WIDTH
    return Console(quiet=quiet, width=width, markup=False, emoji=False, highlight=False)


def error_screen(quiet: bool = False) -> Console:
    """Standard error; ``quiet`` silences it."""
    return Console(quiet=quiet, stderr=True, markup=False, emoji=False, highlight=False)


def bullets(console: Console, sentences: Iterable[str]) -> None:
    """Each sentence indented on a line of its own, which only a terminal wraps."""
    for sentence in sentences:
        if console.is_terminal:
            console.print(Padding(sentence, (0, 0, 0, 2)), style="dim")
        else:
            console.print(f"  {sentence}", soft_wrap=True)
