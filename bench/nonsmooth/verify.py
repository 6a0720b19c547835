"""How many properties `subgrad.verify` decides, and in what time: digits within a distance, and files of VNN-COMP.

    python -m bench.nonsmooth.verify digits
    python -m bench.nonsmooth.verify FOLDER/acasxu_instances.csv --timeout 20 --every 5
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


def instances(table: Path, timeout: float, every: int) -> None:
    """The instances of a file as VNN-COMP has it: network, property, seconds."""
    with table.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[::every]
    found = []
    for network, prop, *_ in rows:
        start, used = time.perf_counter(), time.process_time()
        net, claim = sg.onnx.load(table.parent / network), read_vnnlib(table.parent / prop)
        verdict = sg.verify(net, claim, timeout=timeout, budget=10**9)
        found.append(answer(verdict))
        seconds, work = time.perf_counter() - start, time.process_time() - used
        effort = f"{verdict.boxes:,} boxes, {seconds:.2f} s, of the processor {work:.2f} s"
        print(f"{network} {prop}: {found[-1]}, {effort}", flush=True)
    print({a: found.count(a) for a in sorted(set(found))}, "of", len(found))


def answer(found: Verdict) -> str:
    """As the command line says it."""
    return {"proven": "unsat", "refuted": "sat"}.get(found.status, "timeout" if found.timed_out else "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", help="digits, or a file of instances")
    parser.add_argument("--timeout", type=float, default=20, help="seconds for each instance")
    parser.add_argument("--every", type=int, default=1, help="take each so many-th instance")
    given = parser.parse_args()
    if given.what == "digits":
        digits()
    else:
        instances(Path(given.what), given.timeout, given.every)


if __name__ == "__main__":
    main()
