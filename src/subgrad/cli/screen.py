"""Where output goes: colours and the width of the window on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.segment import Segment

LOG_WIDTH = 200  # of a file or a pipe, which has no width of its own


_BREAKS = "\n\t"
_BIDIRECTIONAL = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_HIDDEN = {code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)] if chr(code) not in _BREAKS}
_HIDDEN |= {code: f"\\u{code:04x}" for code in _BIDIRECTIONAL}


def visible(text: str) -> str:
    """A text from a file with its control characters spelt out: they could rewrite what a terminal shows.

    >>> visible("price\x1b[2J")
    'price\\\\x1b[2J'
    """
    return text.translate(_HIDDEN)


class _Screen(Console):
    """A console that spells out control characters in whatever it is given to print; its own colours stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            hidden = not segment.control and not segment.text.isprintable()
            yield Segment(visible(segment.text), segment.style) if hidden else segment


def screen(quiet: bool = False) -> Console:
    """Standard output; ``quiet`` silences it. Text is printed as it is: names of columns may hold brackets."""
    width = None if sys.stdout.isatty() else LOG_WIDTH
    return _Screen(quiet=quiet, width=width, markup=False, emoji=False, highlight=False)


def error_screen(quiet: bool = False) -> Console:
    """Standard error; ``quiet`` silences it."""
    return _Screen(quiet=quiet, stderr=True, markup=False, emoji=False, highlight=False)


def bullets(console: Console, sentences: Iterable[str]) -> None:
    """Each sentence indented on a line of its own, which only a terminal wraps."""
    for sentence in sentences:
        if console.is_terminal:
            console.print(Padding(sentence, (0, 0, 0, 2)), style="dim")
        else:
            console.print(f"  {sentence}", soft_wrap=True)
