"""The table of metrics: what each takes, whether more of it is better, and what it is called in print."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from subgrad.errors import ArgumentError

Takes = Literal["classes", "chances", "numbers"]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Metric:
    """How good answers are, as one number.

    Attributes:
        name: in `TABLE`.
        words: in print.
        takes: "classes", the place of the class that is answered; "chances", a probability for each class; "numbers".
        larger_is_better: else smaller is.
        of_one_class: of two classes it judges one, and differs for the other.
        over_classes: it counts classes alike, so it is not defined for rows of which a class is missing.
        in_unit: whether it has the unit of the target.
        function: of the truth (n,), the answers (n,) or (n, classes), and weights (n,), or (m, n) for m numbers.
    """

    name: str
    words: str
    takes: Takes
    larger_is_better: bool
    of_one_class: bool
    over_classes: bool
    in_unit: bool
    function: Callable[..., Any]

    def __call__(self, truth: Any, answers: Any, weights: Any = None, **more: Any) -> Any:
        return self.function(truth, answers, weights, **more)


TABLE: dict[str, Metric] = {}
"""Every metric by its name; `register` enters them."""

ALIASES: dict[str, str] = {}
"""Short names, as those of scikit-learn and `subgrad.fit` are."""


def register(
    words: str, takes: Takes, *, larger_is_better: bool, of_one_class: bool = False, over_classes: bool = False,
    in_unit: bool = False, alias: str = "",
) -> Callable[[F], F]:  # fmt: skip
    """Enter the decorated function under its name. It gives a number for weights (n,), and (m,) for weights (m, n)."""

    def enter(function: F) -> F:
        @functools.wraps(function)
        def metric(*given: Any, **more: Any) -> Any:
            found = np.asarray(function(*given, **more))
            return found if found.ndim else float(found)

        name = function.__name__
        TABLE[name] = Metric(name, words, takes, larger_is_better, of_one_class, over_classes, in_unit, metric)
        if alias:
            ALIASES[alias] = name
        return metric  # pyright: ignore

    return enter


def get(name: str | Metric) -> Metric:
    """The metric of that name, or of that alias. Raises `ArgumentError` if there is none.

    >>> get("mae").words, get("f1").larger_is_better
    ('mean |error|', True)
    """
    if isinstance(name, Metric):
        return name
    found = TABLE.get(ALIASES.get(name, name)) if isinstance(name, str) else None
    if found is None:
        raise ArgumentError(f"unknown metric {name!r}: expected one of {', '.join([*TABLE, *ALIASES])}"[:600])
    return found


def for_task(task: str, names: Iterable[str] = ()) -> list[Metric]:
    """The metrics of these names, or all of them, that suit ``"classification"`` or ``"regression"``.

    Raises `ArgumentError` for a name that does not.

    >>> [m.name for m in for_task("regression")][:2]
    ['r2', 'root_mean_squared_error']
    """
    suits = {"classification": ("classes", "chances"), "regression": ("numbers",)}[task]
    suitable = [m for takes in suits for m in TABLE.values() if m.takes == takes]
    chosen = [get(name) for name in names] or suitable
    for metric in chosen:
        if metric not in suitable:
            usable = ", ".join(m.name for m in suitable)
            raise ArgumentError(f"the metric {metric.name!r} is not for {task}; these are: {usable}")
    return chosen
