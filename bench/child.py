"""What runs in a fresh process: one measurement, printed as one line of JSON, or (`measure`) one for each line read.

``python -m bench.child KIND ARGUMENTS`` calls the function of `KINDS` of that name.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bench import peers
from bench.work import arrays, workloads

CALLS = 10  # calls between two looks at the clock, for inference


def measure(peer: str, variant: str, workload: str, seconds: str, percentile: str) -> dict[str, Any]:
    """Set a workload up, say so, and time it once for each line that comes in: for so many seconds after a third as
    long a warm-up; ``percentile`` of the repeats counts."""
    task = workloads.BY_NAME[workload]
    module = peers.BY_NAME[peer].module()
    once, found = (_infer if task.infers else _train)(module, task, variant)
    _say("READY", {**found, "processor": _processor()})
    for _ in sys.stdin:
        began = _processor()
        times = _repeat(once, float(seconds))
        taken = float(np.percentile(times, float(percentile)))
        _say("TIMED", {"seconds": taken, "repeats": len(times), "processor": _processor() - began})
    return {"peak_bytes": _peak_bytes()}


def _train(module: Any, task: workloads.Workload, variant: str) -> tuple[Callable[[], float], dict[str, Any]]:
    """Seconds of a step, measured by a run of them. The answers are the mean losses of the first and the second run:
    the same steps for every peer."""
    began = time.perf_counter()
    run, steps = module.train(task, variant), task.steps
    first = run(steps)
    setup = time.perf_counter() - began
    second, taken = _timed(lambda: run(steps))
    return lambda: _timed(lambda: run(steps))[1] / steps, {"setup": setup - taken, "answers": [first, second]}


def _infer(module: Any, task: workloads.Workload, variant: str) -> tuple[Callable[[], float], dict[str, Any]]:
    """Seconds of a call. The answers are the probabilities of the first sample's classes."""
    began = time.perf_counter()
    call, x = module.infer(task, variant), arrays.data(task)[0][: task.batch]
    output = np.array(call(x))
    setup = time.perf_counter() - began

    def once() -> float:
        return _timed(lambda: [call(x) for _ in range(CALLS)])[1] / CALLS

    return once, {"setup": setup, "answers": _probabilities(output[0]).tolist()}


def _timed(task: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    found = task()
    return found, time.perf_counter() - began


def _repeat(once: Callable[[], float], seconds: float) -> list[float]:
    """What each repeat takes, after a warm-up."""
    _until(once, seconds / 3)
    return _until(once, seconds)


def _until(once: Callable[[], float], seconds: float) -> list[float]:
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        times.append(once())
    return times


def _probabilities(row: np.ndarray) -> np.ndarray:
    """Softmax of scores; probabilities, which scikit-learn gives, stay as they are."""
    if (row >= 0).all() and abs(row.sum() - 1) < 1e-4:
        return row
    powers = np.exp(row - row.max())
    return powers / powers.sum()


def _processor() -> float:
    """Seconds of processor time of this process and its ended children, such as a compiler."""
    return sum(os.times()[:4])


def _peak_bytes() -> int | None:
    """The most memory this process ever held, where the system tells."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def first_step(peer: str, workload: str) -> dict[str, Any]:
    """One trained step on one batch of data; the parent looks at the clock when this process says so."""
    task = workloads.BY_NAME[workload]
    chosen = peers.BY_NAME[peer]
    chosen.module().train(replace(task, samples=task.batch), chosen.quickest)(1)
    return {}


def importing(module: str) -> dict[str, Any]:
    return {"seconds": _timed(lambda: importlib.import_module(module))[1]}


def growth(layers: str) -> dict[str, Any]:
    """Seconds to trace and to compile a training step of so many linear layers, without the cache."""
    from bench.peers import subgrad

    width, batch = 32, 32
    task = workloads.Workload("depth", "", (width,), workloads.mlp("relu", *[width] * int(layers)), "mse",
                              ("sgd", 0.01), batch, batch, 1)  # fmt: skip
    return {"seconds": _timed(lambda: subgrad.train(task, "native")(1))[1], "peak_bytes": _peak_bytes()}


def compiling(peer: str, variant: str, workload: str) -> dict[str, Any]:
    """Seconds of the first step beyond those of the second, in a process that has compiled another network before."""
    module = peers.BY_NAME[peer].module()
    module.train(workloads.BY_NAME["W1"], variant)(1)  # loads the compiler
    run = module.train(workloads.BY_NAME[workload], variant)
    first, second = (_timed(lambda: run(1))[1] for _ in range(2))
    return {"seconds": first - second}


def again(peer: str, task: str) -> dict[str, Any]:
    from bench.measure.again import measure

    return {"seconds": measure(peer, task)}


KINDS = {f.__name__: f for f in (measure, first_step, importing, growth, compiling, again)}


def _say(word: str, found: dict[str, Any]) -> None:
    print(word, json.dumps(found), flush=True)


if __name__ == "__main__":
    _say("RESULT", KINDS[sys.argv[1]](*sys.argv[2:]))
