"""Fresh processes: their environment, their start, and what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 600
TUNED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # settings of one machine that would favour or hinder one peer

under: list[str] = []  # a command that starts each child, such as ``taskset -c 0,1``


class ChildError(Exception):
    """A child failed; the message is the last line it wrote."""


def environment(threads: int, **more: str) -> dict[str, str]:
    """The parent's, with so many threads for everyone."""
    found = {k: v for k, v in os.environ.items() if k not in TUNED}
    found["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), str(ROOT / "src"), found.get("PYTHONPATH")]))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "SUBGRAD_THREADS"):
        found[name] = str(threads)
    if threads == 1:
        found["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "PYTHONWARNINGS": "ignore"}
    return {**found, **quiet, "TORCHINDUCTOR_COMPILE_THREADS": "1", **more}


def ask(kind: str, *arguments: object, threads: int, **more: str) -> dict[str, Any]:
    """The result of ``bench.child`` in a process of its own, with ``wall``: seconds from its start to its result.

    Raises `ChildError` if there is none.
    """
    command = [*under, sys.executable, "-m", "bench.child", kind, *map(str, arguments)]
    with tempfile.TemporaryFile("w+") as errors:  # not a pipe, which nobody would read while the child runs
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment(threads, **more), stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        )
        result, wall = _result(process, began)
        errors.seek(0)
        if result is None:
            raise ChildError(_last_line(errors.read()))
    return {**result, "wall": wall}


@contextmanager
def load(threads: int) -> Iterator[None]:
    """Another program keeps so many processors busy meanwhile: `bench.measure.load`."""
    command = [sys.executable, "-m", "bench.measure.load", str(threads)]
    with subprocess.Popen(command, env=environment(1), stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            next(iter(process.stdout or ()), None)  # it says when it has started
            yield
        finally:
            process.kill()


def _result(process: subprocess.Popen[str], began: float) -> tuple[dict[str, Any] | None, float]:
    """What the child prints and when; a child that takes too long is ended."""
    alarm, result, wall = threading.Timer(TIMEOUT, process.kill), None, 0.0
    alarm.start()
    for line in process.stdout or ():
        if line.startswith("RESULT "):
            result, wall = json.loads(line.removeprefix("RESULT ")), time.perf_counter() - began
    process.wait()
    alarm.cancel()
    return result, wall


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"it said nothing, or took more than {TIMEOUT} s"
