"""Rows in Parquet files beside the same rows in memory, and how much memory rows take that do not fit.

The files are read as they are, and with a scratch file of prepared rows.

    python -m bench.streamed                        # both networks, turn by turn
    python -m bench.streamed --gigabytes 20         # one epoch of so much, decoded, with 1 GB of memory

Each side learns the same rows in the same batches, epoch by epoch in turns; the fastest of its epochs counts. The files
are written to the folder for temporary files, and stay in the system's cache: the disk is not measured. Rows that do
not fit are written by a process of its own: the most memory that is told is that of the one that reads and learns.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import subgrad as sg

NETWORKS = {"W2": ((8, 64, 64, 1), "tanh", 32, 400_000), "W3": ((784, 128, 1), "relu", 64, 60_000)}
"""Widths, activation, batch size and rows: as in `bench.work.workloads`, with one output."""
GROUP = 50_000  # rows of a row group, at most, unless another number is asked for
COLUMNS, FILE = 20, 1_000_000  # of rows that do not fit: numbers a row, and rows a file


def write(folder: Path, columns: int, rows: int, seed: int, group: int = GROUP, packing: Any = "zstd") -> None:
    """A file of numbers with a few digits, so that the packed file is a fraction of what is in it."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-128, 128, (rows, columns), np.int8).astype(np.float32)
    frame = pl.DataFrame(X, [f"x{i}" for i in range(columns)], orient="row")
    target = np.tanh(X @ np.random.default_rng(0).normal(size=columns) / 128 / columns**0.5)
    path = folder / f"{seed:04}.parquet"
    frame.with_columns(y=pl.Series(target)).write_parquet(path, row_group_size=group, compression=packing)


def compare(name: str, turns: int, share: float, group: int, packing: str) -> None:
    """Rows a second of all sides; the files' rows take ``share`` of what they would in memory."""
    widths, activation, batch, rows = NETWORKS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for seed in range(4):
            write(folder, widths[0], rows // 4, seed, group, packing)
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
        unpacked, prepared = apart(scanned)
        print(f"{name}: {groups} lots, in memory {max(rates['memory']):,.0f} rows/s; of processor time, unpacking a "
              f"row takes {unpacked:.2f} us, and preparing it {prepared:.2f}", flush=True)  # fmt: skip
        for side in ("files", "scratch"):
            ratios = [b / a for a, b in zip(rates["memory"][1:], rates[side][1:], strict=True)]
            print(f"    {side} {max(rates[side]):,.0f} rows/s, share {statistics.median(ratios):.2f} "
                  f"({min(ratios):.2f} to {max(ratios):.2f})", flush=True)  # fmt: skip


def apart(scanned: sg.data.ScannedTable) -> tuple[float, float]:
    """Microseconds of processor time that it takes to unpack a row, and to prepare it: the least of some passes."""
    shared, order = scanned._shared, scanned.order(0, 0, True, np.dtype("f4"))
    blocks = [int(block) for group in order.groups for block in group]
    passes = (lambda: shared.origin.frames(blocks, [*shared.formats])), (lambda: scanned.groups(order))
    unpacked, whole = (min(_processor(made) for _ in range(3)) / len(scanned) * 1e6 for made in passes)
    return unpacked, whole - unpacked


def _processor(made: Callable[[], Iterable[object]]) -> float:
    start = time.process_time()
    for _ in made():
        pass
    return time.process_time() - start


def large(gigabytes: float, memory: str, folder: Path | None, group: int, packing: str) -> None:
    """One epoch of rows of which so many gigabytes are in the files, unpacked, and then some of them in memory."""
    rows = int(gigabytes * 1e9 / (4 * COLUMNS + 8))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        made = Path(place)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as writer:
            every = range(-(-rows // FILE))
            for job in [writer.submit(write, made, COLUMNS, FILE, seed, group, packing) for seed in every]:
                job.result()
        size = sum(file.stat().st_size for file in made.iterdir())
        print(f"{gigabytes:g} GB of rows in {size / 1e9:.2f} GB of files, {rows:,} rows", flush=True)
        before, start = most_memory(), (time.perf_counter(), time.process_time())
        scanned = sg.data.scan_table(made, "y", memory=memory)
        net = sg.models.mlp(scanned.features, 64, 1, seed=0)
        seconds, processor = time.perf_counter() - start[0], time.process_time() - start[1]
        print(f"looked at in {seconds:.0f} s, {1e6 * processor / len(scanned):.2f} us of processor time a row; "
              f"most memory {most_memory():.2f} GB, {before:.2f} GB before", flush=True)  # fmt: skip
        options = {"loss": "mse", "optimizer": sg.Adam(1e-3), "batch_size": 256}
        start = time.process_time()
        streamed = len(scanned) / sg.fit(net, scanned, epochs=1, **options)["seconds"][0]
        processor = time.process_time() - start
        print(f"learnt {streamed:,.0f} rows/s, {1e6 * processor / len(scanned):.2f} us of processor time a row; "
              f"most memory {most_memory():.2f} GB", flush=True)  # fmt: skip
        some = scanned.head(2 * FILE)
        start = time.process_time()
        seconds = sg.fit(net, *some, epochs=3, **options)["seconds"]
        processor = (time.process_time() - start) / 3
        rate = len(some[1]) / min(seconds)
        print(f"in memory {rate:,.0f} rows/s, {1e6 * processor / len(some[1]):.2f} us of processor time a row: "
              f"files are learnt at a share of {streamed / rate:.2f}", flush=True)  # fmt: skip


def most_memory() -> float:
    """The most that this process has taken so far, in GB: what the system counts as resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", default=[*NETWORKS], choices=[*NETWORKS])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.5, help="of what the rows would take in memory")
    parser.add_argument("--group", type=int, default=GROUP, help="rows of a row group, at most")
    parser.add_argument("--packing", default="zstd", choices=["zstd", "lz4", "snappy", "uncompressed"])
    parser.add_argument("--gigabytes", type=float)
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.gigabytes:
        large(given.gigabytes, given.memory, given.folder, given.group, given.packing)
    else:
        for name in given.networks:
            compare(name, given.turns, given.share, given.group, given.packing)
