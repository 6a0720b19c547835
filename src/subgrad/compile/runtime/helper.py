"""A second process that makes machine code: LLVM is for one thread at a time, and a machine has more processors.

It is `subgrad.compile.machine_code` as a program, started where a large graph begins to be compiled, so that it is
ready when the graph has become text. It stays for further programs for a minute, and no longer than this process. Where
there cannot be one, nobody misses it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from subgrad.compile import machine_code
from subgrad.compile.code_target import Target
from subgrad.compile.runtime.cpu import available_processors

LARGE = 300
"""Nodes of a traced graph from which on a second process is started: LLVM then takes longer than the start, 0.1 s."""

LONG = 2500
"""Lines that are worth to be compiled apart; a text of fewer than twice as many stays whole."""

MOST = 8
"""Parts of a program at most: each takes some milliseconds more than its lines."""

_process: subprocess.Popen[bytes] | None = None
_reader: threading.Thread | None = None
_failed = False


def start() -> None:
    """Have the process soon, if this machine has a processor for it."""
    global _process, _failed
    if _failed or (_process is not None and _process.poll() is None) or _is_busy():
        return
    _stop()
    command = _command()
    try:
        if command is not None:
            _process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, close_fds=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )  # fmt: skip
    except OSError:
        _failed = True


def _is_busy() -> bool:
    """Whether others keep the processors busy: code that is made by turns takes longer in two processes than in one."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > 1.5 * available_processors()


def is_there() -> bool:
    """Whether the process runs, or is about to, and has nothing to do."""
    return _process is not None and _process.poll() is None and (_reader is None or not _reader.is_alive())


def parts_worth(lines: int) -> int:
    """In how many parts a text is compiled."""
    return min(lines // LONG, MOST) if lines >= 2 * LONG and is_there() else 1


def together(parts: Sequence[str], target: Target, own: Callable[[str], bytes]) -> list[bytes]:
    """The object code of each part: the process begins with the first one, this thread, by ``own``, with the last.

    Nobody waits for a process that is late, as on a busy machine: what it has not made in the time that a part took
    here is made here as well.
    """
    global _reader
    process, left, made = _process, deque(enumerate(parts)), {}
    assert process is not None

    def ask() -> None:
        with contextlib.suppress(OSError, ValueError, IndexError):  # it was stopped, or nothing is left
            while code := _answer(process, (taken := left.popleft())[1], target):
                made[taken[0]] = code

    _reader = threading.Thread(target=ask, daemon=True)
    _reader.start()
    try:
        longest = 0.0
        with contextlib.suppress(IndexError):
            while True:
                (i, part), began = left.pop(), time.perf_counter()
                made[i] = own(part)
                longest = max(longest, time.perf_counter() - began)
        _reader.join(longest)
    except BaseException:  # an answer that is still to come is for nobody
        _stop()
        raise
    return [made.get(i) or own(part) for i, part in enumerate(parts)]


def _answer(process: subprocess.Popen[bytes], text: str, target: Target) -> bytes | None:
    assert process.stdin is not None
    assert process.stdout is not None
    content = text.encode()
    process.stdin.write(json.dumps({"target": target._asdict(), "length": len(content)}).encode() + b"\n" + content)
    process.stdin.flush()
    head = process.stdout.read(8)
    size = int.from_bytes(head, "little")
    code = process.stdout.read(size) if len(head) == 8 else b""
    return code if size and len(code) == size else None


def _command() -> list[str] | None:
    """How to start this Python again; None where that is not Python, as in a program made of one file."""
    import llvmlite  # pyright: ignore[reportMissingImports]

    if getattr(sys, "frozen", False) or not Path(sys.executable or "").name.lower().startswith("python"):
        return None
    # Neither the user's settings nor what is installed beside llvmlite is needed: -I and -S leave them out.
    return [sys.executable, "-I", "-S", machine_code.__file__, str(Path(llvmlite.__file__).parent.parent)]


def _stop() -> None:
    """End the process, whatever it does."""
    global _process
    process, _process = _process, None
    if process is not None:
        process.kill()
        process.wait()
        _close(process)


@atexit.register
def _end() -> None:
    """No process is left behind, and none is started any more."""
    global _failed
    _failed = True
    _stop()


def _forget() -> None:
    """In a forked child: the process is its parent's."""
    global _process
    process, _process = _process, None
    if process is not None:
        process.returncode = 0  # it is not this process's to wait for
        _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

__all__ = ["LARGE", "is_there", "parts_worth", "start", "together"]
