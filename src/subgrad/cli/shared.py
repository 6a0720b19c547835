"""``mpiexec -n 4 subgrad train ...``: all ranks read and train, rank 0 alone prints and writes."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import typer

from subgrad.cli.failure import say_error
from subgrad.errors import ArgumentError
from subgrad.fit import History
from subgrad.fit import fit as fit_alone
from subgrad.fit.parallel.ranks import Ranks, mpi, ranks_of

LAUNCHERS = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")
"""Where Open MPI, MPICH with its kin, and Slurm say to a process how many they have started."""

FIRST_WORD = 2.0  # seconds that rank 0 has to name an error that all have, before another rank does


def launched() -> Ranks | None:
    """The ranks that this process is one of; None if it was started alone.

    Raises:
        MissingExtraError: if there are several, and mpi4py is not installed.
        ArgumentError: if it is installed for another MPI than the one that has started them.
    """
    sizes = [os.environ.get(name, "") for name in LAUNCHERS]
    started = max((int(size) for size in sizes if size.isdecimal()), default=1)
    if started < 2:
        return None
    found = ranks_of(mpi().COMM_WORLD)
    if found is None:
        raise ArgumentError(
            f"{started} processes were started, and each is alone: mpi4py is installed for another MPI than theirs"
        )
    return found


def fit(*arguments: Any, **options: Any) -> History:
    """As `subgrad.fit`; in a run of several ranks, those but rank 0 end with it."""
    history = fit_alone(*arguments, **options)
    ranks = ranks_of(options.get("comm"))
    if ranks is not None and not ranks.leads:
        raise typer.Exit
    return history


def sharing(plan: Any, ranks: Ranks | None) -> Any:
    """A plan that trains in all ranks. Raises a usage error for one that does not train by `fit`, once."""
    if ranks is None:
        return plan
    if not hasattr(plan, "fit"):
        raise typer.BadParameter("the model for tables learns in one process; mlp in several", param_hint="'--model'")
    if getattr(plan, "folds", None) is not None:
        raise typer.BadParameter("a cross-validation is run in one process", param_hint="'--cv'")
    return replace(plan, fit={**plan.fit, "comm": ranks.comm})


@contextlib.contextmanager
def as_one(ranks: Ranks | None) -> Iterator[None]:
    """Warnings and errors are those of rank 0; an error that another rank has alone is told by that one, and ends all.
    """
    with warnings.catch_warnings():
        if ranks is not None and not ranks.leads:
            warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:
            if ranks is None or isinstance(error, typer.Exit):
                raise
            if not ranks.alike:
                if not ranks.leads:
                    time.sleep(FIRST_WORD)
                say_error(error)
                ranks.comm.Abort(1)
            if not ranks.leads:
                raise typer.Exit(1) from None
            raise
