"""Every format that is read, and tables with holes in them."""

import gzip
import re
import shutil

import numpy as np
import pytest
from command import column, read_csv, run, succeed, write_csv


@pytest.fixture
def visits(tmp_path):
    """300 rows, some without an age, a city or an answer; the answer is yes for the old outside of Oslo."""
    rng = np.random.default_rng(0)
    age, city = rng.integers(18, 80, 300), rng.choice(["Rome", "Oslo", "Bern"], 300)
    answer = np.where((age > 45) == (city != "Oslo"), "yes", "no").astype(object)
    answer[7] = ""
    holes = rng.random((2, 300)) < 0.05
    columns = {
        "[age] :smile:": np.where(holes[0], "", age.astype(str)),
        "city": np.where(holes[1], "NA", city),
        "name": [f"visitor {i}" for i in range(300)],
        "answer": answer,
    }
    return write_csv(tmp_path / "visits.csv", columns)


def test_missing_values_and_categories_are_handled_and_told(visits, tmp_path):
    model = tmp_path / "model.safetensors"
    out = succeed("train", visits, "--target", "answer", "--out", model)
    assert "1 of 300 rows was left out: no target 'answer'." in out
    assert "missing values became the median" in out
    assert "Column 'city': 3 categories became a column of 0 and 1 each" in out
    assert "Column 'name' was left out" in out
    assert "[age] :smile:" in out  # brackets and colons mean nothing to the printer
    rows = read_csv(succeed("predict", model, visits))
    assert len(rows) == 300  # also the row without an answer
    truth = column(read_csv(visits.read_text()), "answer")
    assert np.mean([a == t for a, t in zip(column(rows, "prediction"), truth, strict=True)]) > 0.85


def test_gzipped_csv_and_tsv(visits, tmp_path):
    zipped = tmp_path / "visits.csv.gz"
    with visits.open("rb") as plain, gzip.open(zipped, "wb") as packed:
        shutil.copyfileobj(plain, packed)
    tabbed = tmp_path / "visits.tsv"
    tabbed.write_text(visits.read_text().replace(",", "\t"))
    outs = [
        succeed("train", file, "--target", "answer", "--epochs", 2, "--out", tmp_path / "m.safetensors")
        for file in (visits, zipped, tabbed)
    ]
    accuracies = [re.search(r"Accuracy [\d.]+%", out)[0] for out in outs]
    assert len(set(accuracies)) == 1


def test_parquet(visits, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.read_csv(visits).to_parquet(tmp_path / "visits.parquet")
    out = succeed("train", tmp_path / "visits.parquet", "--target", "answer", "--out", tmp_path / "m.safetensors")
    assert "visits.parquet: 300 rows, 4 columns" in out


def test_an_npz_file_of_images_needs_no_target(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 240)
    X = rng.normal(size=(240, 4, 4)) + 2 * y[:, None, None]
    np.savez(tmp_path / "images.npz", X=X, y=y)
    model = tmp_path / "m.safetensors"
    out = succeed("train", tmp_path / "images.npz", "--model", "mlp", "--out", model)
    assert "Classification, because the target has 3 distinct whole numbers" in out
    assert "Network: 16-64-64-3" in out
    answers = np.array(column(read_csv(succeed("predict", model, tmp_path / "images.npz")), "prediction"), int)
    assert np.mean(answers == y) > 0.95


@pytest.mark.parametrize("loss", ["hinge", "binomial", "binary_cross_entropy", "cross_entropy"])
def test_losses_of_two_classes(tmp_path, loss):
    x = np.linspace(-1, 1, 200)
    file = write_csv(tmp_path / "sign.csv", {"x": x, "y": np.where(x > 0, "above", "below")})
    model = tmp_path / "m.safetensors"
    succeed("train", file, "--target", "y", "--loss", loss, "--step", "0.01", "--epochs", 50, "--out", model)
    rows = read_csv(succeed("predict", model, file))
    assert np.mean((x > 0) == [row["prediction"] == "above" for row in rows]) > 0.97
    if loss == "hinge":
        assert list(rows[0]) == ["prediction", "score of below"]
    else:
        # The further from the border, the surer.
        chance = np.array(column(rows, "probability of below"), float)
        assert chance[0] > 0.9 > 0.1 > chance[-1]


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
@pytest.mark.parametrize("method", [["--optimizer", "sgd"], ["--hidden", "0", "--step", "square_summable(1, 100)"]])
def test_losses_of_numbers(tmp_path, loss, method):
    x = np.linspace(-1, 1, 300)
    file = write_csv(tmp_path / "line.csv", {"x": x, "y": 1000 * x + 5000.5})
    model = tmp_path / "m.safetensors"
    succeed("train", file, "--target", "y", "--loss", loss, *method, "--out", model)
    answers = np.array(column(read_csv(succeed("predict", model, file)), "prediction"), float)
    assert np.mean(np.abs(answers - (1000 * x + 5000.5))) < 100  # the mean is off by 500


def test_a_loss_decides_the_task(tmp_path):
    file = write_csv(tmp_path / "stars.csv", {"x": range(100), "stars": [i // 20 for i in range(100)]})
    inferred = succeed("train", file, "--target", "stars", "--epochs", 1, "--out", tmp_path / "a.safetensors")
    asked = succeed(
        "train", file, "--target", "stars", "--loss", "squared", "--epochs", 1, "--out", tmp_path / "b.safetensors"
    )
    assert "Classification, because the target has 5 distinct whole numbers" in inferred
    assert "Regression, as was asked for." in asked


def test_quiet_prints_nothing(visits, tmp_path):
    assert (
        succeed("train", visits, "--target", "answer", "--epochs", 1, "--out", tmp_path / "m.safetensors", "-q") == ""
    )
    assert succeed("predict", tmp_path / "m.safetensors", visits, "--out", tmp_path / "a.csv", "--quiet") == ""


def test_debug_shows_the_traceback():
    assert run("train", "nowhere.csv", "--target", "y", "--debug").exception.__class__.__name__ == "FileError"
