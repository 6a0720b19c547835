"""One rank of a measurement: ``mpiexec -n N python -m bench.mpi.shared_run CASE``, where CASE is JSON of `Case`."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import subgrad as sg
from bench.mpi.ethernet import ETHERNETS, Delayed
from subgrad import nn

WIDTHS = {"5M": (784, 2048, 1650, 10), "W3": (784, 128, 10)}


@dataclass(frozen=True)
class Case:
    """What is trained: ``steps`` batches of ``batch`` samples an epoch, by so many ranks, on a network or on none.

    ``averaging`` is that of `subgrad.fit`; with 0 one process trains alone, with None two at once, each alone.
    """

    network: str
    batch: int
    steps: int
    epochs: int
    averaging: int | None = 1
    ethernet: int | None = None
    ranks: int = 2


def main(case: Case) -> None:
    """Rank 0 prints the seconds and the loss of each epoch as JSON."""
    rng = np.random.default_rng(0)
    widths, n = WIDTHS[case.network], case.batch * case.steps
    X = rng.normal(size=(n, widths[0])).astype(np.float32)
    y = (X[:, :10] + 0.5 * X[:, 10:20] * X[:, 20:30]).argmax(1)
    layers: list[Any] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        layers += [nn.Linear(a, b, seed=i), nn.ReLU()]
    world: Any = None
    if case.averaging != 0:
        from mpi4py import MPI

        world = MPI.COMM_WORLD
    comm = None if case.averaging is None else world
    if case.ethernet is not None:
        comm = Delayed(comm, ETHERNETS[case.ethernet], case.ranks)
    model, spent = nn.Sequential(*layers[:-1]), [time.process_time()]

    def note(_: Any) -> None:
        spent.append(time.process_time())
        if case.averaging is None:
            world.Barrier()  # both begin their epochs at the same time

    options: dict[str, Any] = {"loss": "cross_entropy", "optimizer": sg.SGD(0.02), "batch_size": case.batch}
    history = sg.fit(
        model, X, y, **options, epochs=case.epochs, comm=comm, averaging=case.averaging or 1, verbose=False,
        callbacks=note,
    )  # fmt: skip
    if world is None or world.Get_rank() == 0:
        found = {"seconds": history["seconds"], "loss": history["loss"], "processor": np.diff(spent).tolist()}
        print(json.dumps(found))


if __name__ == "__main__":
    main(Case(**json.loads(sys.argv[1])))
