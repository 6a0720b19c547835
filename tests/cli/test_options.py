"""Columns to use, rows to hold out, files that stay, and options that would do nothing."""

import pytest
from command import fail, misuse, new_process, run, succeed, write_csv

from subgrad.cli.options import JOBS, OPTIONS
from subgrad.cli.screen import visible


@pytest.fixture
def table(tmp_path):
    columns = {"id": range(1, 61), "x": [i * i % 13 for i in range(60)], "leak": ["p", "q"] * 30, "y": ["a", "b"] * 30}
    return write_csv(tmp_path / "table.csv", columns)


def train(table, *options, out="m.safetensors"):
    return succeed("train", table, "--target", "y", "--epochs", 1, "--out", table.parent / out, *options)


def test_columns_to_drop_and_the_only_ones(table):
    assert "Column 'id' was left out: it numbers the rows." in (printed := train(table))
    assert "Network: 3-64" in printed
    assert "4 columns, of which 3 are used" in (printed := train(table, "--drop", "leak"))
    assert "Network: 1-64" in printed
    assert "standardised to mean 0 and deviation 1: id." in train(table, "--only", "id")
    assert "no column 'leek' (did you mean 'leak'?)" in fail("train", table, "--target", "y", "--drop", "leek")
    assert "'y' is needed" in misuse("train", table, "--target", "y", "--drop", "y")
    assert "or which are the only ones" in misuse("train", table, "--target", "y", "--drop", "x", "--only", "id")


def test_all_rows_to_train_on(table):
    printed = train(table, "--test", 0, "--validation", 0)
    assert "60 examples to learn from, no row is held out to test on." in printed
    assert "Accuracy" not in printed
    assert "No row was held out to test on." in succeed("show", table.parent / "m.safetensors")


def test_a_model_of_other_data_stays(table, monkeypatch):
    folder = table.parent
    monkeypatch.chdir(folder)
    (folder / "other").mkdir()
    (folder / "other" / "table.csv").write_bytes(table.read_bytes())
    options = ("--target", "y", "--epochs", 1, "-q")
    succeed("train", "table.csv", *options)
    first = (folder / "table.safetensors").read_bytes()
    succeed("train", "table.csv", *options, "--seed", 1)  # of the same file: overwritten
    second = (folder / "table.safetensors").read_bytes()
    assert first != second
    assert "table.safetensors is there, and is no model of other/table.csv" in misuse(
        "train", "other/table.csv", *options
    )
    assert (folder / "table.safetensors").read_bytes() == second
    succeed("train", "other/table.csv", *options, "--force")
    succeed("train", "table.csv", *options, "--out", "table.safetensors")
    (folder / "digits.safetensors").write_text("mine")
    assert "no model of digits" in misuse("train", "digits", "-q")


def test_no_file_that_a_command_reads_or_writes_is_overwritten_by_another(table, monkeypatch):
    monkeypatch.chdir(folder := table.parent)
    train(table)
    model = folder / "m.safetensors"
    kept = {path: path.read_bytes() for path in (table, model)}
    learn = ["train", "table.csv", "--target", "y", "--epochs", 1]
    for typed, option in [
        ([*learn, "--out", table], "--out"),
        ([*learn, "--report", "./table.csv"], "--report"),
        ([*learn, "--out", "new.safetensors", "--report", folder / "new.safetensors"], "--report"),
        (["tune", table, "--target", "y", "--out", table], "--out"),
        (["predict", model, table, "--out", table], "--out"),
        (["predict", model, table, "--out", model], "--out"),
        (["evaluate", model, table, "--report", table], "--report"),
        (["evaluate", model, table, "--report", model], "--report"),
        (["export", model, "--out", model], "--out"),
        (["certify", "x", model, "--box", "0,1", "--proof", model], "--proof"),
        (["verify", model, "--box", "0,1", "--within", "0,1", "--proof", model], "--proof"),
    ]:
        said = misuse(*typed)
        assert option in said
        assert "is another file of this command, which would be lost" in said
    assert kept == {path: path.read_bytes() for path in kept}


def test_answers_are_written_as_csv_alone(table):
    train(table)
    model = table.parent / "m.safetensors"
    for name in ("a.xlsx", "a.parquet", "a.tsv", "a.csv.gz"):
        said = misuse("predict", model, table, "--out", table.parent / name)
        assert "has the name of another format, and this writes CSV" in said
        assert not (table.parent / name).exists()


