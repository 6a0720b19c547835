"""Calls side by side: joblib's processes here, or whatever ``joblib.parallel_config`` says, such as a cluster."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from numbers import Integral
from typing import Any, TypeVar

from subgrad.errors import ArgumentError, missing_extra
from subgrad.io.terminal import silent

Item = TypeVar("Item")
Found = TypeVar("Found")


def in_workers(
    f: Callable[[Item], Found], items: Iterable[Item], n_jobs: int | None = None
) -> Iterator[tuple[Item, Found]]:
    """Each item with ``f(item)``, as soon as it is there, in any order.

    Items are asked for only when a worker is free. Workers are processes that joblib keeps, each with its share of the
    processors; or those of a cluster, inside of ``joblib.parallel_config("dask")``, or ``"ray"`` after
    ``ray.util.joblib.register_ray()``. What goes there and back is pickled: modules, models for tables and compiled
    functions too, which find their machine code on disk (see `subgrad.compile`). Needs ``pip install
    'subgrad[sweep]'``, but for a single job.

    Args:
        f: a function; what it raises is raised here.
        items: its arguments.
        n_jobs: how many calls at once, as scikit-learn has it: None is 1, unless ``joblib.parallel_config`` says
            otherwise; -1 is a job for each processor.

    Raises:
        ArgumentError: if ``n_jobs`` is 0 or no integer.
        MissingExtraError: for several jobs, without joblib.

    Example:
        >>> from subgrad.sweeps import in_workers
        >>> dict(in_workers(abs, [-1, 2]))
        {-1: 1, 2: 2}
    """
    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise ArgumentError(f"n_jobs is a number of jobs, or -1 for all processors, got {n_jobs!r}")
    jobs = count_jobs(n_jobs)
    if jobs == 1:
        return ((item, f(item)) for item in items)
    return _by_joblib(f, iter(items), jobs)


def count_jobs(n_jobs: int | None) -> int:
    """How many calls there are at once; a single one is made here."""
    try:
        import joblib
    except ImportError as error:
        if n_jobs in (None, 1):
            return 1
        raise missing_extra("joblib", "sweep", "running several jobs") from error
    active: Any = joblib.parallel.get_active_backend()
    configured = n_jobs if n_jobs is not None else active[1]
    return joblib.effective_n_jobs(1 if configured is None else configured)


def _by_joblib(f: Callable[[Item], Found], items: Iterator[Item], jobs: int) -> Iterator[tuple[Item, Found]]:
    import joblib

    call: Any = joblib.delayed(_silently)
    options: dict[str, Any] = {"n_jobs": jobs, "batch_size": 1, "pre_dispatch": jobs}
    active: Any = joblib.parallel.get_active_backend()
    if active[0].supports_return_generator:
        parallel: Any = joblib.Parallel(return_as="generator_unordered", **options)
        yield from parallel(call(f, item) for item in items)
        return
    while some := [*itertools.islice(items, jobs)]:  # such as Ray's: what is done is not known before all of it is
        together: Any = joblib.Parallel(**options)
        yield from together(call(f, item) for item in some)


def _silently(f: Callable[[Item], Found], item: Item) -> tuple[Item, Found]:
    """In a worker: one line on the terminal says how far all of them are."""
    with silent():
        return item, f(item)


__all__ = ["count_jobs", "in_workers"]
