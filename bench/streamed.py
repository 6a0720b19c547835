"""Rows in Parquet files beside the same rows in memory, and how much memory rows take that do not fit.

The files are read as they are, and with a scratch file of prepared rows.

    python -m bench.streamed                        # both networks, turn by turn
    python -m bench.streamed --gigabytes 20         # one epoch of so much, decoded, with 1 GB of memory

Each side learns the same rows in the same batches, epoch by epoch in turns; the fastest of its epochs counts. The files
are written to the folder for temporary files, and stay in the system's cache: the disk is not measured.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

import subgrad as sg

NETWORKS = {"W2": ((8, 64, 64, 1), "tanh", 32, 400_000), "W3": ((784, 128, 1), "relu", 64, 60_000)}
"""Widths, activation, batch size and rows: as in `bench.work.workloads`, with one output."""
GROUP = 50_000  # rows of a row group, at most
COLUMNS = 20  # of rows that do not fit


def write(folder: Path, columns: int, rows: int, seed: int) -> None:
    """A file of numbers with a few digits, so that the packed file is a fraction of what is in it."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-128, 128, (rows, columns)).astype(np.float32)
    frame = pl.DataFrame(X, [f"x{i}" for i in range(columns)], orient="row")
    target = np.tanh(X @ np.random.default_rng(0).normal(size=columns) / 128 / columns**0.5)
    frame.with_columns(y=pl.Series(target)).write_parquet(folder / f"{seed:04}.parquet", row_group_size=GROUP)


def compare(name: str, turns: int, share: float) -> None:
    """Rows a second of all sides; the files' rows take ``share`` of what they would in memory."""
    widths, activation, batch, rows = NETWORKS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for seed in range(4):
            write(folder, widths[0], rows // 4, seed)
        memory = int(share * rows * (4 * widths[0] + 24))
        scanned = sg.data.scan_table(folder, "y", memory=memory)
        kept = sg.data.scan_table(folder, memory=memory, preparation=scanned.preparation, scratch=place)
        X, y = (np.concatenate(one) for one in zip(*scanned.parts(np.dtype("f4")), strict=True))
        groups = len(scanned.order(0, 0, True, X.dtype).groups)
        sides = {"memory": (X, y), "files": (scanned,), "scratch": (kept,)}
        rates: dict[str, list[float]] = {side: [] for side in sides}
        nets = {side: sg.models.mlp(*widths, activation=activation, seed=0) for side in rates}
        for _ in range(turns + 1):
            for side, data in sides.items():
                history = sg.fit(nets[side], *data, loss="mse", optimizer=sg.Adam(1e-3), epochs=2, batch_size=batch)
                rates[side].append(rows / history["seconds"][-1])
        print(f"{name}: {groups} lots, in memory {max(rates['memory']):,.0f} rows/s", flush=True)
        for side in ("files", "scratch"):
            ratios = [b / a for a, b in zip(rates["memory"][1:], rates[side][1:], strict=True)]
            print(f"    {side} {max(rates[side]):,.0f} rows/s, share {statistics.median(ratios):.2f} "
                  f"({min(ratios):.2f} to {max(ratios):.2f})", flush=True)  # fmt: skip


def large(gigabytes: float, memory: str, folder: Path | None) -> None:
    """One epoch of rows of which so many gigabytes are in the files, unpacked."""
    rows = int(gigabytes * 1e9 / (4 * COLUMNS + 8))
    with tempfile.TemporaryDirectory(dir=folder) as place:
        made = Path(place)
        for seed in range(-(-rows // 1_000_000)):
            write(made, COLUMNS, 1_000_000, seed)
        size = sum(file.stat().st_size for file in made.iterdir())
        print(f"{gigabytes:g} GB of rows in {size / 1e9:.2f} GB of files, {rows:,} rows", flush=True)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        scanned = sg.data.scan_table(made, "y", memory=memory)
        net = sg.models.mlp(scanned.features, 64, 1, seed=0)
        prepared = time.perf_counter() - start
        history = sg.fit(net, scanned, loss="mse", optimizer=sg.Adam(1e-3), epochs=1, batch_size=256)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"prepared in {prepared:.0f} s; {len(scanned) / history['seconds'][0]:,.0f} rows/s; most memory "
              f"{peak / 1e6:.2f} GB, {before / 1e6:.2f} GB before", flush=True)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", default=[*NETWORKS], choices=[*NETWORKS])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.5, help="of what the rows would take in memory")
    parser.add_argument("--gigabytes", type=float)
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.gigabytes:
        large(given.gigabytes, given.memory, given.folder)
    else:
        for name in given.networks:
            compare(name, given.turns, given.share)