GIVEN = {
    "target": "y", "drop": "x", "only": "x", "series": "x", "data": ".", "test": 0.5, "validation": 0.5, "model": "mlp",
    "hidden": "4", "window": 5, "activation": "tanh", "augment": "mirror", "loss": "huber", "step": "0.1", "epochs": 1,
    "batch-size": 5, "robust": 0.1, "effort": "quick", "balance": None, "interval": 0.9, "set": 0.9,
    "quantile": "0.5", "task": "regression", "cv": 3, "jobs": 2, "memory": "1GB", "scratch": ".",
    "checkpoint": "run", "resume": "run",
}  # fmt: skip


def test_patience_decides_when_a_run_stops(table, tmp_path):
    """With steps of 1e-30 nothing gets better."""
    options = ("--step", "1e-30", "--epochs", 30, "--test", 0)
    for validation in (0.2, 0):
        printed = succeed("train", table, "--target", "y", "--patience", 2, "--validation", validation,
                          "--out", tmp_path / "m.safetensors", *options)  # fmt: skip
        assert ("3 epochs in" in printed) or not validation  # the training loss wavers by rounding
        assert "early stopping" in printed
    (tmp_path / "t.txt").write_text("abcab" * 40)
    printed = succeed("train", "text", tmp_path / "t.txt", "--hidden", 4, "--window", 5, "--patience", 1,
                      "--out", tmp_path / "t.safetensors", *options)  # fmt: skip
    assert "\n30 epochs in" not in printed
    assert "--patience" in misuse("train", table, "--target", "y", "--patience", 0)
    assert "--patience" in misuse("predict", tmp_path / "m.safetensors", table, "--patience", 1)


def test_every_option_that_some_job_does_not_use_is_tried():
    assert {o.flag[2:] for o in OPTIONS.values() if set(o.used.jobs) < set(JOBS)} <= set(GIVEN)


@pytest.mark.parametrize("job", JOBS)
def test_options_that_a_job_does_not_use_are_refused(table, job):
    data = {"FILE": [table], "text": ["text", table], "series": ["series", table]}.get(job, [job])
    for option in GIVEN.keys() - {o.flag[2:] for o in OPTIONS.values() if job in o.used.jobs}:
        value = [] if GIVEN[option] is None else [GIVEN[option]]
        assert f"'--{option}'" in misuse("train", *data, f"--{option}", *value)


def test_control_characters_of_a_file_are_spelt_out(tmp_path, monkeypatch):
    nasty = "x\x1b[2J\x07"
    columns = {nasty: [i * i % 13 for i in range(60)], "z": ["a\x1b[1m", "b"] * 30, "y": ["p\x1b[31m", "q"] * 30}
    write_csv(tmp_path / "t.csv", columns)
    options = ("train", "t.csv", "--target", "y", "--epochs", 1)
    trained = new_process(*options, folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    said = [
        trained.stdout, trained.stderr, succeed("show", "t.safetensors"), succeed("predict", "t.safetensors", "t.csv"),
        succeed("evaluate", "t.safetensors", "t.csv"), fail("train", "t.csv", "--target", "other"),
        run("train", "t.csv").output,
    ]  # fmt: skip
    for text in said:
        assert "\x1b" not in text
        assert "\x07" not in text
    assert r"x\x1b[2J" in trained.stdout
    assert r"p\x1b[31m" in said[3]
    assert visible("a\tb\n\u202e") == "a\tb\n\\u202e"


def test_the_usage_line_of_train_names_its_arguments():
    usage = " ".join(succeed("train", "--help").partition("Train a network")[0].split())
    assert usage == "Usage: subgrad train [OPTIONS] {digits|fashion-mnist|FILE|text|series} [FILE]"


def test_columns_are_kept_of_tables_alone(tmp_path):
    table, model = write_csv(tmp_path / "tides.csv", {"level": [i % 7 for i in range(80)]}), tmp_path / "m.safetensors"
    succeed("train", "series", table, "--target", "level", "--epochs", 1, "--out", model)
    assert "is for tables" in misuse("predict", model, table, "--keep", "level")
