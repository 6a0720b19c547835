"""How the house is kept: small files in small folders."""

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = [file for folder in ("src", "tests", "bench", "tools", "examples") for file in (ROOT / folder).rglob("*.py")]


def test_no_file_has_more_than_400_lines():
    lines = {file: file.read_bytes().count(b"\n") for file in FILES}
    assert {str(file.relative_to(ROOT)): n for file, n in lines.items() if n > 400} == {}


def test_no_folder_has_more_than_16_files():
    folders = Counter(file.parent for file in FILES)
    assert {str(folder.relative_to(ROOT)): n for folder, n in folders.items() if n > 16} == {}


SAME_NAME = {
    "convolution.py": "the layers of nn and their ops; the classes of both are pickled by these paths",
    "options.py": "those of the command line, and those of fit",
    "rules.py": "what ops make of their arguments, and the Taylor models of ops",
    "schedule.py": "of kernels on threads, and of step sizes; optimisers are pickled by the latter path",
    "subgradient.py": "the function subgradient, and the optimiser Subgradient",
    "table.py": "the data, and the printed explanation",
    "transform.py": "of ops, and of gradients; chains of optimisers are pickled by the latter path",
}
"""File names that two modules have, with the reason."""


def test_file_names_are_unique():
    """A module is known by its name alone, in tracebacks and editors. A command has the name that is typed."""
    source = ROOT / "src" / "subgrad"
    files = [f for f in source.rglob("*.py") if not f.name.startswith("__") and f.parent != source / "cli" / "commands"]
    counts = Counter(f.name for f in files)
    assert {name for name, n in counts.items() if n > 1} == set(SAME_NAME)


def test_names_of_test_files_are_unique():
    """pytest imports them as modules of their names alone."""
    counts = Counter(file.name for file in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, n in counts.items() if n > 1] == []
