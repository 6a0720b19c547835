"""Pages of documentation as programs: their blocks run in order, and what they print is compared with the page.

A page's ``python`` blocks share one namespace. A ``text`` block that follows one is what it prints; an exception of
ours is printed as its name and message. A ``console`` block has commands after ``$``, each followed by its output.

``python tests/docs/doc_pages.py [PAGE ...]`` writes what is printed into the pages (all if none is named).
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from typer.testing import CliRunner

from subgrad.cli import app
from subgrad.errors import SubgradError

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?![\d])")
_BLANK = "·"  # an empty cell of a matrix of counts


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its text, and the line on which its text starts."""

    language: str
    text: str
    line: int


def pages() -> list[Path]:
    """The pages that have something to run."""
    every = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in every if any(b.language in ("python", "console") for b in blocks(page))]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in _FENCE.finditer(text)]


def run(page: Path) -> Iterator[tuple[Block, str, str, bool]]:
    """Each block that shows an output, what it shows, what was printed, and whether its numbers must agree."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    found = blocks(page)
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.language == "python":
            printed = execute(block.text, namespace)
            if following is not None and following.language == "text":
                yield following, following.text, printed, True
            else:
                yield block, "", printed, True
        elif block.language == "console":
            for command, shown in commands(block.text):
                yield block, shown, command_output(command), False


def execute(code: str, namespace: dict[str, Any]) -> str:
    """What the code prints; our errors count as printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            exec(compile(code, "script.py", "exec"), namespace)
        except SubgradError as error:
            print(f"{type(error).__name__}: {error}")
    return out.getvalue()


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output below it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(first, rest) for first, _, rest in (part.partition("\n") for part in parts)]


def command_output(command: str) -> str:
    """What ``subgrad ...`` prints, errors included; ``| head -n N`` keeps the first N lines."""
    command, _, head = command.partition(" | head -n ")
    program, *arguments = shlex.split(command)
    assert program == "subgrad", f"pages run subgrad only, not {program}"
    with mock.patch("subgrad.cli.epochs.SECONDS", math.inf):  # a busy machine has more to say of a run
        printed = CliRunner().invoke(app, arguments, prog_name="subgrad").output
    return "".join(printed.splitlines(keepends=True)[: int(head) if head else None])


def agree(shown: str, printed: str, numbers: bool) -> bool:
    """Whether the two say the same: the words exactly, spaces aside; numbers to 1%, if they matter."""
    if _words(shown) != _words(printed):
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=False)
    return not numbers or all(math.isclose(_value(a), _value(b), rel_tol=1e-2, abs_tol=1e-5) for a, b in pairs)


def _words(text: str) -> list[str]:
    return _NUMBER.sub("#", text).replace(_BLANK, "#").replace("─", "").split()


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def write(page: Path) -> None:
    """Put what the blocks of a page print into it."""
    text = page.read_text(encoding="utf-8")
    shown: dict[int, list[str]] = {}
    for block, _, printed, _ in run(page):
        shown.setdefault(block.line, []).append("".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines()))
    lines = text.splitlines(keepends=True)
    for block in reversed(blocks(page)):
        if block.language == "text" and block.line in shown:
            new = shown[block.line]
        elif block.language == "console":
            asked = [command for command, _ in commands(block.text)]
            new = [f"$ {command}\n{output}" for command, output in zip(asked, shown[block.line], strict=True)]
        else:
            continue
        lines[block.line - 1 : block.line - 1 + block.text.count("\n")] = new
    page.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    for chosen in [Path(name).resolve() for name in sys.argv[1:]] or pages():
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            write(chosen)
            os.chdir(ROOT)
