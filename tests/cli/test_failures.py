"""A failed job says in one line what was given and what was expected; wrong usage has an exit code of its own."""

import re
import signal

import numpy as np
import pytest
from command import fail, misuse, new_process, python, succeed, write_csv

import subgrad as sg
from subgrad.cli.jobs.runs import network_run


@pytest.fixture
def table(tmp_path):
    columns = {"x": [i * i for i in range(40)], "z": [i % 7 for i in range(40)], "y": ["a", "b"] * 20}
    return write_csv(tmp_path / "table.csv", columns)


@pytest.fixture
def model(table, tmp_path):
    path = tmp_path / "model.safetensors"
    succeed("train", table, "--target", "y", "--epochs", 1, "--out", path, "-q")
    return path


def test_a_missing_file():
    assert fail("train", "nowhere.csv", "--target", "y").startswith("there is no file nowhere.csv")


def test_an_unknown_column(table):
    message = fail("train", table, "--target", "Y")
    assert message == "the table has no column 'Y' (did you mean 'y'?); it has 3: 'x', 'z', 'y'"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("a,y\n", "has a header but no rows"),
        ("1,2\n3,4\n", "has no header"),
        ("x,y\n5,2,3\n", "3 values, the header names 2 columns"),
        ("x,y\n1,a\n2,a\n3,a\n4,a\n5,a\n6,a\n", "the target needs at least 2 distinct values, it has 1"),
        ("x,y\n1,\n2,NaN\n3,\n", "the target 'y' is missing in all 3 rows"),
        ("x,y\n1,a\n2,b\n", "2 rows are too few"),
        ("x,y\n" + "1,a\n1,b\n" * 20, "no column is left to learn 'y' from"),
    ],
)
def test_tables_that_nothing_can_be_learnt_from(tmp_path, content, message):
    file = tmp_path / "bad.csv"
    file.write_text(content)
    assert message in fail("train", file, "--target", "y")


def test_a_file_of_another_format(tmp_path):
    (tmp_path / "table.docx").write_text("")
    assert "supported are .csv" in fail("train", tmp_path / "table.docx", "--target", "y")


def test_losses_that_do_not_suit_the_target(table, tmp_path):
    assert "holds text" in fail("train", table, "--target", "y", "--loss", "squared")
    three = write_csv(tmp_path / "three.csv", {"x": range(30), "y": list("abc") * 10})
    assert fail("train", three, "--target", "y", "--loss", "hinge") == (
        "the loss hinge is for 2 classes, there are 3; cross_entropy takes any number"
    )
    assert "squared is for regression" in fail("train", "digits", "--loss", "squared")


def test_a_step_that_is_too_long_names_the_layer(table):
    message = fail("train", table, "--target", "y", "--optimizer", "sgd", "--step", "1e38", "--validation", 0)
    assert re.search(r"became NaN or inf in epoch \d, batch 1 of 1: .* in hidden\d", message)
    assert message.endswith("a smaller --step may help")
    only = fail("train", table, "--target", "y", "--optimizer", "sgd", "--step", "1e38", "--epochs", 1)
    assert only == "the validation loss is NaN or inf after epoch 1; a smaller --step may help"


def test_model_files_that_are_none(model, table, tmp_path):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(model.read_bytes()[:200])
    assert "is damaged" in fail("predict", damaged, table)
    assert "there is no file" in fail("show", tmp_path / "nowhere.safetensors")
    bare = tmp_path / "bare.safetensors"
    sg.save(sg.nn.Linear(2, 1), bare)
    assert "without the preparation of its inputs" in fail("predict", bare, table)


def test_rows_that_do_not_suit_the_model(model, tmp_path):
    other = write_csv(tmp_path / "other.csv", {"x": [1, 2], "w": [3, 4]})
    assert "no column 'z'" in fail("predict", model, other)
    text = write_csv(tmp_path / "text.csv", {"x": ["one", "two"], "z": [3, 4]})
    assert "none of its values is one, such as 'one'" in fail("predict", model, text)
    few = write_csv(tmp_path / "few.csv", {"x": [1, "two"], "z": [3, 4], "v": [5, 6]})
    assert "note: Unknown from the training, and taken as missing: 'x' in 1 row ('two'). Not used: 'v'.\n" in succeed(
        "predict", model, few
    )
    unlabelled = write_csv(tmp_path / "unlabelled.csv", {"x": [1, 2], "z": [3, 4]})
    succeed("predict", model, unlabelled)
    assert "no column 'y'" in fail("evaluate", model, unlabelled)
    unknown = write_csv(tmp_path / "unknown.csv", {"x": [1, 2], "z": [3, 4], "y": ["a", "q"]})
    assert "target 'y' has 'q' in row 2; its classes are 'a', 'b'" in fail("evaluate", model, unknown)


