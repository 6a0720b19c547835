"""How many properties `subgrad.verify` decides, and in what time: digits within a distance, and files of VNN-COMP.

    python -m bench.nonsmooth.verify digits
    python -m bench.nonsmooth.verify FOLDER/acasxu_instances.csv --timeout 20 --every 5
    python -m bench.nonsmooth.verify FOLDER/acasxu_instances.csv --timeout 116 --out acasxu.csv

With a file to write, a run that was ended goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Robust, Verdict, ball, read_vnnlib


def digits(eps: float = 0.05, images: int = 40) -> None:
    """A 64-64-64-10 network: images of the test part whose class is proven within eps of each pixel, in [0, 1]."""
    x, y = sg.data.load_digits()
    x = (x.reshape(len(x), 64) / x.max()).astype(np.float32)
    net = nn.Sequential(
        nn.Linear(64, 64, seed=0), nn.ReLU(), nn.Linear(64, 64, seed=1), nn.ReLU(), nn.Linear(64, 10, seed=2)
    )
    adam = sg.Adam(1e-3)
    sg.fit(net, x[:1437], y[:1437], loss="cross_entropy", optimizer=adam, epochs=30, batch_size=32, seed=0, verbose=0)
    found = []
    for image, label in zip(x[1437 : 1437 + images], y[1437 : 1437 + images], strict=True):
        start = time.perf_counter()
        status = sg.verify(net, ball(image, eps, 0, 1), Robust(int(label)), budget=1000).status
        found.append((status, time.perf_counter() - start))
    counts = {s: sum(f[0] == s for f in found) for s in ("proven", "refuted", "unknown")}
    print(f"digits, eps {eps}: {counts} of {images}; median {np.median([f[1] for f in found]):.2g} s")


def instances(table: Path, timeout: float, every: int, out: Path | None) -> None:
    """The instances of a file as VNN-COMP has it: network, property, seconds. Those without a network are left out."""
    with table.open(encoding="utf-8") as file:
        rows = [r for r in list(csv.reader(file))[::every] if (table.parent / r[0]).exists()]
    known = {} if out is None or not out.exists() else {(r[0], r[1]): r for r in csv.reader(out.open(encoding="utf-8"))}
    for network, prop, *_ in rows:
        if (network, prop) in known:
            continue
        start, used = time.perf_counter(), time.process_time()
        net, claim = sg.onnx.load(table.parent / network), read_vnnlib(table.parent / prop)
        verdict = sg.verify(net, claim, timeout=timeout, budget=10**9)
        seconds, work = time.perf_counter() - start, time.process_time() - used
        effort = f"{verdict.boxes:,} boxes, {seconds:.2f} s, of the processor {work:.2f} s"
        known[network, prop] = [network, prop, answer(verdict), f"{seconds:.2f}", f"{work:.2f}", str(verdict.boxes)]
        print(f"{network} {prop}: {answer(verdict)}, {effort}", flush=True)
        if out is not None:
            with out.open("a", encoding="utf-8", newline="") as file:
                csv.writer(file).writerow(known[network, prop])
    found = [known[r[0], r[1]] for r in rows]
    answers, seconds = [f[2] for f in found], [float(f[3]) for f in found]
    counts = {a: answers.count(a) for a in sorted(set(answers))}
    print(f"{counts} of {len(found)}; median {np.median(seconds):.2g} s, within 10 s {sum(s <= 10 for s in seconds)}")


def answer(found: Verdict) -> str:
    """As the command line says it."""
    return {"proven": "unsat", "refuted": "sat"}.get(found.status, "timeout" if found.timed_out else "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", help="digits, or a file of instances")
    parser.add_argument("--timeout", type=float, default=20, help="seconds for each instance")
    parser.add_argument("--every", type=int, default=1, help="take each so many-th instance")
    parser.add_argument("--out", type=Path, help="a table of the answers, which a later run goes on with")
    given = parser.parse_args()
    if given.what == "digits":
        digits()
    else:
        instances(Path(given.what), given.timeout, given.every, given.out)


if __name__ == "__main__":
    main()
