"""Runs on rows in files, against runs on the arrays that are in them."""

import errno
import functools
import io
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import polars as pl
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.data import scan_table
from subgrad.data.scanned import prepared_rows
from subgrad.data.scanned.files import ParquetFile
from subgrad.errors import ArgumentError, FileError

rng = np.random.default_rng(0)
N = 1025
VALUES = rng.normal(size=(N, 3))
LABELS = np.array(["no", "yes", "maybe"])[VALUES.argmax(1)]
FRAME = pl.DataFrame({"a": VALUES[:, 0], "b": VALUES[:, 1], "c": VALUES[:, 2], "label": LABELS})
OPTIONS = {"loss": "cross_entropy", "optimizer": sg.Adam(0.05)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("rows")
    FRAME.head(600).write_parquet(found / "0.parquet", row_group_size=150)
    FRAME.tail(N - 600).write_parquet(found / "1.parquet", row_group_size=150)
    return found


@pytest.fixture(scope="module")
def rows(folder):
    """So little memory that an epoch has several groups of rows."""
    found = scan_table(folder, "label", memory=1 << 16)
    assert len(found.order(0, 0, True, np.dtype("f4")).groups) > 2
    return found


@pytest.fixture(scope="module")
def arrays(rows):
    return [np.concatenate(one) for one in zip(*rows.parts(np.dtype("f4")), strict=True)]


def net():
    return nn.Sequential(nn.Linear(3, 6, seed=0), nn.Dropout(0.2), nn.Tanh(), nn.Linear(6, 3, seed=1))


def same(model, other):
    return all((value == other.state_dict()[name]).all() for name, value in model.state_dict().items())


@pytest.mark.parametrize("more", [{"batch_size": 64}, {"batch_size": 50, "drop_last": True}, {"accumulate": 3}])
def test_unshuffled_rows_train_as_the_arrays_do(rows, arrays, more):
    options = {"epochs": 2, "shuffle": False, "metrics": ["accuracy"], **OPTIONS, **more}
    streamed, whole = net(), net()
    history, expected = sg.fit(streamed, rows, **options), sg.fit(whole, *arrays, **options)
    assert same(streamed, whole)
    assert history["loss"] == expected["loss"]
    assert history["accuracy"] == expected["accuracy"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rows")]


def test_each_row_comes_once_in_an_epoch_and_orders_differ(rows, arrays):
    class Scaled(nn.Module):
        def __init__(self):
            self.weight = sg.Parameter(np.ones(3, "f4"))

        def forward(self, x):
            return sg.exp(x * self.weight)

    seen = []

    class Batches(sg.Callback):
        def on_batch_end(self, step, logs):
            seen.append(logs["loss"])

    options = {"loss": lambda f, y: sg.mean(f), "optimizer": sg.SGD(1e-12), "epochs": 2, "batch_size": 64}
    history = sg.fit(Scaled(), rows, callbacks=Batches(), **options)
    assert history["loss"] == pytest.approx([np.mean(np.exp(arrays[0]))] * 2, rel=1e-6)
    assert len({*seen}) == len(seen) > 4


class StopAt(sg.Callback):
    """Ctrl-C after a step."""

    def __init__(self, step):
        self.step = step

    def on_batch_end(self, step, logs):
        if step >= self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("step", [5, 17, 26])
def test_a_run_resumed_within_an_epoch_is_the_whole_run(rows, folder, tmp_path, step):
    options = {"epochs": 3, "batch_size": 64, "validation": 0.2, "seed": 3, "accumulate": 2, **OPTIONS}
    whole, parted, path = net(), net(), tmp_path / "run"
    expected = sg.fit(whole, rows, **options)
    assert sg.fit(parted, rows, checkpoint=path, callbacks=StopAt(step), **options).stopped == "interrupted"
    again = scan_table(folder, "label", memory=1 << 16)
    resumed = other_values()
    history = sg.fit(resumed, again, resume=path, **options)
    assert same(resumed, whole)
    for name in ("loss", "validation_loss"):
        assert history[name] == expected[name]


def other_values():
    return nn.Sequential(nn.Linear(3, 6, seed=7), nn.Dropout(0.2), nn.Tanh(), nn.Linear(6, 3, seed=8))


def test_a_run_on_arrays_resumes_within_an_epoch_too(arrays, tmp_path):
    options = {"epochs": 3, "batch_size": 32, "validation": 0.2, **OPTIONS}
    whole, parted, path = net(), net(), tmp_path / "run"
    expected = sg.fit(whole, *arrays, **options)
    saving = sg.Checkpoint(path, every=9, minutes=0)
    sg.fit(parted, *arrays, checkpoint=saving, callbacks=StopAt(40), **options)
    history = sg.fit(parted, *arrays, resume=path, **options)
    assert same(parted, whole)
    assert history["loss"] == expected["loss"]


def test_a_run_resumed_within_an_epoch_may_measure_other_numbers(rows, tmp_path):
    def spread(f, y):
        return sg.square(f).mean() - f.mean() ** 2

    def run(metrics, epochs=2, **more):
        return sg.fit(net(), rows, batch_size=64, epochs=epochs, metrics=metrics, verbose=False, **OPTIONS, **more)

    path, whole = tmp_path / "run", run(["accuracy"])
    run([spread], checkpoint=path, callbacks=StopAt(5))
    history = run(["accuracy"], resume=path)
    assert history["loss"] == whole["loss"]
    assert np.isnan(history["accuracy"][0])
    assert history["accuracy"][1] == whole["accuracy"][1]
    assert run([spread], resume=path)["loss"] == whole["loss"]


TOLD_TO_END = """
import signal, sys
import subgrad as sg
from subgrad import nn

class Ends(sg.Callback):
    def on_batch_end(self, step, logs):
        if step >= 5:
            signal.raise_signal(signal.SIGTERM)

rows = sg.data.scan_table(sys.argv[1], "label", memory=1 << 16)
net = nn.Sequential(nn.Linear(3, 6, seed=0), nn.Dropout(0.2), nn.Tanh(), nn.Linear(6, 3, seed=1))
saving = sg.Checkpoint(sys.argv[2]) if len(sys.argv) > 2 else None
sg.fit(net, rows, loss="cross_entropy", optimizer=sg.Adam(0.05), epochs=2, batch_size=64, checkpoint=saving,
       callbacks=Ends())
"""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere nobody is told before a process ends")
def test_a_run_that_is_told_to_end_leaves_a_checkpoint_within_its_epoch(rows, folder, tmp_path):
    path = tmp_path / "run"
    for more in ([], [path]):
        done = subprocess.run([sys.executable, "-c", TOLD_TO_END, folder, *more], check=False)
        assert done.returncode == -signal.SIGTERM
    options = {"epochs": 2, "batch_size": 64, **OPTIONS}
    whole, resumed = net(), other_values()
    expected = sg.fit(whole, rows, **options)
    assert sg.fit(resumed, rows, resume=path, **options)["loss"] == expected["loss"]
    assert same(resumed, whole)


def test_other_rows_are_refused_by_a_checkpoint(rows, tmp_path):
    options = {"epochs": 1, "batch_size": 64, **OPTIONS}
    sg.fit(net(), rows, checkpoint=tmp_path / "run", **options)
    other = scan_table(FRAME.with_columns(a=pl.col("a") + 1e-3).lazy(), "label", memory=1 << 16)
    with pytest.raises(ArgumentError, match="other data"):
        sg.fit(net(), other, resume=tmp_path / "run", **options)


def test_a_full_disk_leaves_the_checkpoint_before(rows, tmp_path, monkeypatch):
    path, options = tmp_path / "run", {"epochs": 4, "batch_size": 64, **OPTIONS}
    whole, parted = net(), net()
    sg.fit(whole, rows, **options)
    flush, flushed = os.fsync, []

    def full(handle):
        flushed.append(handle)
        if len(flushed) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="No space left on device; what was saved there before is whole: make room"):
            sg.fit(parted, rows, checkpoint=path, **options)
    assert os.listdir(tmp_path) == ["run"]
    history = sg.fit(parted, rows, resume=path, **options)
    assert len(history) == 4
    assert same(parted, whole)


def test_validation_elsewhere_in_files_and_in_parts(rows, arrays, monkeypatch):
    from subgrad.fit.stream import rows_run

    def last(**options):
        return sg.fit(net(), rows, epochs=1, metrics=["accuracy", "f1"], batch_size=64, **OPTIONS, **options).epochs[0]

    held_out = scan_table(FRAME.tail(300).lazy(), preparation=rows.preparation, memory=1 << 16)
    expected = last(validation=(arrays[0][-300:], arrays[1][-300:]))
    small = last(validation=held_out)
    monkeypatch.setattr(rows_run, "HELD_OUT", 0.0)
    large = last(validation=held_out)
    for found in (small, large):
        assert {**found, "seconds": 0} == pytest.approx({**expected, "seconds": 0}, rel=1e-6)


def test_answers_and_scores_of_rows_are_those_of_arrays(rows, arrays):
    model, metrics = net(), ["accuracy", "roc_auc"]
    np.testing.assert_allclose(sg.predict(model, rows), sg.predict(model, arrays[0]), rtol=1e-5, atol=1e-6)
    found = sg.evaluate(model, rows, loss="cross_entropy", metrics=metrics)
    assert found == pytest.approx(sg.evaluate(model, *arrays, loss="cross_entropy", metrics=metrics), rel=1e-6)


def test_losses_of_signs_and_weights_of_classes(arrays):
    two = FRAME.with_columns(label=pl.col("label") == "yes")
    rows, y = scan_table(two.lazy(), "label", memory=1 << 20), np.where(LABELS == "yes", 1.0, -1.0)
    model, expected = sg.models.mlp(3, 4, 1, seed=0), sg.models.mlp(3, 4, 1, seed=0)
    options = {"loss": "hinge", "epochs": 2, "batch_size": 64, "shuffle": False}
    sg.fit(model, rows, **options)
    sg.fit(expected, arrays[0], y, **options)
    assert same(model, expected)
    weighted = functools.partial(nn.cross_entropy, class_weight=[1.0, 5.0])
    found = [sg.fit(sg.models.mlp(3, 2, seed=0), given, loss=weighted, epochs=1, batch_size=64, shuffle=False)["loss"]
             for given in (rows,)]  # fmt: skip
    labels = (y > 0).astype(int)
    assert found[0] == sg.fit(sg.models.mlp(3, 2, seed=0), arrays[0], labels, loss=weighted, epochs=1, batch_size=64,
                              shuffle=False)["loss"]  # fmt: skip


def test_a_file_that_breaks_in_the_middle_of_a_run_is_named_and_the_steps_are_kept(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    rows, model = scan_table(tmp_path, "label", memory=1 << 16), net()
    len(rows)
    before = model.state_dict()

    class Breaks(sg.Callback):
        def on_batch_end(self, step, logs):
            (tmp_path / "1.parquet").write_bytes(b"PAR1")

    with pytest.raises(FileError, match=r"cannot read .*1.parquet"):
        sg.fit(model, rows, epochs=5, batch_size=64, callbacks=Breaks(), **OPTIONS)
    assert any((value != before[name]).any() for name, value in model.state_dict().items())


def test_what_rows_in_files_do_not_take(rows, arrays):
    for wrong, says in [
        ({"y": arrays[1]}, "rows in files have their targets with them"),
        ({"optimizer": "lbfgs"}, "looks at all samples in each step"),
        ({"metrics": ["roc_auc"]}, "roc_auc is measured of all samples at once"),
        ({"validation": 2}, "the share that is held out lies between 0 and 1"),
    ]:
        with pytest.raises(ArgumentError, match=says):
            sg.fit(net(), rows, **{**OPTIONS, **wrong})
    with pytest.raises(ArgumentError, match="minutes of Checkpoint needs to be a number of 0 or more"):
        sg.Checkpoint("run", minutes=-1)


def test_rows_are_prepared_once_where_they_may_be_kept(rows, folder, tmp_path, monkeypatch):
    options = {"epochs": 2, "batch_size": 64, "validation": 0.2, **OPTIONS}
    expected, kept, full = net(), net(), net()
    sg.fit(expected, rows, **options)
    read, blocks = ParquetFile.read, []
    monkeypatch.setattr(ParquetFile, "read", lambda self, *given: blocks.append(given[0]) or read(self, *given))
    again = scan_table(folder, "label", memory=1 << 16, scratch=tmp_path)
    len(again)
    blocks.clear()
    sg.fit(kept, again, **options)
    assert same(kept, expected)
    assert len(blocks) < 3 * len(again.counts)  # both parts once, and the first rows
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileError, match="prepared rows cannot be kept in .*nowhere: No such file"):
        scan_table(folder, "label", scratch=tmp_path / "nowhere")

    class Full(io.FileIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(prepared_rows, "_unnamed", lambda folder: Full(tmp_path / "full", "w+"))
    with pytest.warns(UserWarning, match="no more prepared rows are kept in .*: No space left on device"):
        sg.fit(full, scan_table(folder, "label", memory=1 << 16, scratch=tmp_path), **options)
    assert same(full, expected)
