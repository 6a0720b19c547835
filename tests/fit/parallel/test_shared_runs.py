"""Runs of two and of four ranks, started by mpiexec, against that of one process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subgrad as sg
from fit.parallel.mpi import ranks, require_mpi
from subgrad import nn
from subgrad.errors import ArgumentError

PROGRAM = Path(__file__).with_name("shared_runs.py")


def shared_rows() -> np.ndarray:
    """X of `shared_runs`."""
    return np.random.default_rng(0).normal(size=(103, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def died(folder):
    """Two ranks, which learn from rows in files; then one is killed in the third epoch of another run."""
    require_mpi()
    return ranks(2, PROGRAM, "dying", folder, folder=folder)


@pytest.fixture(scope="module")
def found(died, folder) -> dict[str, Any]:
    """What four ranks have found, which also go on where the two were."""
    done = ranks(4, PROGRAM, "sharing", folder, folder=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "found.json").read_text())


@pytest.fixture(scope="module")
def in_files(died, folder) -> dict[str, Any]:
    """What the two ranks have found with rows in files."""
    assert (folder / "in_files.json").exists(), died.stderr[-3000:]
    return json.loads((folder / "in_files.json").read_text())


@pytest.mark.parametrize("case", ["plain", "weights", "accumulated", "validation", "batch norm", "large"])
def test_all_ranks_end_with_the_same_bits_and_the_losses_of_one_process(found, case):
    seen = found[case]
    assert len(set(seen["models"])) == 1
    assert all(history == seen["histories"][0] for history in seen["histories"])
    assert seen["apart"] < 1e-6
    assert seen["parameters apart"] < 1e-6


@pytest.mark.parametrize("how", ["memory", "messages"])
def test_sums_are_right_and_leave_what_lies_around_them(found, how):
    seen = found["sums"][how]
    assert seen["right"] == [[True] * 4] * 4
    assert seen["memory"] == [how == "memory" and sys.platform == "linux"] * 4


def by_hand(ranks: int, every: int, lr: float, momentum: float) -> tuple[np.ndarray, float]:
    """Local SGD on a linear model, in float64: the run of `shared_runs.apart`."""
    X = shared_rows().astype(np.float64)
    y = X.sum(1)
    start = nn.Linear(6, 1, seed=4)
    last = np.append(start.weight.numpy()[0], start.bias.numpy()).astype(np.float64)
    velocity, own = np.zeros(7), np.tile(last, (ranks, 1))
    for epoch in range(3):
        order = np.random.Generator(np.random.Philox(np.random.SeedSequence([3, 2, epoch]))).permutation(103)
        batches = [order[i : i + 6] for i in range(0, 102, 6)]
        batches[-1] = order[96:]  # no batch of one sample
        seen = np.zeros(ranks)
        for i, rows in enumerate(batches):
            r = i % ranks
            A = np.column_stack([X[rows], np.ones(len(rows))])
            own[r] -= 0.05 * 2 * A.T @ (A @ own[r] - y[rows]) / len(rows)
            seen[r] += len(rows)
            if (i + 1) % (every * ranks) == 0 or i + 1 == len(batches):
                way = seen @ own / seen.sum() - last
                velocity = momentum * velocity + way
                last = last + lr * (way + momentum * velocity)
                own[:], seen[:] = last, 0
    return last[:6], last[6]


def test_averages_are_those_of_the_paper(found):
    weight, bias = by_hand(ranks=4, every=2, lr=0.9, momentum=0.75)
    np.testing.assert_allclose(found["apart"]["weight"], [weight], rtol=1e-4)
    np.testing.assert_allclose(found["apart"]["bias"], [bias], atol=1e-5)


def test_ranks_that_were_apart_end_alike_and_go_on_bit_by_bit(found):
    seen = found["apart"]
    assert {*seen["models"], seen["again"]} == {seen["models"][0]}
    assert len(set(seen["others"])) == 1
    assert all(history == seen["histories"][0] for history in seen["histories"])


def test_how_often_averages_are_is_checked():
    for wrong in ({"every": 0}, {"every": True}, {"every": 1.5}, {"lr": 0}, {"momentum": 1.0}):
        with pytest.raises(ArgumentError, match="averages|outer step"):
            sg.Averaging(**wrong)


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


@pytest.mark.parametrize("case", ["plain", "validation"])
def test_rows_in_files_give_all_ranks_the_losses_of_one_process(in_files, case):
    seen = in_files[case]
    assert len(set(seen["models"])) == 1
    assert seen["histories"] == [seen["histories"][0]] * 2
    assert seen["apart"] < 1e-6
    assert seen["parameters apart"] < 1e-6


def test_steps_of_their_own_are_those_on_the_same_rows_in_memory(in_files):
    assert len({digest for pair in in_files["apart"] for digest in pair}) == 1


def test_a_file_that_one_rank_cannot_read_is_named_by_all(in_files):
    assert all("1.parquet" in said for said in in_files["broken"])
    assert {said.partition(":")[0] for said in in_files["broken"]} <= {"FileError", "RankError"}


def test_another_number_of_ranks_goes_on_within_an_epoch_of_rows(found):
    seen = found["resumed rows"]
    assert len(set(seen["models"])) == 1
    assert seen["apart"] < 1e-6
    assert seen["parameters apart"] < 1e-6


def test_several_ranks_go_on_within_an_epoch_of_one_process(in_files):
    seen = in_files["from one"]
    assert len(set(seen["models"])) == 1
    assert seen["apart"] < 1e-6
    assert seen["parameters apart"] < 1e-6


def test_one_process_goes_on_within_an_epoch_of_several_ranks(found, folder):
    rows = sg.data.scan_table(folder / "rows", "label", memory=1 << 16)
    options = {"loss": "cross_entropy", "batch_size": 64, "optimizer": sg.Adam(0.05), "epochs": 3}
    models = [nn.Sequential(nn.Linear(6, 8, seed=1), nn.Tanh(), nn.Linear(8, 3, seed=2)) for _ in range(2)]
    whole = sg.fit(models[0], rows, **options)
    history = sg.fit(models[1], rows, resume=folder / "rows.safetensors", **options)
    np.testing.assert_allclose(history["loss"], whole["loss"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(models[1][0].weight, models[0][0].weight, rtol=0, atol=1e-6)
