"""What callbacks are told, in which order, and what each of the ready ones leaves behind."""

import csv
import errno
import os
import sys
import types

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, FileError, MissingExtraError, NonFiniteError

X = np.linspace(-1, 1, 12)[:, None]
Y = 2 * X[:, 0]


def run(*calls, epochs=3, **options):
    net = nn.Linear(1, 1, seed=0)
    options = {"loss": "mse", "optimizer": sg.SGD(0.1), "batch_size": 4, **options}
    return sg.fit(net, X, Y, epochs=epochs, callbacks=calls, **options), net


class Heard(sg.Callback):
    def __init__(self):
        self.all = []

    def on_train_begin(self):
        self.all.append(("begin", self.run.epochs))

    def on_batch_end(self, step, logs):
        self.all.append(("batch", step, sorted(logs)))

    def on_validation_end(self, step, logs):
        self.all.append(("validation", step, sorted(logs)))

    def on_epoch_end(self, epoch, logs):
        self.all.append(("epoch", epoch, self.run.step, logs["loss"] == self.run.history["loss"][-1]))

    def on_train_end(self):
        self.all.append(("end", self.run.history.stopped))


def test_what_is_told_in_which_order():
    heard = Heard()
    run(heard, epochs=1, validation=(X, Y), validation_every=2, metrics=["mae"])
    batches = [event for event in heard.all if event[0] == "batch"]
    assert batches[-1] == ("batch", 3, ["loss", "mae"])
    assert [event for event in heard.all if event[0] != "batch"] == [
        ("begin", 1),
        ("validation", 2, ["epoch", "step", "validation_loss", "validation_mae"]),
        ("epoch", 1, 3, True),
        ("end", "finished"),
    ]


def test_the_end_is_told_after_an_error_and_an_answer_ends_the_run():
    heard = Heard()
    with pytest.raises(NonFiniteError):
        run(heard, optimizer=sg.SGD(1e30))
    assert heard.all[-1][0] == "end"

    class Stops(sg.Callback):
        def on_epoch_end(self, epoch, logs):
            return epoch == 2

    history, _ = run(Stops(), lambda h: None, epochs=5)
    assert (len(history), history.stopped) == (2, "callback")


def test_numbers_that_a_callback_adds_are_in_the_history():
    class Adds(sg.Callback):
        def on_epoch_end(self, epoch, logs):
            logs["norm"] = float(np.linalg.norm(self.run.model.weight.numpy()))

    history, net = run(Adds())
    assert history["norm"][-1] == pytest.approx(abs(net.weight.numpy()[0, 0]))


@pytest.mark.parametrize("given", [sg.Callback, 3])
def test_what_is_no_callback(given):
    with pytest.raises(ArgumentError, match="a callback is a function of the history, or an object of a class"):
        run(given)


# Ready ones


def test_a_method_that_nothing_calls_is_refused():
    with pytest.raises(ArgumentError, match=r"nothing calls Keras.on_train_batch_end: .* on_batch_end, "):
        type("Keras", (sg.Callback,), {"on_train_batch_end": lambda self, batch, logs: None})


def test_a_csv_file_has_a_row_for_each_epoch(tmp_path):
    path = tmp_path / "run.csv"
    history, _ = run(sg.CSVLogger(path), validation=(X, Y), metrics=["mae"])
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    for name in history.names:
        assert [float(row[name]) for row in rows] == history[name]
    with pytest.raises(FileError):
        run(sg.CSVLogger(tmp_path / "no folder" / "run.csv"))


