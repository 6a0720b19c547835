"""Files that would take more memory or time than is sensible are refused before they do."""

import gzip
import os
import subprocess
import sys

import numpy as np
import pytest

from subgrad.data import free_memory, read_csv, read_idx, read_npz, read_table
from subgrad.data.readers import raw
from subgrad.errors import FileError


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(free_memory, "available", lambda: 1_000_000)


def test_a_packed_file_that_unfolds_too_far(tmp_path, monkeypatch):
    monkeypatch.setattr(raw, "ALWAYS_UNFOLDED", 1 << 20)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000))
    with pytest.raises(FileError, match="kB unfolds to more than 1.05 MB; if that is meant, unpack it first"):
        read_table(tmp_path / "bomb.csv.gz")


def test_an_archive_that_unfolds_too_far(tmp_path, little_memory):
    np.savez_compressed(tmp_path / "zeros.npz", X=np.zeros((10_000, 100)))
    with pytest.raises(FileError, match="zeros.npz, unfolded, takes about 24 MB of memory; 1 MB are free"):
        read_npz(tmp_path / "zeros.npz")


def test_a_table_that_does_not_fit(tmp_path, little_memory):
    (tmp_path / "long.csv").write_text("a,b\n" + "1,2\n" * 50_000)
    with pytest.raises(FileError, match="the table in .*long.csv takes about .* MB of memory"):
        read_csv(tmp_path / "long.csv")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there are no such devices here")
def test_files_without_an_end(tmp_path):
    os.symlink("/dev/zero", tmp_path / "zero.csv")
    os.mkfifo(tmp_path / "pipe.parquet")
    for name in ("zero.csv", "pipe.parquet"):
        with pytest.raises(FileError, match="it is a device or a pipe, which may have no end"):
            read_table(tmp_path / name)
    with pytest.raises(FileError, match="it is a device or a pipe"):
        read_idx(tmp_path / "pipe.parquet", mmap_mode="r")


def test_too_many_columns(tmp_path):
    (tmp_path / "wide.csv").write_text(",".join(f"c{i}" for i in range(100_001)) + "\n" + "1," * 100_000 + "1\n")
    with pytest.raises(FileError, match="has 100,001 columns; at most 100,000 are read"):
        read_csv(tmp_path / "wide.csv")


def test_messages_are_short_however_many_columns_there_are(tmp_path):
    (tmp_path / "wide.csv").write_text(",".join(f"gene{i}" for i in range(2000)) + "\n" + "1," * 1999 + "1\n")
    table = read_csv(tmp_path / "wide.csv")
    assert len(repr(table)) < 1000
    with pytest.raises(ValueError, match=r"did you mean 'gene19'\?\); it has 2,000: .* and 1,995 more") as error:
        table.require(["Gene19"])
    assert len(str(error.value)) < 200


FORKS = """
import os, sys
from subgrad.data import Table
from subgrad.errors import DataError
table = Table({"a": ["x", "y"]})
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    Table({"a": ["x", "y", "z"]})["a"]
except DataError as error:
    os._exit("forked" not in str(error))
os._exit(2)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_is_told_that_tables_do_not_work_there():
    """They would wait for threads that did not come along, for ever."""
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS], timeout=60).returncode == 0
