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


class Child:
    """``bench.child`` in a process of its own, which says what it finds line by line.

    Used as a context, which ends the process. A child that takes more than `TIMEOUT` to say something is ended too.
    """

    def __init__(self, kind: str, *arguments: object, threads: int, **more: str) -> None:
        command = [*under, sys.executable, "-m", "bench.child", kind, *map(str, arguments)]
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115, closed by `end`; a pipe is read by nobody meanwhile
        self._process = subprocess.Popen(
            command, env=environment(threads, **more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors, text=True, cwd=ROOT
        )  # fmt: skip

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream:
                stream.close()

    def hear(self, word: str) -> dict[str, Any]:
        """What the next line that begins with the word says. Raises `ChildError` if none comes."""
        alarm = threading.Timer(TIMEOUT, self._process.kill)
        alarm.start()
        try:
            for line in self._process.stdout or ():
                if line.startswith(f"{word} "):
                    return json.loads(line.removeprefix(f"{word} "))
        finally:
            alarm.cancel()
        self._process.wait()
        self._errors.seek(0)
        raise ChildError(_last_line(self._errors.read()))

    def once(self) -> dict[str, Any]:
        """What a child that waits for lines measures now."""
        if self._process.stdin and self._process.poll() is None:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return self.hear("TIMED")

    def finish(self) -> dict[str, Any]:
        """Its result, after the last line."""
        if self._process.stdin:
            self._process.stdin.close()
        return self.hear("RESULT")


def ask(kind: str, *arguments: object, threads: int, **more: str) -> dict[str, Any]:
    """The result of ``bench.child`` in a process of its own, with ``wall``: seconds from its start to its result.

    Raises `ChildError` if there is none.
    """
    began = time.perf_counter()
    with Child(kind, *arguments, threads=threads, **more) as child:
        return {**child.hear("RESULT"), "wall": time.perf_counter() - began}


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


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"it said nothing, or took more than {TIMEOUT} s"
