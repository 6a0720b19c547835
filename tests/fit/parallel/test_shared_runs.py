"""Runs of two and of four ranks, started by mpiexec, against that of one process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import subgrad as sg
from fit.parallel.mpi import needs_mpi, ranks

pytestmark = needs_mpi
PROGRAM = Path(__file__).with_name("shared_runs.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def died(folder):
    """Two ranks, of which one is killed in the third epoch."""
    return ranks(2, PROGRAM, "dying", folder, folder=folder)


@pytest.fixture(scope="module")
def found(died, folder) -> dict[str, Any]:
    """What four ranks have found, which also go on where the two were."""
    done = ranks(4, PROGRAM, "sharing", folder, folder=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize("case", ["plain", "weights", "accumulated", "validation"])
def test_all_ranks_end_with_the_same_bits_and_the_losses_of_one_process(found, case):
    seen = found[case]
    assert len(set(seen["models"])) == 1
    assert all(history == seen["histories"][0] for history in seen["histories"])
    assert seen["apart"] < 1e-6
    assert seen["parameters apart"] < 1e-6


def test_dropout_leaves_parameters_alike(found):
    assert len(set(found["dropout"])) == 1


def test_rank_0_calls_the_callbacks_and_the_others_hear_their_answer(found):
    assert found["callback"] == {"ranks": [[0, 0], [], [], []], "stopped": [["callback", 2]] * 4}


def test_nan_is_explained_in_all_ranks(found):
    said = found["errors"]["nan"]
    assert len(set(said)) == 1
    assert "in epoch 1, batch 2 of 6" in said[0]
    assert "the first NaN or inf came from" in said[0]
    assert said[0].endswith("in rank 1")


def test_an_error_before_the_first_step_is_raised_in_all_ranks(found):
    one = found["errors"]["one rank"]
    assert one[1].startswith("ArgumentError: batch_size must be an integer")
    assert all(text.startswith("RankError: rank 1 of 4 failed: ArgumentError") for text in one[:1] + one[2:])
    said = found["errors"]["other data"]
    assert all("rank 2 has another than rank 0" in one for one in said)
    assert all("less than a sample for each of 4 ranks" in one for one in found["errors"]["small"])


def test_a_rank_that_dies_ends_the_job_and_leaves_a_checkpoint(died, folder):
    assert died.returncode != 0
    assert "signal 9" in died.stderr
    sg.load(folder / "run.safetensors")


def test_another_number_of_ranks_goes_on_from_a_checkpoint(found):
    seen = found["resumed"]
    assert seen["epochs"] == 4
    assert len(set(seen["models"])) == 1
    assert seen["apart"] < 1e-6
