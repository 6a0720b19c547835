"""How much memory rows in files take, measured in a process of its own."""

import gc
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import subgrad as sg
from subgrad.data.scanned.reused_memory import ReusedMemory

PROGRAM = """
import resource, sys
import subgrad as sg

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

small = sg.data.scan_table(sys.argv[1], "y", memory="4MB")
net = sg.models.mlp(small.features, 4, 1, seed=0)
options = {"loss": "mse", "epochs": 1, "batch_size": 4096}
sg.fit(net, small, **options)  # what libraries and the program take
before = peak()
sg.fit(net, sg.data.scan_table(sys.argv[2], "y", memory=sys.argv[3]), **options)
print(peak() - before)
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is counted in other units")


def taken(small, large, memory):
    """What an epoch of the large rows takes beside what one of the small ones took."""
    plain = os.environ | {"SUBGRAD_CHECK": "0"}  # guarded programs work on copies: this asks what users' programs take
    arguments = [sys.executable, "-c", PROGRAM, str(small), str(large), memory]
    return int(subprocess.run(arguments, capture_output=True, text=True, check=True, env=plain).stdout)


@linux
def test_an_epoch_takes_no_more_memory_than_it_may(tmp_path):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(rng.integers(0, 100, (100_000, 20)).astype("f4"), [*"abcdefghijklmnopqrst"], orient="row")
    frame = frame.with_columns(y=pl.col("a") + 0.5)
    for name, files in (("small", 1), ("large", 8)):
        (tmp_path / name).mkdir()
        for i in range(files):
            frame.write_parquet(tmp_path / name / f"{i}.parquet", row_group_size=10_000)
    in_memory = 8 * 100_000 * 21 * 4
    assert taken(tmp_path / "small", tmp_path / "large", "16MB") < in_memory / 2


@linux
def test_many_pieces_take_no_more_memory_than_few(tmp_path):
    values = np.random.default_rng(0).normal(size=(10_000, 20))
    frame = pl.DataFrame(values, [*"abcdefghijklmnopqrst"], orient="row").with_columns(y=pl.col("a") + 0.5)
    frame.write_csv(tmp_path / "rows.csv")
    assert taken(tmp_path / "rows.csv", tmp_path / "rows.csv", "1MB") < 40e6  # a sample in many small parts took 70


def test_rows_kept_in_a_scratch_file_come_into_memory_that_is_there(tmp_path, monkeypatch):
    places: list[int] = []
    empty = ReusedMemory.empty

    def noted(self, shape, dtype):
        found = empty(self, shape, dtype)
        places.append(found.ctypes.data)
        return found

    monkeypatch.setattr(ReusedMemory, "empty", noted)
    frame = pl.DataFrame(np.random.default_rng(0).normal(size=(20_000, 20)), [*"abcdefghijklmnopqrst"], orient="row")
    frame.write_parquet(tmp_path / "rows.parquet", row_group_size=1000)
    rows = sg.data.scan_table(tmp_path / "rows.parquet", "t", memory=200_000, scratch=tmp_path)
    net = sg.models.mlp(rows.features, 4, 1, seed=0)
    gc.disable()  # nothing goes because cycles are looked for
    try:
        sg.fit(net, rows, loss="mse", epochs=5, batch_size=100)
    finally:
        gc.enable()
    assert len(places) > 50
    assert len({*places}) <= 6  # one that is learnt from, two that are made; of rows before the run as many
