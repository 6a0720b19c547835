"""Runs many programs, each where it can neither take the others down nor hang them."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence

from .generate import Case, generate
from .judge import cpus, judge

SECONDS = 60  # that one program may take


def verdict(case: Case, seen: Counter[str] | None = None) -> str | None:
    """`judge`, with any exception as a message."""
    try:
        return judge(case, seen)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(last.filename)}:{last.lineno} in {last.name}"
        return f"{type(error).__name__}: {str(error)[:300]} ({where})"


def run(numbers: Sequence[int]) -> Iterator[tuple[int, str | None, Counter[str]]]:
    """The numbers with what is wrong with each program (None: nothing), and what was counted since the last one."""
    left, machines = list(numbers), cpus()
    while left:
        done = yield from _forked(left, machines)
        left = left[done:]


def _forked(numbers: Sequence[int], machines: Sequence[str]) -> Iterator:
    """Programs in a child; how many it did. If it dies, the program that it was at has failed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with contextlib.suppress(BrokenPipeError):
            _work(numbers, machines, writer)
        os._exit(0)
    os.close(writer)
    done = 0
    with os.fdopen(reader, "rb") as answers:
        while done < len(numbers):
            try:
                message, seen = pickle.load(answers)
            except EOFError:
                break
            yield numbers[done], message, seen
            done += 1
    status = os.waitpid(child, 0)[1]
    if done < len(numbers):
        how = f"signal {signal.Signals(os.WTERMSIG(status)).name}" if os.WIFSIGNALED(status) else "leaving"
        yield numbers[done], f"the process ended by {how}", Counter()
        done += 1
    return done


def _work(numbers: Sequence[int], machines: Sequence[str], writer: int) -> None:
    with os.fdopen(writer, "wb") as answers:
        for number in numbers:
            signal.alarm(SECONDS)
            seen: Counter[str] = Counter()
            try:
                message = verdict(generate(number, machines), seen)
            except Exception:
                message = f"not generated: {traceback.format_exc(limit=-3)}"
            pickle.dump((message, seen), answers)
            answers.flush()
    signal.alarm(0)


def fails(case: Case) -> bool:
    """Whether a program is computed wrongly, or takes down the process that computes it."""
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os._exit(verdict(case) is not None)
    return os.waitpid(child, 0)[1] != 0
