"""``python -m bench.mpi``: what a second process brings, one thread each, and what networks would take of it.

    python -m bench.mpi                 # all tables, some minutes on an idle machine
    python -m bench.mpi --only scaling  # or averages, ethernet

Times are those of the fastest epoch: on a machine that others use as well, the one that was disturbed least.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.mpi.ethernet import ETHERNETS
from bench.mpi.shared_run import WIDTHS, Case

ROUNDS = 3


def measured(case: Case) -> dict[str, Any]:
    """What the ranks of a case find: the least seconds of an epoch, and the last loss."""
    command = [sys.executable, "-m", "bench.mpi.shared_run", json.dumps(asdict(case))]
    if case.averaging != 0:
        command = [str(Path(sys.executable).with_name("mpiexec")), "-n", "2", "--bind-to", "core", *command]
    environment = {**os.environ, "SUBGRAD_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1"}
    environment |= {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {"seconds": min(found["seconds"][1:]), "loss": found["loss"][-1], "processor": min(found["processor"][1:])}


def best(cases: list[Case]) -> list[dict[str, Any]]:
    """The cases in turn, some rounds; of each the least that was found."""
    rounds = [[measured(case) for case in cases] for _ in range(ROUNDS)]
    return [{key: min(found[key] for found in of_one) for key in of_one[0]} for of_one in zip(*rounds, strict=True)]


def scaling() -> None:
    """Gradients added up in each step: the same samples a rank (weak), and the same samples a step (strong)."""
    print(f"{parameters('5M'):,} parameters; ms a step of one process; of two at once, each alone; of two ranks, weak "
          "and strong; efficiency, weak and strong")  # fmt: skip
    for batch in (64, 256, 512):
        one, apart, weak, strong = best([
            Case("5M", batch, 4, 8, averaging=0), Case("5M", batch, 4, 8, averaging=None),
            Case("5M", 2 * batch, 4, 8), Case("5M", batch, 4, 8),
        ])  # fmt: skip
        t, a, w, s = (1e3 * found["seconds"] / 4 for found in (one, apart, weak, strong))
        print(f"  {batch:4} samples: {t:7.1f}  {a:7.1f}  {w:7.1f}  {s:7.1f}   {t / w:4.0%}  {t / s / 2:4.0%}")


def averages() -> None:
    """W3: as many samples in one process and in two ranks."""
    print("W3, 512 batches of 64: us a batch, loss after 8 epochs, efficiency by the clock and by processor time")
    cases = [Case("W3", 64, 512, 8, averaging=k) for k in (0, None, 1, 4, 16, 64)]
    one, apart, *others = best(cases)
    print(f"  one process           {1e6 * one['seconds'] / 512:7.1f}  {one['loss']:.4f}")
    both = one["seconds"] / apart["seconds"]
    print(f"  two at once, alone    {1e6 * apart['seconds'] / 1024:7.1f}          {both:4.0%}")
    for case, found in zip(cases[2:], others, strict=True):
        clock, own = (one[key] / found[key] / 2 for key in ("seconds", "processor"))
        us = 1e6 * found["seconds"] / 512
        print(f"  averages every {case.averaging:4}   {us:7.1f}  {found['loss']:.4f}  {clock:4.0%} {own:4.0%}")


def ethernet() -> None:
    """On networks, of 2 to 16 ranks: two of them compute, and sums take as long as those of all."""
    for name, batch, averaging in (("5M", 512, 1), ("5M", 512, 16), ("W3", 64, 16)):
        steps = 4 if name == "5M" and averaging == 1 else 32 if name == "5M" else 512
        local = Case(name, batch * (2 if averaging == 1 else 1), steps, 4, averaging=averaging)
        alone = measured(Case(name, batch, steps, 4, averaging=0))["seconds"]
        print(f"{name}, {batch} samples a rank, averaging={averaging}: efficiency by 2, 4, 8, 16 ranks; of the model")
        for e, network in enumerate(ETHERNETS):
            row, model = [], []
            for ranks in (2, 4, 8, 16):
                found = measured(Case(**{**asdict(local), "ethernet": e, "ranks": ranks}))["seconds"]
                row.append(alone / found if averaging == 1 else alone / found / 2)
                step = alone / steps
                model.append(step / (step + network.all_reduce(ranks, 4 * parameters(name)) / averaging))
            print(f"  {network.name:9}", *(f"{x:5.0%}" for x in row), "  ", *(f"{x:5.0%}" for x in model))


def parameters(name: str) -> int:
    """How many a network has."""
    return sum(a * b + b for a, b in zip(WIDTHS[name], WIDTHS[name][1:], strict=False))


TABLES: dict[str, Callable[[], None]] = {f.__name__: f for f in (scaling, averages, ethernet)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=list(TABLES), nargs="*", default=list(TABLES))
    for table in parser.parse_args().only:
        TABLES[table]()
