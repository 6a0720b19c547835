"""The processes that share a run: who has which samples, what they tell each other, and how they fail together."""

from __future__ import annotations

import contextlib
import math
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from subgrad.entropy import entropy
from subgrad.errors import ArgumentError, RankError, missing_extra

MESSAGE = 2000  # characters of an error that other ranks repeat


class Ranks:
    """An MPI communicator, as a run uses it.

    Every method but `share` and `lengths` is to be called by all ranks, in the same order.

    Attributes:
        rank, size: the number of this process, and how many there are.
        alike: whether all ranks know of the error that is being raised, and raise one, too.
    """

    def __init__(self, comm: Any) -> None:
        self.comm, self.rank, self.size, self.alike = comm, comm.Get_rank(), comm.Get_size(), False
        self._in_place = mpi().IN_PLACE

    @property
    def leads(self) -> bool:
        """Whether this rank writes files, prints, and calls callbacks: number 0."""
        return self.rank == 0

    # Samples

    def share(self, rows: np.ndarray) -> np.ndarray:
        """This rank's part of the samples of a batch; none, if there are fewer than ranks."""
        n = len(rows)
        return rows[self.rank * n // self.size : (self.rank + 1) * n // self.size]

    def lengths(self, n: int) -> list[int]:
        """How long the parts of n samples are, rank by rank."""
        return [(r + 1) * n // self.size - r * n // self.size for r in range(self.size)]

    def seed(self, seed: int) -> int:
        """Of what this rank draws at random: rank 0 draws as a run of one process does."""
        if self.rank == 0:
            return seed
        return int(entropy(seed, 3, self.rank).generate_state(1, np.uint64)[0] >> 1)

    # What is told

    def add(self, buffer: np.ndarray) -> None:
        """Put the sum over all ranks in the place of a contiguous array: in all ranks the same bits."""
        self.comm.Allreduce(self._in_place, buffer)

    def gathered(self, array: np.ndarray) -> np.ndarray:
        """The arrays of all ranks, of one shape, one behind the other along a new first axis."""
        found = np.empty((self.size, *array.shape), array.dtype)
        self.comm.Allgather(np.ascontiguousarray(array), found)
        return found

    def exchange(self, given: np.ndarray, to: Sequence[int], taken: np.ndarray, of: Sequence[int]) -> None:
        """Rows go from rank to rank: the first ``to[0]`` of those ``given`` to rank 0, and so on; ``of[0]`` come from
        there, into ``taken``, a contiguous array of rows of the same form."""
        row = mpi().BYTE.Create_contiguous(given.itemsize * math.prod(given.shape[1:])).Commit()
        try:
            self.comm.Alltoallv([np.ascontiguousarray(given), to, row], [taken, of, row])
        finally:
            row.Free()

    def all(self, what: Any) -> list[Any]:
        """What each rank has to say: small objects."""
        return self.comm.allgather(what)

    def of_leader(self, what: Any = None) -> Any:
        """What rank 0 says."""
        return self.comm.bcast(what, root=0)

    def arrays_of_leader(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Copies of the arrays of rank 0, in ranks that have arrays of the same shapes and dtypes."""
        found = [np.array(a, order="C") for a in arrays]
        for a in found:
            self.comm.Bcast(a, root=0)
        return found

    def on_one_machine(self) -> bool:
        """Whether all ranks share a memory."""
        near = self.comm.Split_type(mpi().COMM_TYPE_SHARED)
        try:
            return near.Get_size() == self.size
        finally:
            near.Free()

    def clock(self) -> float:
        """Seconds, by the clock of rank 0: what is decided by time is decided alike."""
        return self.of_leader(time.perf_counter())

    # Errors

    @contextlib.contextmanager
    def agreed(self) -> Iterator[None]:
        """An error inside, in any of the ranks, is raised in all: as it is where it was, elsewhere as `RankError`."""
        error: Exception | None = None
        try:
            yield
        except Exception as raised:
            error = raised
        said = self.all(None if error is None else f"{type(error).__name__}: {error}"[:MESSAGE])
        with self.known():
            if error is not None:
                raise error
            for rank, message in enumerate(said):
                if message is not None:
                    raise RankError(f"rank {rank} of {self.size} failed: {message}")

    @contextlib.contextmanager
    def known(self) -> Iterator[None]:
        """An error inside is raised by all ranks."""
        try:
            yield
        except Exception:
            self.alike = True
            raise

    @contextlib.contextmanager
    def failing_together(self) -> Iterator[None]:
        """An error that this rank alone raises ends the job: the others wait for what it will never send."""
        try:
            yield
        except BaseException as error:
            if self.alike:
                raise
            traceback.print_exc()
            what = f"{type(error).__name__}: {error}".removesuffix(": ")
            said = f"rank {self.rank} of {self.size} failed: {what}; the job ends here; resume it from its checkpoint"
            print(said, file=sys.stderr, flush=True)
            self.comm.Abort(1)
            raise  # a communicator of tests may return


def ranks_of(comm: Any) -> Ranks | None:
    """What ``fit(comm=...)`` means; None if the run is that of one process."""
    if comm is None:
        return None
    if not all(hasattr(comm, name) for name in ("Get_rank", "Get_size", "Allreduce", "Bcast", "Abort", "allgather")):
        raise ArgumentError(f"comm is a communicator of mpi4py, such as MPI.COMM_WORLD, got {type(comm).__name__}")
    return Ranks(comm) if comm.Get_size() > 1 else None


def mpi() -> Any:
    """The module of mpi4py; importing it begins MPI. Raises `MissingExtraError` if it, or MPI, is not installed."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # the latter from mpi4py, where it finds no library
        needed = "mpi4py" if isinstance(error, ImportError) else "a library of MPI, such as Open MPI"
        raise missing_extra(needed, "mpi", "training on several machines") from None
    return MPI