def test_the_best_model_is_on_disk(tmp_path):
    path = tmp_path / "best.safetensors"
    values = iter([0.3, 0.9, 0.5])
    seen = []

    def rate(history):
        history.epochs[-1]["validation_accuracy"] = next(values)

    class Sees(sg.Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append(self.run.model.weight.numpy().copy())

    run(rate, Sees(), sg.BestCheckpoint(path, monitor="validation_accuracy"))
    assert (sg.load(path).weight.numpy() == seen[1]).all()
    with pytest.raises(ArgumentError, match="the history has no 'auc', it has loss, seconds"):
        run(sg.BestCheckpoint(path, monitor="auc"))


def test_a_number_that_is_never_one_does_not_undo_the_run(tmp_path):
    for restore in (False, True):
        stopping = sg.EarlyStopping(1, monitor="nothing", restore_best=restore)
        with pytest.warns(UserWarning, match="nothing is NaN after every epoch: none is the best"):
            history, net = run(early_stopping=stopping, metrics=[nothing])
    with pytest.warns(UserWarning, match="nothing is NaN after every epoch: nothing was saved"):
        run(sg.BestCheckpoint(tmp_path / "best.safetensors", monitor="nothing"), metrics=[nothing])
    with pytest.warns(UserWarning, match="nothing is NaN after every epoch: the step size stayed as it was"):
        run(sg.ReduceOnPlateau(patience=1, monitor="nothing"), metrics=[nothing], optimizer=sg.SGD(0.1))
    assert (history.best_epoch, history.stopped) == (0, "finished")
    _, trained = run()
    np.testing.assert_array_equal(net.weight.numpy(), trained.weight.numpy())


def nothing(f, y):
    return f.mean() * np.nan


def losses(*values):
    """Writes a number into each row, as if it had been measured."""
    left = iter(values)
    return lambda history: history.epochs[-1].update(number=next(left))


def test_smaller_steps_on_a_plateau():
    """The steps of SGD tell the step size: x moves by it, as the slope is 1."""
    net, factors = nn.Linear(1, 1, bias=False, seed=0), []

    class Factor(sg.Callback):
        def on_train_begin(self):
            self.before = net.weight.numpy().item()

        def on_epoch_end(self, epoch, logs):
            now = net.weight.numpy().item()
            factors.append(round((self.before - now) / 0.5, 4))
            self.before = now

    plateau = sg.ReduceOnPlateau(factor=0.1, patience=2, monitor="number", min_delta=0.1, min_factor=0.05)
    sg.fit(
        net, np.ones((1, 1)), [0.0], loss=lambda f, y: f.sum(), optimizer=sg.SGD(0.5), epochs=9,
        callbacks=[losses(3, 2, 1.95, 1.99, 2, 2, 2, 2, 2), Factor(), plateau],
    )  # fmt: skip
    assert factors == [1, 1, 1, 1, 0.1, 0.1, 0.05, 0.05, 0.05]


def test_a_resumed_run_keeps_the_smaller_steps(tmp_path):
    def again(epochs, net, **options):
        slower = sg.ReduceOnPlateau(patience=1, monitor="number")
        numbers = losses(*[1.0] * 9)
        sg.fit(net, X, Y, loss="mse", optimizer=sg.SGD(0.1), epochs=epochs, callbacks=[numbers, slower], **options)
        return net.weight.numpy()

    whole, parted = nn.Linear(1, 1, seed=0), nn.Linear(1, 1, seed=0)
    expected = again(3, whole)
    again(2, parted, checkpoint=sg.Checkpoint(tmp_path / "run", every=2))
    sg.fit(parted, X, Y, loss="mse", optimizer=sg.SGD(0.1), epochs=3, resume=tmp_path / "run")
    assert (parted.weight.numpy() == expected).all()


def test_a_rule_of_steps_is_not_reduced():
    with pytest.raises(ArgumentError, match="the step size of this optimiser follows a rule"):
        run(
            losses(*[1.0] * 9), sg.ReduceOnPlateau(patience=1, monitor="number"),
            optimizer=sg.SGD(sg.step.Cosine(0.1, steps=9)),
        )  # fmt: skip


def test_early_stopping_by_any_number():
    numbers = (0.5, 0.8, 0.79, 0.81, 0.7, 0.6)
    stop = sg.EarlyStopping(patience=2, monitor="number", mode="max", min_delta=0.05)
    weights = []

    class Sees(sg.Callback):
        def on_epoch_end(self, epoch, logs):
            weights.append(self.run.model.weight.numpy().copy())

    history, net = run(losses(*numbers), Sees(), epochs=6, early_stopping=stop)
    assert (len(history), history.stopped, history.best_epoch) == (4, "early stopping", 4)
    stop = sg.EarlyStopping(patience=2, monitor="number", mode="max")
    history, net = run(losses(*numbers), Sees(), epochs=6, early_stopping=stop)
    assert (len(history), history.best_epoch) == (6, 4)
    assert (net.weight.numpy() == weights[-3]).all()
    stop = sg.EarlyStopping(patience=1, monitor="number", mode="min", restore_best=False)
    history, net = run(losses(*numbers), Sees(), epochs=6, early_stopping=stop)
    assert (len(history), history.best_epoch) == (2, 1)
    assert (net.weight.numpy() == weights[-1]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sg.EarlyStopping(mode="up"), "mode is 'min', 'max' or 'auto', got 'up'"),
        (lambda: sg.EarlyStopping(monitor=3), "monitor is a name of the history, got 3"),
        (lambda: sg.BestCheckpoint("best", monitor=3), "monitor is a name of the history, got 3"),
        (lambda: sg.ReduceOnPlateau(factor=1.5), "factor lies between 0 and 1"),
        (lambda: sg.ReduceOnPlateau(patience=0), "patience must be an integer of 1 or more"),
    ],
)
def test_what_the_ready_ones_do_not_take(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboardX", reason="extra tensorboard is not installed")
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="TensorBoard is not installed",
        exc_type=ImportError,
    )  # fmt: skip
    history, _ = run(sg.TensorBoard(tmp_path), validation=(X, Y), validation_every=2)
    read = reader.EventAccumulator(str(tmp_path)).Reload()
    for name in history.names:
        scalars = read.Scalars(name)
        assert [s.step for s in scalars] == [1, 2, 3]
        assert [s.value for s in scalars] == pytest.approx(history[name], rel=1e-6)
    assert [s.step for s in read.Scalars("batch/validation_loss")] == [2, 4, 6, 8]
    assert read.Scalars("batch/loss")[-1].step == 9


