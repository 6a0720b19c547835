"""What calls after the first take: training a little more, and answers for tables of many lengths.

Small enough that little of it is arithmetic: `subgrad.fit` beside scikit-learn's ``partial_fit``, on 320 rows of 10
columns and a network 10-32-2, in batches of 32.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.peers import Peer
from bench.spawn import ChildError, ask

ROWS, COLUMNS, HIDDEN, BATCH = 320, 10, 32, 32
CALLS = 50
LENGTHS = np.random.default_rng(0).permutation(np.unique(np.geomspace(1, 10_000, 60).astype(int))).tolist()
"""Of tables that are asked about, in an order that is not that of their lengths."""

TASKS = {
    "epoch": f"one more epoch of {ROWS} rows",
    "batch": f"one more batch of {BATCH} rows",
    "lengths": f"answers for a table of a new length, the mean of {len(LENGTHS)} of 1 to 10,000 rows",
    "lengths again": "the same lengths again",
}
SIDES = ("subgrad", "sklearn")


def sections(peers: Sequence[Peer], repeats: int, threads: int) -> list[dict[str, Any]]:
    """A row for each side and task: the median of so many processes."""
    found = []
    for peer in (p for p in peers if p.name in SIDES):
        for task in TASKS:
            row = {"peer": peer.name, "task": task}
            try:
                times = [ask("again", peer.name, task, threads=threads)["seconds"] for _ in range(repeats)]
            except ChildError as error:
                found.append({**row, "error": str(error)})
            else:
                found.append({**row, "seconds": statistics.median(times)})
    return found


def measure(peer: str, task: str) -> float:
    """Seconds of a call."""
    warnings.simplefilter("ignore")
    random = np.random.default_rng(0)
    X = random.standard_normal((ROWS, COLUMNS)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    train, answer = (_subgrad if peer == "subgrad" else _sklearn)(X, y)
    if task in ("epoch", "batch"):
        rows = slice(None) if task == "epoch" else slice(BATCH)
        train(X[rows], y[rows])
        return statistics.median(_timed(lambda: train(X[rows], y[rows])) for _ in range(CALLS))
    tables = [random.standard_normal((n, COLUMNS)).astype(np.float32) for n in LENGTHS]
    answer(X)
    for _ in range(task == "lengths again"):
        for table in tables:
            answer(table)
    return statistics.mean(_timed(lambda t=table: answer(t)) for table in tables)


def _subgrad(X: np.ndarray, y: np.ndarray) -> tuple[Callable[..., Any], Callable[..., Any]]:
    import subgrad as sg
    from subgrad import nn

    net = nn.Sequential(nn.Linear(COLUMNS, HIDDEN, seed=0), nn.ReLU(), nn.Linear(HIDDEN, 2, seed=1))
    settings: Any = {"loss": "cross_entropy", "optimizer": sg.Adam(1e-3), "epochs": 1, "batch_size": BATCH}
    sg.fit(net, X, y, **settings, verbose=False)
    return lambda X, y: sg.fit(net, X, y, **settings, verbose=False), lambda X: sg.predict(net, X)


def _sklearn(X: np.ndarray, y: np.ndarray) -> tuple[Callable[..., Any], Callable[..., Any]]:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((HIDDEN,), batch_size=BATCH, random_state=0)
    model.partial_fit(X, y, classes=[0, 1])
    return model.partial_fit, model.predict_proba


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
