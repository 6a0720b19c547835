"""What a rank knows without the others, and how it ends a job; a communicator of the test stands for them."""

from __future__ import annotations

import sys
import types
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, MissingExtraError, RankError
from subgrad.fit.measuring.measured import Term
from subgrad.fit.parallel import ranks
from subgrad.fit.parallel.together import together


class Communicator:
    """Rank 1 of 3, whose others say what it says, but rank 2, which may have failed."""

    def __init__(self, failure: str | None = None) -> None:
        self.failure, self.aborted = failure, []

    def Get_rank(self) -> int:
        return 1

    def Get_size(self) -> int:
        return 3

    def allgather(self, what: Any) -> list[Any]:
        return [what, what, self.failure or what]

    def Abort(self, code: int) -> None:
        self.aborted.append(code)

    Allreduce = Bcast = Get_size


@pytest.fixture
def comm(monkeypatch):
    monkeypatch.setattr(ranks, "mpi", lambda: SimpleNamespace(IN_PLACE=None))
    return Communicator()


def test_each_sample_of_a_batch_is_in_one_part(comm):
    parts = []
    for rank in range(3):
        comm.Get_rank = lambda rank=rank: rank
        parts.append(ranks.Ranks(comm).share(np.arange(8)))
    assert np.concatenate(parts).tolist() == list(range(8))
    assert [*map(len, parts)] == ranks.Ranks(comm).lengths(8) == [2, 3, 3]


def test_ranks_draw_different_numbers_and_rank_0_those_of_one_process(comm):
    seeds = []
    for rank in range(3):
        comm.Get_rank = lambda rank=rank: rank
        seeds.append(ranks.Ranks(comm).seed(7))
    assert seeds[0] == 7
    assert len(set(seeds)) == 3


def test_an_error_of_one_rank_ends_the_job(comm, capsys):
    own = ranks.Ranks(comm)
    with pytest.raises(ZeroDivisionError), own.failing_together():
        raise ZeroDivisionError("by zero")
    assert comm.aborted == [1]
    assert "rank 1 of 3 failed: ZeroDivisionError: by zero; the job ends here" in capsys.readouterr().err


def test_an_error_that_all_know_of_is_raised_and_ends_nothing(comm):
    own = ranks.Ranks(comm)
    with pytest.raises(ZeroDivisionError), own.failing_together(), own.agreed():
        raise ZeroDivisionError
    assert comm.aborted == []


def test_an_error_of_another_rank_is_told(comm):
    comm.failure = "DataError: no rows"
    with pytest.raises(RankError, match="rank 2 of 3 failed: DataError: no rows"), ranks.Ranks(comm).agreed():
        pass


def test_what_is_no_communicator_is_refused():
    with pytest.raises(ArgumentError, match="comm is a communicator of mpi4py, such as MPI.COMM_WORLD, got int"):
        sg.fit(nn.Linear(1, 1), [[1.0]], [1.0], loss="squared", comm=4)


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'subgrad\[mpi\]'"):
        sg.fit(nn.Linear(1, 1), [[1.0]], [1.0], loss="squared", comm=Communicator())


def test_the_extra_is_named_where_mpi_itself_is_missing(monkeypatch):
    def without_library(name):
        raise RuntimeError("cannot load MPI library")  # as mpi4py says it

    alone = types.ModuleType("mpi4py")
    alone.__getattr__ = without_library
    monkeypatch.setitem(sys.modules, "mpi4py", alone)
    with pytest.raises(MissingExtraError, match=r"a library of MPI.*: pip install 'subgrad\[mpi\]'"):
        ranks.mpi()


def test_what_is_for_one_process_is_refused(comm):
    net, rows = nn.Linear(1, 1), [[1.0], [2.0]]
    with pytest.raises(ArgumentError, match="lbfgs looks at all samples in each step, in one process"):
        sg.fit(net, rows, rows, loss="squared", optimizer="lbfgs", comm=comm)
    with pytest.raises(ArgumentError, match="several ranks take arrays"):
        sg.fit(net, [(np.ones((2, 1)), np.ones((2, 1)))], loss="squared", comm=comm)
    with pytest.raises(ArgumentError, match="members of an ensemble"):
        sg.fit(sg.ensemble(net, 2), rows, rows, loss="squared", comm=comm)


def test_numbers_of_parts_become_those_of_the_batch():
    terms = [Term("loss", at=0), Term("sum", at=1, added=True), Term("weighted", at=2, weight=3)]
    first, second = [1.0, 10.0, 2.0, 0.5], [4.0, 20.0, 8.0, 0.0]
    found = together(terms, np.array([[first], [second]]), np.array([[2], [1]]))
    np.testing.assert_allclose(found, [[2.0, 30.0, 2.0, 0.5]])
