"""Text files, and characters as numbers."""

import gzip

import numpy as np
import pytest

from subgrad.data.characters import UNKNOWN, Characters, read_text, windows
from subgrad.errors import DataError, FileError


def test_files_are_utf8_with_any_line_ending(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes("\ufeffZürich\r\n東京\r".encode())
    assert read_text(file) == "Zürich\n東京\n"
    file.write_bytes(gzip.compress("ß".encode()))
    assert read_text(file) == "ß"


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (b"abc\xff", "byte 3 is 0xff")])
def test_other_files_raise(tmp_path, content, words):
    file = tmp_path / "a.txt"
    file.write_bytes(content)
    with pytest.raises(FileError, match=words):
        read_text(file)


def test_rare_characters_are_one():
    known = Characters.of("aaabbc", most=3)
    assert (known.known, known.encode("abc").tolist()) == (UNKNOWN + "ab", [1, 2, 0])
    assert known.decode(known.encode("abba")) == "abba"


def test_windows_cover_the_text_once():
    x, y = windows(np.arange(11), 5)
    np.testing.assert_array_equal(x.ravel(), np.arange(10))
    np.testing.assert_array_equal(y, x + 1)
    with pytest.raises(DataError, match="too few"):
        windows(np.arange(5), 5)
