"""``python -m bench.serving``: requests of one row each, by `wrk` over the loopback, beside ONNX Runtime.

Passes of the sides alternate; each is a fresh server, that a short run warms. The page has the medians of the passes.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.measure import idle, machine
from bench.page.section import put
from bench.page.tables import duration, table
from bench.spawn import ROOT, environment

SIDES = {"subgrad": "subgrad", "onnxruntime": "ONNX Runtime"}
CONNECTIONS = (1, 16, 256)
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class Load(NamedTuple):
    """What a run of `wrk` saw: seconds within which half and 99 of 100 answers came, requests a second, rows a call."""

    p50: float
    p99: float
    rate: float
    joined: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.serving", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5, help="of each run")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of the network; wrk and the event loop have the others")
    parser.add_argument("--publish", action="store_true", help="also write the table into docs/benchmarks.md")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    found: dict[tuple[str, int], list[Load]] = {}
    others = []
    for number in range(options.passes):
        others.append(taken_by_others())
        for side in SIDES if number % 2 == 0 else reversed(SIDES):
            with server(side, options.threads) as port:
                wrk(port, 16, 1)
                for connections in CONNECTIONS:
                    load = wrk(port, connections, options.seconds)
                    found.setdefault((side, connections), []).append(load)
                    print(f"pass {number + 1}, {SIDES[side]}, {connections} connections: {load}", flush=True)
    text = report(found, options, max(others))
    print(text)
    if options.publish:
        put("serving", text)


def taken_by_others() -> float:
    """The share of the processors' time that others have in a second, before anything of ours runs."""
    before = idle._everybody()
    time.sleep(1)
    after = idle._everybody()
    return 0.0 if before is None or after is None else (after[0] - before[0]) / (after[1] - before[1])


@contextmanager
def server(side: str, threads: int) -> Iterator[int]:
    """Its port, as long as it runs."""
    command = [sys.executable, "-m", "bench.serving.child_server", side]
    with subprocess.Popen(command, env=environment(threads), stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        try:
            yield _port(process.stderr)
        finally:
            process.terminate()


def _port(lines: Iterable[str]) -> int:
    """Where the server says that it listens."""
    said = ""
    for line in lines:
        said += line
        if found := re.search(r"running on http://\S+:(\d+)", line):
            return int(found[1])
    sys.exit(said)


def wrk(port: int, connections: int, seconds: int) -> Load:
    """A run, with one thread of `wrk`. Every answer must be one."""
    before = _batches(port)
    row = np.random.default_rng(0).random(784).round(4).tolist()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(
            f"wrk.method = 'POST'\nwrk.body = '{json.dumps({'instances': [row]})}'\n"
            "wrk.headers['content-type'] = 'application/json'\n"
        )
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s", "-s", script]
        said = subprocess.run(
            [*command, f"http://127.0.0.1:{port}/predict"], capture_output=True, text=True, check=True
        ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(said)
    p50, p99 = (_seconds(re.search(rf"(?m)^\s+{share}%\s+(\S+)", said)[1]) for share in (50, 99))  # pyright: ignore
    rows, calls = (b - a for a, b in zip(before, _batches(port), strict=True))
    return Load(p50, p99, float(re.search(r"Requests/sec:\s+(\S+)", said)[1]), rows / calls)  # pyright: ignore


def _batches(port: int) -> tuple[float, float]:
    """Rows and calls so far, as the server's metrics say."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return tuple(float(re.search(rf"subgrad_batch_rows_{what} (\S+)", text)[1]) for what in ("sum", "count"))  # pyright: ignore


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # pyright: ignore
    return float(number) * UNITS[unit]


def report(found: dict[tuple[str, int], list[Load]], options: argparse.Namespace, others: float) -> str:
    """A table of the medians, and what it is worth."""
    doubt = (
        f" The machine was not idle: before a pass other programs had up to {others:.0%} of the processors, so the "
        "times are too long, and their order says little."
    )
    facts = machine.describe([], options.threads)
    lines = []
    for connections in CONNECTIONS:
        for side, title in SIDES.items():
            loads = zip(*found[side, connections], strict=True)
            p50, p99, rate, joined = (statistics.median(values) for values in loads)
            lines.append([str(connections), title, duration(p50), duration(p99), f"{rate:,.0f}", f"{joined:.1f}"])
    head = ["connections", "", "p50", "p99", "requests a second", "rows a call"]
    return (
        f"## Serving\n\nOne row of 784 numbers a request, as JSON, answered by a 784-128-10 network: `wrk` over the "
        f"loopback, on {facts['processor']}, with {machine.available_processors()} processors for `wrk`, the server "
        f"and the network, which has {options.threads} of their threads. ONNX Runtime answers behind the same server. "
        f"Medians of {options.passes} alternating passes of {options.seconds} s; `python -m bench.serving --publish` "
        f"repeats them.{doubt if others > idle.OTHERS else ''}\n\n{table(head, lines)}"
    )


if __name__ == "__main__":
    main()
