"""ACAS Xu of VNN-COMP: all instances, a line each, beside what verifiers answered in 2021, and beside auto_LiRPA.

    python -m bench.nonsmooth.acasxu FOLDER --timeout 116 --out acasxu.csv
    python -m bench.nonsmooth.acasxu FOLDER --timeout 20 --every 9
    python -m bench.nonsmooth.acasxu FOLDER --timeout 60 --peer PYTHON    # which has torch and auto_LiRPA

FOLDER has acasxu_instances.csv with its networks and properties. Each instance is read and decided anew; the seconds
are those of all that. With a file to write, a run that was ended goes on where it was. Exits with 1 if an answer is
another than that of the verifiers of 2021.

`acasxu_2021.csv` has the answers of eight verifiers of 2021, of which no two disagree, and the seconds of those that
gave it (from github.com/stanleybak/vnncomp2021_results), with the start of their processes: on other machines, some
with a GPU. What a peer does is told in `lirpa_peer.py`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import subgrad as sg
from bench.nonsmooth.verify import answer
from subgrad.bounds import read_vnnlib

PUBLISHED = Path(__file__).with_name("acasxu_2021.csv")
ROOT = Path(__file__).parents[2]
Answer = tuple[str, float]
"""What was answered, and after how many seconds."""


def ours(folder: Path, network: str, prop: str, timeout: float) -> tuple[str, float, float, int]:
    """The answer, seconds, those of the processor, and the number of boxes."""
    start, used = time.perf_counter(), time.process_time()
    found = sg.verify(sg.onnx.load(folder / network), read_vnnlib(folder / prop), timeout=timeout, budget=10**9)
    return answer(found), time.perf_counter() - start, time.process_time() - used, found.boxes


class Peer:
    """A process of another Python, which answers as well."""

    def __init__(self, python: str) -> None:
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        self.process = subprocess.Popen(
            [python, "-m", "bench.nonsmooth.lirpa_peer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": paths}, cwd=ROOT,
        )  # fmt: skip

    def __call__(self, folder: Path, network: str, prop: str, timeout: float) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([str(folder / network), str(folder / prop), timeout]), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the peer has ended")
        said, seconds = json.loads(line)
        return said, seconds


def published() -> dict[tuple[str, str], dict[str, Answer]]:
    """For each network and property what each verifier answered in 2021."""
    with PUBLISHED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        (row.pop("network"), row.pop("property")): dict(_answers(row.pop("answer"), row)) for row in rows
    }


def _answers(answer: str, seconds: dict[str, str]) -> Iterator[tuple[str, Answer]]:
    for name, text in seconds.items():
        yield name, (answer, float(text)) if text else ("", 0.0)


def told(name: str, answers: list[Answer], timeout: float) -> str:
    """How many were decided in time, and how fast."""
    seconds = np.array([s for a, s in answers if a in ("sat", "unsat") and s <= timeout])
    median = f"median {np.median(seconds):.2g} s, most {seconds.max():.3g} s" if len(seconds) else ""
    return f"{name:12} {len(seconds):4} of {len(answers)}; within 10 s {(seconds <= 10).sum():4}; {median}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--timeout", type=float, default=116, help="seconds for each instance")
    parser.add_argument("--every", type=int, default=1, help="take each so many-th instance")
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter with auto_LiRPA, which answers as well")
    parser.add_argument("--out", type=Path, help="a table of the answers, which a later run goes on with")
    given = parser.parse_args()
    with (given.folder / "acasxu_instances.csv").open(encoding="utf-8") as file:
        instances = [(r[0], r[1]) for r in list(csv.reader(file))[:: given.every]]
    known: dict[tuple[str, str], list[str]] = {}
    if given.out is not None and given.out.exists():
        known = {(r[0], r[1]): r for r in csv.reader(given.out.open(encoding="utf-8"))}
    peer, others, wrong = Peer(given.peer) if given.peer else None, published(), 0
    for network, prop in instances:
        of_2021 = {a for a, _ in others.get((network, prop), {}).values() if a}
        if (network, prop) not in known:
            said, seconds, work, boxes = ours(given.folder, network, prop, given.timeout)
            by_peer = peer(given.folder, network, prop, given.timeout) if peer else ("", 0.0)
            row = [network, prop, said, f"{seconds:.3f}", f"{work:.3f}", str(boxes), by_peer[0], f"{by_peer[1]:.3f}"]
            known[network, prop] = row
            if given.out is not None:
                with given.out.open("a", encoding="utf-8", newline="") as file:
                    csv.writer(file).writerow(row)
        _, _, said, seconds, work, boxes, by_peer, peer_seconds = known[network, prop]
        bad = said in ("sat", "unsat") and bool(of_2021) and said not in of_2021
        wrong += bad
        other = f"; auto_LiRPA {by_peer}, {float(peer_seconds):.2f} s" if by_peer else ""
        effort = f"{float(seconds):7.2f} s (processor {float(work):7.2f} s, {int(boxes):9,} boxes)"
        before = f"2021: {'/'.join(sorted(of_2021)) or '-'}{other}{' WRONG' if bad else ''}"
        print(f"{network[13:16]} {prop[:-7]:7} {said:7} {effort}; {before}", flush=True)
    report(instances, known, others, given.timeout)
    print(f"answers other than those of 2021: {wrong}")
    sys.exit(int(wrong > 0))


def report(
    instances: list[tuple[str, str]], known: dict[tuple[str, str], list[str]],
    others: dict[tuple[str, str], dict[str, Answer]], timeout: float,
) -> None:  # fmt: skip
    """A line for each verifier."""
    rows = [known[i] for i in instances]
    print(f"\ndecided within {timeout:g} s")
    print(told("subgrad", [(r[2], float(r[3])) for r in rows], timeout))
    print(told(" (processor)", [(r[2], float(r[4])) for r in rows], timeout))
    if any(r[6] for r in rows):
        print(told("auto_LiRPA", [(r[6], float(r[7])) for r in rows], timeout))
    print("in 2021, on other machines")
    for name in sorted({v for of in others.values() for v in of}):
        print(told(name, [others.get(i, {}).get(name, ("", 0.0)) for i in instances], timeout))


if __name__ == "__main__":
    main()