def test_images_of_another_size(tmp_path):
    succeed("train", "digits", "--epochs", 1, "--out", tmp_path / "digits.safetensors", "-q")
    np.savez(tmp_path / "big.npz", X=np.zeros((2, 28, 28)))
    assert "images of 8x8 pixels" in fail("predict", tmp_path / "digits.safetensors", tmp_path / "big.npz")


def test_a_folder_that_is_not_there(model, table, tmp_path):
    told = " ".join(misuse("predict", model, table, "--out", tmp_path / "no" / "where.csv").split())
    assert "in a folder that does not exist" in told
    assert "fashion-mnist" in fail("train", "fashion-mnist", "--data", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "say which column to predict: 'x', 'z', 'y'"),
        (["--target", "y", "--hidden", "64,x"], "expected whole numbers such as 64,64"),
        (["--target", "y", "--hidden", "-1"], "expected whole numbers such as 64,64"),
        (["--target", "y", "--step", "cubic(1)"], "there is no step rule 'cubic'"),
        (["--target", "y", "--step=-1"], "needs to be a positive number"),
        (["--target", "y", "--loss", "quartic"], "'quartic' is not one of"),
        (["--target", "y", "--optimizer", "magic"], "'magic' is not one of"),
        (["--target", "y", "--activation", "step"], "'step' is not one of"),
        (["--target", "y", "--epochs", "0"], "--epochs"),
        (["--target", "y", "--batch-size", "none"], "--batch-size"),
        (["--target", "y", "--test", "1"], "a share between 0 and 1"),
        (["--target", "y", "--out", "no/where.safetensors"], "is in a folder that does not exist"),
        (["--target", "y", "--data", "."], "is for `subgrad train fashion-mnist`"),
        (["--target", "y", "--colour", "red"], "--colour"),
    ],
)
def test_wrong_usage_of_train(table, options, message):
    assert message in misuse("train", table, *options)


def test_wrong_usage_elsewhere():
    assert "digits has its own target" in misuse("train", "digits", "--target", "y")
    assert "has its own test images" in misuse("train", "fashion-mnist", "--test", "0.5")
    assert "bogus" in misuse("bogus")
    assert "MODEL" in misuse("predict")


def test_exit_codes_and_streams_of_the_program(tmp_path):
    failed = new_process("train", "nowhere.csv", "--target", "y", folder=tmp_path)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == "error: there is no file nowhere.csv; built in are digits and fashion-mnist\n"
    assert new_process("train", folder=tmp_path).returncode == 2
    version = new_process("--version", folder=tmp_path)
    assert (version.returncode, version.stdout) == (0, f"subgrad {sg.__version__}\n")


def test_help_of_every_command():
    for command in ("train", "predict", "evaluate", "show", "xor"):
        assert command in succeed("--help")
        assert "--debug" in succeed(command, "--help")


def test_an_interrupted_run_keeps_its_best_model(table, tmp_path, monkeypatch):
    def press_ctrl_c(history):
        if len(history) == 5:
            signal.raise_signal(signal.SIGINT)

    def fit(*args, callbacks, **options):
        return sg.fit(*args, callbacks=[*callbacks, press_ctrl_c], **options)

    monkeypatch.setattr(network_run, "fit", fit)
    model, before = tmp_path / "kept.safetensors", signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    message = fail("train", table, "--target", "y", "--model", "mlp", "--out", model)
    assert re.fullmatch(r"interrupted: the best model, of epoch [1-5], is in .*kept.safetensors", message)
    signal.signal(signal.SIGINT, before)
    assert "5 epochs" in succeed("show", model)


def test_a_run_that_is_interrupted_at_once_has_no_model(table, tmp_path, monkeypatch):
    monkeypatch.setattr(network_run, "fit", lambda *args, **options: sg.History(stopped="interrupted"))
    model = tmp_path / "none.safetensors"
    assert "no model to save" in fail("train", table, "--target", "y", "--model", "mlp", "--out", model)
    assert not model.exists()


def test_the_program_starts_without_the_compiler(tmp_path):
    late = {"llvmlite", "pandas", "polars", "pyarrow", "matplotlib"}
    code = f"import subgrad.cli, sys; print({late} & set(sys.modules))"
    assert python("-c", code, folder=tmp_path).stdout == "set()\n"
