"""Rows that stay in their files, on the command line."""

import numpy as np
import polars as pl
import pytest
from command import fail, misuse, succeed

from subgrad.io import read_info


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "rows").mkdir()
    for i in range(2):
        x = rng.normal(size=(600, 2))
        frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "noise": x[:, 1], "y": np.where(x[:, 0] > 0, "pos", "neg")})
        frame.write_parquet(tmp_path / "rows" / f"{i}.parquet")
    return tmp_path


def test_a_folder_is_learnt_tested_saved_and_gone_on_with(folder):
    options = ("train", "rows", "--target", "y", "--memory", "1MB", "--hidden", 8, "--drop", "noise", "--step", 0.02)
    said = succeed(*options, "--epochs", 3, "--checkpoint", "run")
    assert "rows: 1,200 rows in files" in said
    assert "right. Always saying" in said
    info = read_info(folder / "rows.safetensors")
    assert sum(info["training"]["frequencies"]) + info["training"]["rows"]["validation"] > 900
    assert info["training"]["network"] == "2-8-2, relu"
    succeed(*options, "--epochs", 5, "--resume", "run", "--quiet", "--out", "resumed.safetensors")
    succeed(*options, "--epochs", 5, "--scratch", ".", "--quiet", "--out", "whole.safetensors")
    resumed, whole = (read_info(folder / f"{name}.safetensors")["training"] for name in ("resumed", "whole"))
    assert resumed["run"]["curve"] == whole["run"]["curve"]
    succeed("predict", "resumed.safetensors", "rows/0.parquet", "--out", "answers.csv")
    answers, truth = pl.read_csv(folder / "answers.csv"), pl.read_parquet(folder / "rows" / "0.parquet")
    assert (answers["prediction"] == truth["y"]).mean() > 0.9


def test_what_rows_in_files_are_not_for(folder):
    assert "say which column to predict: 'a', 'b', 'noise', 'y'" in misuse("train", "rows")
    assert "is for a table in memory" in misuse("train", "rows", "--target", "y", "--cv", 3)
    assert "are learnt by an mlp" in misuse("train", "rows/*.parquet", "--target", "y", "--model", "tabular")
    assert "is for `subgrad train FILE`" in misuse("train", "digits", "--memory", "1GB")
    no_folder = fail("train", "rows/0.parquet", "--target", "y", "--scratch", "nowhere")
    assert "cannot be kept in nowhere: No such file" in no_folder
    (folder / "rows" / "1.parquet").write_bytes(b"PAR1")
    assert "rows/1.parquet as Parquet" in fail("train", "rows", "--target", "y")