def test_a_full_disk_is_said_of_what_is_written_for_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX", reason="extra tensorboard is not installed")

    class Full:
        def __init__(self, folder):
            self.add_scalar = lambda *given: None

        def flush(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        close = flush

    logger = sg.TensorBoard(tmp_path)
    logger._writes = Full
    with pytest.raises(FileError, match="cannot write to .*: No space left on device"):
        run(logger)


def test_mlflow_has_the_settings_and_the_numbers(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="extra mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    place = (tmp_path / "runs").as_uri()
    logger = sg.MLflowLogger("lines", place, run_name="first")
    history, _ = run(logger)
    client = mlflow.MlflowClient(place)
    found = client.get_run(logger.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params["optimizer.name"] == '"sgd"'
    assert found.data.params["batch_size"] == "4"
    metrics = client.get_metric_history(logger.run_id, "loss")
    assert [m.step for m in metrics] == [1, 2, 3]
    assert [m.value for m in metrics] == pytest.approx(history["loss"])


@pytest.mark.parametrize(
    ("module", "make", "extra"),
    [("tensorboardX", lambda: sg.TensorBoard("runs"), "tensorboard"), ("mlflow", sg.MLflowLogger, "mlflow")],
)
def test_what_is_missing_is_named_with_its_remedy(module, make, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'subgrad\[{extra}\]'"):
        make()


def test_a_picture_in_a_notebook_is_replaced(monkeypatch):
    shown = []

    class Handle:
        def update(self, figure):
            shown.append(("updated", hasattr(figure, "savefig")))

    def display(figure, display_id):
        shown.append(("shown", hasattr(figure, "savefig")))
        return Handle()

    ipython = types.ModuleType("IPython")
    ipython.version_info = (9, 0)
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    displays = types.ModuleType("IPython.display")
    displays.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", displays)
    run(sg.PlotLive())
    assert shown == [("shown", True), ("updated", True)]
    ipython.get_ipython = lambda: None
    run(sg.PlotLive())
    assert len(shown) == 2
