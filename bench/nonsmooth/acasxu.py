"""ACAS Xu of VNN-COMP: all instances, a line each, beside what verifiers answered in 2021, and beside auto_LiRPA.

    python -m bench.nonsmooth.acasxu FOLDER --timeout 116 --out acasxu.csv
    python -m bench.nonsmooth.acasxu FOLDER --timeout 20 --every 9
    python -m bench.nonsmooth.acasxu FOLDER --timeout 20 --every 18 --peer PYTHON    # which has torch and auto_LiRPA

FOLDER has acasxu_instances.csv with its networks and properties. Each instance is read and decided anew; the seconds
are those of all that, of the clock and of the processor. With a file to write, a run that was ended goes on where it
was, or gets the answers of a peer as well. Exits with 1 if an answer is another than that of the verifiers of 2021.

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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

import subgrad as sg
from bench.nonsmooth.verify import answer
from subgrad.bounds import read_vnnlib

PUBLISHED = Path(__file__).with_name("acasxu_2021.csv")
ROOT = Path(__file__).parents[2]
US, PEER = "subgrad", "auto_LiRPA"


class Answer(NamedTuple):
    """What was answered, after how many seconds, of them of the processor, with how many boxes."""

    said: str
    seconds: float
    work: float = 0.0
    boxes: int = 0


Instance = tuple[str, str]
Verifier = Callable[[Path, Instance, float], Answer]


def ours(folder: Path, instance: Instance, timeout: float) -> Answer:
    """What `sg.verify` answers."""
    network, prop = (folder / name for name in instance)
    start, used = time.perf_counter(), time.process_time()
    found = sg.verify(sg.onnx.load(network), read_vnnlib(prop), timeout=timeout, budget=10**9)
    return Answer(answer(found), time.perf_counter() - start, time.process_time() - used, found.boxes)


class Peer:
    """A process of another Python, which answers as well."""

    def __init__(self, python: str) -> None:
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        self.process = subprocess.Popen(
            [python, "-m", "bench.nonsmooth.lirpa_peer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": paths}, cwd=ROOT,
        )  # fmt: skip

    def __call__(self, folder: Path, instance: Instance, timeout: float) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        question = [*(str((folder / name).resolve()) for name in instance), timeout, sg.get_threads()]
        print(json.dumps(question), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the peer has ended")
        return Answer(*json.loads(line))


class Table:
    """The answers, in a file if there is one: each by the instance and the name of who gave it."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.known = path, dict[tuple[Instance, str], Answer]()
        if path is not None and path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                for network, prop, name, said, seconds, work, boxes in csv.reader(file):
                    self.known[(network, prop), name] = Answer(said, float(seconds), float(work), int(boxes))

    def fill(self, instance: Instance, name: str, given: Callable[[], Answer]) -> Answer:
        """The answer that is known, or one that is given now."""
        if (instance, name) not in self.known:
            found = self.known[instance, name] = given()
            row = [*instance, name, found.said, f"{found.seconds:.3f}", f"{found.work:.3f}", found.boxes]
            if self.path is not None:
                with self.path.open("a", encoding="utf-8", newline="") as file:
                    csv.writer(file).writerow(row)
        return self.known[instance, name]


def published() -> dict[Instance, dict[str, Answer]]:
    """For each network and property what each verifier answered in 2021."""
    with PUBLISHED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        (row.pop("network"), row.pop("property")): dict(_answers(row.pop("answer"), row)) for row in rows
    }


def _answers(answer: str, seconds: dict[str, str]) -> Iterator[tuple[str, Answer]]:
    for name, text in seconds.items():
        yield name, Answer(answer, float(text)) if text else Answer("", 0.0)


def told(name: str, found: list[tuple[str, float]], timeout: float) -> str:
    """How many were decided in time, and how fast."""
    seconds = np.array([s for said, s in found if said in ("sat", "unsat") and s <= timeout])
    median = f"median {np.median(seconds):.2g} s, most {seconds.max():.3g} s" if len(seconds) else ""
    return f"{name:12} {len(seconds):4} of {len(found)}; within 10 s {(seconds <= 10).sum():4}; {median}"


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
    verifiers: dict[str, Verifier] = {US: ours, **({PEER: Peer(given.peer)} if given.peer else {})}
    table, others, wrong = Table(given.out), published(), 0
    for instance in instances:
        of_2021 = {a.said for a in others.get(instance, {}).values() if a.said}
        line = []
        for name, verifier in verifiers.items():
            found = table.fill(instance, name, lambda v=verifier, i=instance: v(given.folder, i, given.timeout))
            bad = found.said in ("sat", "unsat") and bool(of_2021) and found.said not in of_2021
            wrong += bad and name == US
            effort = f"{found.seconds:7.2f} s (processor {found.work:7.2f} s, {found.boxes:9,} boxes)"
            line.append(f"{name} {found.said:7} {effort}{' WRONG' if bad else ''}")
        network, prop = instance
        print(f"{network[13:16]} {prop[:-7]:7} {'; '.join(line)}; 2021: {'/'.join(sorted(of_2021)) or '-'}", flush=True)
    report(instances, {n: [table.known[i, n] for i in instances] for n in verifiers}, others, given.timeout)
    print(f"answers other than those of 2021: {wrong}")
    sys.exit(int(wrong > 0))


def report(
    instances: list[Instance], found: dict[str, list[Answer]], others: dict[Instance, dict[str, Answer]],
    timeout: float,
) -> None:  # fmt: skip
    """A line for each verifier, and one for its seconds of the processor."""
    print(f"\ndecided within {timeout:g} s")
    for name, answers in found.items():
        print(told(name, [(a.said, a.seconds) for a in answers], timeout))
        print(told(" (processor)", [(a.said, a.work) for a in answers], timeout))
    print("in 2021, on other machines")
    for name in sorted({v for of in others.values() for v in of}):
        answers = [others.get(i, {}).get(name, Answer("", 0.0)) for i in instances]
        print(told(name, [(a.said, a.seconds) for a in answers], timeout))


if __name__ == "__main__":
    main()
