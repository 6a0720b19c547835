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
