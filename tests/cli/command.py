"""The program as the tests start it: in this process, or as a user does, in one of its own."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from typer.testing import CliRunner, Result

import subgrad
from subgrad.cli import app

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def run(*arguments: object) -> Result:
    """In this process; the result has ``exit_code`` and ``output``."""
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "120", "NO_COLOR": "1"})


def succeed(*arguments: object) -> str:
    """As `run`, for a job that must not fail; what it printed."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def fail(*arguments: object) -> str:
    """As `run`, for a job that must fail with one line and exit code 1; the line."""
    result = run(*arguments)
    lines = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert (result.exit_code, len(lines)) == (1, 1), result.output
    assert "Traceback" not in result.output
    return lines[0].removeprefix("error: ")


def misuse(*arguments: object) -> str:
    """As `run`, for wrong usage, exit code 2; the message in one line."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    return re.sub(r"[│╭╮╰╯─\s]+", " ", ANSI.sub("", result.output))


def new_process(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """As a user starts it, in ``folder``."""
    return python("-m", "subgrad", *map(str, arguments), folder=folder)


def python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A new interpreter that finds the package under test."""
    source = str(Path(subgrad.__file__).parents[1])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"},
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip


def write_csv(path: Path, columns: Mapping[str, Iterable[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def column(rows: Sequence[Mapping[str, str]], name: str) -> list[str]:
    return [row[name] for row in rows]
