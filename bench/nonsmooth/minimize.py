"""`sg.minimize` beside SciPy's minimisers on nonsmooth test problems: evaluations, error and time, in one run.

    python -m bench.nonsmooth.minimize

SciPy's methods get value and gradient from one native program that is compiled before; `sg.minimize` gets the function,
and its time includes what it compiles and the certificate. SciPy's have their default settings but for the number of
iterations, Nelder-Mead a tolerance of 1e-8, and all a minute. Times are those of the processor. Prints a table in
Markdown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize
from tests.kinks.minimize.problems import Problem, scalable, small

import subgrad as sg

PATIENCE = 60.0
METHODS = ("BFGS", "SLSQP", "Nelder-Mead")
MOST = 50
"""The most variables for the Nelder-Mead method, whose simplex has as many corners."""


class Outcome(NamedTuple):
    """How a run ended: its error relative to the minimum, where that is above 1."""

    evaluations: int
    error: float
    seconds: float

    def __str__(self) -> str:
        wrong = "**" if self.error > 1e-4 else ""
        return f"{self.evaluations} | {wrong}{max(self.error, 0):.0e}{wrong} | {1e3 * self.seconds:.0f}"


def problems() -> Iterator[Problem]:
    yield from small()
    for n in (50, 1000):
        yield from scalable(n)


def timed(problem: Problem, run: Callable[[Callable[[np.ndarray], Any]], Any]) -> Outcome:
    """What a run finds that is given the value and the gradient."""
    native = sg.compile(sg.value_and_grad(problem.f))
    native(problem.start)

    def f(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = native(x)
        return float(value), slope

    began = time.process_time()
    found = run(f)
    return Outcome(found.nfev, problem.error(found.fun), time.process_time() - began)


def ours(problem: Problem) -> Outcome:
    began = time.process_time()
    found = sg.minimize(problem.f, problem.start)
    return Outcome(found.nfev, problem.error(found.fun), time.process_time() - began)


def scipys(problem: Problem, method: str) -> Outcome | None:
    if method == "Nelder-Mead" and problem.start.size > MOST:
        return None
    began = time.process_time()

    def give_up(intermediate_result: optimize.OptimizeResult) -> None:
        if time.process_time() - began > PATIENCE:
            raise StopIteration

    def run(f: Callable[[np.ndarray], Any]) -> Any:
        def value(x: np.ndarray) -> float:
            return f(x)[0]

        simplex = method == "Nelder-Mead"
        options: Any = {"maxiter": 200 * problem.start.size if simplex else 10_000}
        if simplex:
            options |= {"maxfev": 100_000, "xatol": 1e-8, "fatol": 1e-8}
        return optimize.minimize(
            value if simplex else f, problem.start, jac=None if simplex else True, method=method, options=options,
            callback=give_up,
        )  # fmt: skip

    return timed(problem, run)


def main() -> None:
    sg.set_default_dtype("float64")  # in which compiled functions take arrays
    heads = " | ".join(f"{m} evaluations | error | ms" for m in ("minimize", *METHODS))
    print(f"| problem | n | {heads} |\n|---|---|{'---|' * 3 * (1 + len(METHODS))}")
    solved = dict.fromkeys(("minimize", *METHODS), 0)
    count = 0
    for problem in problems():
        found = {"minimize": ours(problem), **{m: scipys(problem, m) for m in METHODS}}
        count += 1
        for name, outcome in found.items():
            solved[name] += outcome is not None and outcome.error < 1e-4
        cells = " | ".join("| | " if o is None else str(o) for o in found.values())
        print(f"| {problem.name} | {problem.start.size} | {cells} |", flush=True)
    print(f"\nSolved to 1e-4, of {count}: " + ", ".join(f"{name} {k}" for name, k in solved.items()))


if __name__ == "__main__":
    main()
