"""``python -m bench.tabular.large``: a table of a million rows through the command line, its seconds and its memory.

    python -m bench.tabular.large --rows 1000000 --columns 50 --effort quick

The table is made up: numbers, of which one in ten has holes, and in every fifth column one of twenty words; what is to
be told are two classes. The child's memory is the most it ever had, with the interpreter and the table.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

WORDS = np.array([f"word {i}" for i in range(20)])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--effort", default="quick")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.parquet")
        table(given.rows, given.columns).write_parquet(file)
        size = file.stat().st_size / 1e6
        command = [sys.executable, "-m", "subgrad", "train", str(file), "--target", "y", "--effort", given.effort]
        start = time.perf_counter()
        told = subprocess.run([*command, "--out", str(Path(folder, "m.safetensors"))], capture_output=True, text=True)
        seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(told.stdout, told.stderr, sep="\n")
    print(f"{given.rows:,} rows x {given.columns} columns ({size:.0f} MB in the file), effort {given.effort}: "
          f"{seconds:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processor time, "
          f"at most {used.ru_maxrss / 2**20:.2f} GB of memory")  # fmt: skip
    sys.exit(told.returncode)


def table(rows: int, columns: int) -> pl.DataFrame:
    """Columns c0, c1, ... and the class y, drawn with seed 0."""
    rng = np.random.default_rng(0)
    found, score = {}, rng.normal(size=rows).astype(np.float32)
    for i in range(columns):
        if i % 5 == 4:
            places = rng.integers(0, len(WORDS), rows)
            found[f"c{i}"] = pl.Series(WORDS[places], dtype=pl.Categorical)
            score += rng.normal(size=len(WORDS)).astype(np.float32)[places]
        else:
            x = rng.normal(size=rows).astype(np.float32)
            score += np.sin((1 + i % 3) * x) if i % 2 else 0.5 * x
            found[f"c{i}"] = pl.Series(x if i % 10 else np.where(rng.random(rows) < 0.1, np.nan, x)).fill_nan(None)
    return pl.DataFrame({**found, "y": np.where(score > 0, "yes", "no")})


main()
