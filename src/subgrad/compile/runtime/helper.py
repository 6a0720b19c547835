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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from subgrad.compile import machine_code
from subgrad.compile.code_target import Target
from subgrad.compile.module_parts import LONG, begun
from subgrad.compile.runtime.cpu import available_processors
from subgrad.graph.lock import lock

LARGE = 300
"""Nodes of a traced graph from which on a second process is started: LLVM then takes longer than the start, 0.1 s."""

MOST = 8
"""Parts of a program at most: each takes some milliseconds more than its lines."""

_process: subprocess.Popen[bytes] | None = None
_parts: Parts | None = None
_failed = False
_lock = lock()


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
    return _process is not None and _process.poll() is None and (_parts is None or not _parts.are_waited_for())


def parts_for(target: Target) -> Parts | None:
    """What the process makes code of next; None if there is none, or it has something to do."""
    global _parts
    with _lock:
        if not is_there():
            return None
        assert _process is not None
        try:
            _parts = Parts(_process, target)
        except RuntimeError:  # the system has no thread left
            return None
        return _parts


@contextmanager
def ahead(target: Target, wanted: bool) -> Iterator[Parts | None]:
    """Parts of the text that is written inside, if they are wanted: the process is started."""
    if wanted:
        start()
    parts = parts_for(target) if wanted else None
    try:
        yield parts
    finally:
        if parts is not None:
            parts.drop()


class Parts:
    """Parts of a text, and the object code of each: the process begins with the first one when that comes, who asks for
    the code with the last.

    Nobody waits for a process that is late, as on a busy machine: what it has not made in the time that that
    takes here is made here as well.
    """

    def __init__(self, process: subprocess.Popen[bytes], target: Target) -> None:
        self.names: set[str] = set()  # of functions in parts that are begun
        self.lines = 0  # of these
        self._process, self._target = process, target
        self._texts: list[str] = []
        self._left: deque[int] = deque()
        self._made: dict[int, bytes] = {}
        self._more, self._complete = threading.Condition(), False
        self._reader = threading.Thread(target=self._ask, daemon=True)
        self._reader.start()

    def begin(self, text: str) -> None:
        """Functions of a text of which more will come."""
        part, names = begun(text)
        self.names |= names
        self.lines += _lines(text)
        with self._more:
            self._left.append(len(self._texts))
            self._texts.append(part)
            self._more.notify()

    def code(self, rest: Sequence[str], own: Callable[[str], bytes]) -> list[bytes]:
        """The object code of the parts that are begun, and of the rest; ``own`` makes that of one in this process."""
        first = len(self._texts)
        self._texts.extend(rest)
        i: int | None = len(self._texts) - 1
        with self._more:
            self._left.extend(range(first, i))
            self._complete = True
            self._more.notify()
        try:
            lines, took = 0, 0.0
            while i is not None:
                before = time.perf_counter()
                self._made[i] = own(self._texts[i])
                lines, took = lines + _lines(self._texts[i]), took + time.perf_counter() - before
                i = self._last()
            missing = sum(_lines(text) for i, text in enumerate(self._texts) if i not in self._made)
            self._reader.join(missing * took / max(1, lines))
        except BaseException:  # an answer that is still to come is for nobody
            _stop()
            raise
        found = [self._made.get(i) or own(text) for i, text in enumerate(self._texts)]
        self.drop()
        return found

    def drop(self) -> None:
        """Nobody needs what is left."""
        with self._more:
            self._left.clear()
            self._complete, self._texts, self._made = True, [], {}
            self._more.notify()

    def are_waited_for(self) -> bool:
        """Whether the process may be given, or have, one of them."""
        return self._reader.is_alive()

    def _last(self) -> int | None:
        with self._more:
            return self._left.pop() if self._left else None

    def _first(self) -> tuple[int, str] | None:
        with self._more:
            while not (self._left or self._complete):
                self._more.wait()
            i = self._left.popleft() if self._left else None
            return None if i is None else (i, self._texts[i])

    def _ask(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # it was stopped
            while (first := self._first()) and (code := _answer(self._process, first[1], self._target)):
                self._made[first[0]] = code


def _lines(text: str) -> int:
    return text.count("\n")


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
    global _process, _parts
    process, _process, _parts = _process, None, None
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

__all__ = ["LARGE", "LONG", "Parts", "ahead", "is_there", "parts_for", "start"]
