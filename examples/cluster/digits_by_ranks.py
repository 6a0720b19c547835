"""Handwritten digits, learnt by several processes.

    mpiexec -n 4 python examples/cluster/digits_by_ranks.py [MODEL]

MODEL, such as digits.safetensors, is where rank 0 puts the network. A run that was broken off goes on from MODEL.run,
by as many processes or by others.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mpi4py import MPI

import subgrad as sg
from subgrad import nn


def main(path: str = "digits.safetensors") -> None:
    comm, run = MPI.COMM_WORLD, Path(f"{path}.run")
    X, y = sg.data.load_digits()  # each rank has the same arrays, which may be mapped from one file, and takes its part
    X = X / 16
    train, test = sg.data.train_test_split(len(y), 0.2, seed=0, stratify=y)
    net = nn.Sequential(nn.Linear(64, 64, seed=1), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10, seed=2))
    history = sg.fit(
        net, X[train], y[train], loss="cross_entropy", optimizer=sg.Adam(0.003), epochs=30, metrics=["accuracy"],
        validation=(X[test], y[test]), comm=comm, checkpoint=run, resume=run if run.exists() else None,
    )  # fmt: skip
    if comm.rank == 0:
        print(f"{comm.size} ranks: test accuracy {history['validation_accuracy'][-1]:.1%}")
        sg.save(net, path)
        run.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
