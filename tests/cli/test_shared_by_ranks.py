"""``subgrad train`` as mpiexec starts it."""

import contextlib
import sys
from types import SimpleNamespace

import pytest
from command import misuse, write_csv

import subgrad as sg
from fit.parallel.mpi import needs_mpi, ranks
from subgrad.cli import shared
from subgrad.errors import ArgumentError, MissingExtraError


@needs_mpi
def test_rank_0_alone_prints_and_writes(tmp_path):
    arguments = "train", "digits", "--hidden", "4", "--epochs", "1", "--out", "model.safetensors"
    done = ranks(2, "-m", "subgrad", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Saved model.safetensors") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]
    sg.load(tmp_path / "model.safetensors")


class One:
    """What mpi4py gives a process that it believes to be alone."""

    def Get_size(self):
        return 1

    Get_rank = Allreduce = Bcast = Abort = allgather = Get_size


def test_processes_that_do_not_find_each_other_are_told(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "3")
    monkeypatch.setattr(shared, "mpi", lambda: SimpleNamespace(COMM_WORLD=One()))
    with pytest.raises(ArgumentError, match="3 processes were started, and each is alone"):
        shared.launched()


def test_a_process_started_alone_is_alone(monkeypatch):
    for name in shared.LAUNCHERS:
        monkeypatch.delenv(name, raising=False)
    assert shared.launched() is None


class Two:
    """The ranks of a job whose processes the test does not start."""

    comm, leads, alike = None, True, True

    def agreed(self):
        return contextlib.nullcontext()


def test_what_is_trained_in_one_process_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("subgrad.cli.commands.train.launched", Two)
    table = write_csv(tmp_path / "table.csv", {"x": range(40), "y": ["a", "b"] * 20})
    given = "train", table, "--target", "y", "--out", tmp_path / "model.safetensors"
    assert "the model for tables learns in one process" in misuse(*given)
    assert "a cross-validation is run in one process" in misuse(*given, "--model", "mlp", "--cv", 3)


def test_the_extra_is_named_where_processes_were_started_without_it(monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'subgrad\[mpi\]'"):
        shared.launched()
