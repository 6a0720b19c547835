"""The main job, as the README promises it."""

import re

import numpy as np
import pytest
from command import new_process, read_csv, succeed

from subgrad.data import load_digits


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """What the job printed, and the folder in which it ran."""
    folder = tmp_path_factory.mktemp("digits")
    result = new_process("train", "digits", folder=folder)
    assert result.returncode == 0, result.stderr
    return result, folder


def test_accuracy_on_the_held_out_fifth(digits):
    accuracy, right, total = re.search(r"Accuracy ([\d.]+)%: (\d+) of (\d+)", digits[0].stdout).groups()
    assert total == "359"
    assert float(accuracy) >= 97.0
    assert int(right) / 359 >= 0.97


def test_the_confusion_matrix_adds_up(digits):
    lines = digits[0].stdout.split("the answers across")[1].splitlines()
    rows = [line.replace("·", "0").split() for line in lines if re.fullmatch(r"\s*\d( +(\d+|·)){10}", line)]
    matrix = np.array(rows, int)[:, 1:]
    right = int(re.search(r": (\d+) of 359", digits[0].stdout).group(1))
    assert matrix.sum() == 359
    assert np.trace(matrix) == right
    _, counts = np.unique(load_digits()[1], return_counts=True)
    assert matrix.sum(axis=1).tolist() == [round(n / 5) for n in counts]  # a fifth of each digit


def test_the_model_is_in_the_current_folder_and_the_next_commands_are_named(digits):
    result, folder = digits
    assert [file.name for file in folder.iterdir()] == ["digits.safetensors"]
    assert "subgrad show digits.safetensors" in result.stdout
    assert "CC BY 4.0" in result.stdout


def test_no_progress_bar_and_no_colours_in_a_log(digits):
    result, _ = digits
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    assert "\r" not in result.stdout


def test_the_saved_model_reads_images_of_any_file(digits):
    folder = digits[1]
    X, y = load_digits()
    np.savez(folder / "images.npz", X=X.reshape(-1, 8, 8), y=y)
    table = np.column_stack([y, X])  # the target first, and every pixel a column
    header = "y," + ",".join(f"pixel{i}" for i in range(64))
    np.savetxt(folder / "images.csv", table, fmt="%g", delimiter=",", header=header, comments="")
    model = folder / "digits.safetensors"
    from_npz, from_csv = (read_csv(succeed("predict", model, folder / f"images.{end}")) for end in ("npz", "csv"))
    assert from_npz == from_csv
    assert np.mean([int(row["prediction"]) for row in from_npz] == y) > 0.97
    assert "1,797 rows" in succeed("evaluate", model, folder / "images.npz")


def test_show_names_the_64_64_10_network(digits):
    shown = succeed("show", digits[1] / "digits.safetensors")
    assert "64-64-10, relu" in shown
    assert re.search(r"out: Linear +\(1, 10\) +650 ", shown)  # 64 weights and a bias for each of 10 scores
