"""``python -m tests.fuzz --programs N --seed S``: run N random programs, and print those that are computed wrongly."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter

os.environ.setdefault("SUBGRAD_CHECK", "1")
os.environ.setdefault("SUBGRAD_CACHE", "off")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from .generate import generate
from .judge import cpus
from .run import fails, run, verdict
from .shrink import shrunk, source

APART = 1_000_000  # numbers of programs that lie between two seeds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--programs", type=int, default=1000, help="how many (1000)")
    parser.add_argument(
        "--seed", type=int, default=0, help="which ones: program i of seed s has the number 1000000 s + i"
    )
    parser.add_argument(
        "--program", type=int, help="run the program of this number, print it, and shrink it if it fails"
    )
    parser.add_argument("--failures", type=int, default=10, help="end after so many (10)")
    asked = parser.parse_args()
    if asked.program is not None:
        return _one(asked.program)
    first, start, seen, failed = APART * asked.seed, time.perf_counter(), Counter[str](), 0
    for done, (number, message, counted) in enumerate(run(range(first, first + asked.programs)), 1):
        seen += counted
        if message is not None:
            failed += 1
            print(f"\nprogram {number}: {message}\n  python -m tests.fuzz --program {number}", flush=True)
        if done % 500 == 0 or done == asked.programs:
            print(f"{done} programs in {time.perf_counter() - start:.0f} s, {failed} wrong; {dict(seen)}", flush=True)
        if failed == asked.failures:
            break
    return failed > 0


def _one(number: int) -> int:
    case = generate(number, cpus())
    if not fails(case):
        print(source(case), "# is computed rightly", sep="\n")
        return 0
    case = shrunk(case, fails)
    print(source(case))
    sys.stdout.flush()
    print(f"# {verdict(case)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
