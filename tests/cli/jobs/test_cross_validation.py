"""``--cv``: what it prints against scikit-learn's numbers of the same parts, and how often it compiles."""

import re

import numpy as np
import pytest
from command import fail, misuse, succeed, write_csv

from subgrad.cli.jobs.runs import network_run
from subgrad.compile import native
from subgrad.compile.executable import STORE
from subgrad.data import read_table
from subgrad.io import read_model_file
from subgrad.tabular.folds import balanced_folds

NETWORK, TABULAR = ("--hidden", 4, "--epochs", 3), ("--effort", "quick")


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(203, 2))
    return write_csv(tmp_path / "t.csv", {"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] - x[:, 1] + rng.normal(size=203)})


@pytest.fixture
def compiled(monkeypatch):
    """The texts compiled so far, that of a whole program each."""
    monkeypatch.delenv("SUBGRAD_CHECK", raising=False)
    monkeypatch.setenv("SUBGRAD_CACHE", "off")
    STORE.clear()
    texts = []
    original = native.compile_object
    note = lambda ir: texts.append(ir) if "@run" in ir else None  # noqa: E731
    monkeypatch.setattr(native, "compile_object", lambda ir, *rest: note(ir) or original(ir, *rest))
    yield texts
    STORE.clear()


@pytest.mark.parametrize(("options", "programs"), [(NETWORK, 2), (TABULAR, 3)])
def test_folds_of_unequal_size_compile_once(table, tmp_path, compiled, options, programs):
    """What one model takes is compiled for the three folds together and, of other lengths, for that of all rows."""
    succeed("train", table, "--target", "y", "--cv", 3, "--out", tmp_path / "m.safetensors", *options)
    assert len(compiled) <= programs


def test_the_numbers_of_each_part(table, tmp_path, monkeypatch):
    """Each part is answered by a model of the others, and of no row of its own."""
    seen = []
    original = network_run.learn
    monkeypatch.setattr(network_run, "learn", lambda source, *more: seen.append(source) or original(source, *more))
    model = tmp_path / "m.safetensors"
    out = succeed("train", table, "--target", "y", "--cv", 3, "--out", model, *NETWORK)
    y = read_table(table)["y"]
    parts = balanced_folds(y, 3, 0)
    for k, source in enumerate(seen[:3]):
        np.testing.assert_allclose(
            source.preparation.restore_target(source.train[1]), y[parts != k], rtol=1e-4, atol=1e-4
        )
    assert len(seen[3].train[1]) == 203
    record = read_model_file(model)[1]["info"]["training"]
    row = next(line for line in out.splitlines() if line.startswith("R²"))
    mean, deviation, *each = map(float, re.findall(r"-?\d\.\d{3}", row))
    assert len(each) == 3
    assert (mean, deviation) == pytest.approx((np.mean(each), np.std(each, ddof=1)), abs=0.002)
    assert record["cross_validation"]["r2"] == pytest.approx([mean, deviation], abs=0.001)
    assert "Cross-validation in 3 parts: r2" in succeed("show", model)
    succeed("train", table, "--target", "y", "--cv", 3, "--jobs", 2, "--out", model, *NETWORK)
    apart = read_model_file(model)[1]["info"]["training"]
    assert apart["cross_validation"]["r2"] == pytest.approx(record["cross_validation"]["r2"], abs=1e-4)


def test_what_cannot_be_parted(tmp_path, table):
    few = write_csv(tmp_path / "few.csv", {"x": range(40), "y": ["a"] * 39 + ["b"]})
    assert "'b' of 'y' has 1" in fail("train", few, "--target", "y", "--cv", 3, "--out", tmp_path / "m.safetensors")
    assert "takes 300 rows at least, there are 203" in fail("train", table, "--target", "y", "--cv", 150)
    assert "each by a model of others" in misuse("train", table, "--target", "y", "--cv", 3, "--test", 0.2)
    assert "parts of --cv are trained at once" in misuse("train", table, "--target", "y", "--jobs", 2)
    assert "'--cv'" in misuse("train", table, "--target", "y", "--cv", 1)
