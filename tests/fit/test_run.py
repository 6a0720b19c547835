"""A training run from outside: history, stopping, Ctrl-C, NaN, checkpoints that a kill cannot spoil, resuming."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, FileError, NonFiniteError
from subgrad.fit import checkpoints
from subgrad.fit.epoch_progress import Progress
from subgrad.fit.training_run import Run
from subgrad.io.model_file import read_model_file, write_model_file

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send these signals")


def network(dropout=0.0):
    return nn.Sequential(nn.Linear(4, 12, seed=0), nn.Tanh(), nn.Dropout(dropout), nn.Linear(12, 3, seed=1))


def samples(n=90, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, 4)).astype(np.float32)
    return x, (x[:, 0] > 0) + (x[:, 1] > 0).astype(int)


def fit(net=None, data=None, **options):
    options = {"loss": "cross_entropy", "epochs": 5, "batch_size": 32, "verbose": False, **options}
    return sg.fit(net or network(), *(data or samples()), **options)


def bits(net):
    return [p.numpy().tobytes() for p in net.parameters()]


# History, validation, prediction


def test_the_history_holds_the_means_over_the_batches():
    net, (x, y) = network(), samples(64)
    history = fit(net, (x, y), epochs=1, batch_size=64, metrics=["accuracy"], shuffle=False)
    start = network()(x)
    assert history["loss"] == pytest.approx([float(nn.cross_entropy(start, y))], rel=1e-5)
    assert history["accuracy"] == pytest.approx([np.mean(start.numpy().argmax(1) == y)], rel=1e-6)


def test_a_smaller_last_batch_counts_by_its_size():
    x, y = samples(40)
    history = fit(network(), (x, y), epochs=1, batch_size=32, optimizer=sg.SGD(1e-9), shuffle=False)
    assert history["loss"] == pytest.approx([float(nn.cross_entropy(network()(x), y))], rel=1e-5)


def test_validation_is_measured_after_each_epoch_without_dropout():
    net, held_out = network(0.5), samples(30, seed=1)
    history = fit(net, validation=held_out, metrics=["accuracy"], epochs=3)
    found = sg.evaluate(net, *held_out, loss="cross_entropy", metrics=["accuracy"])
    assert history["validation_loss"][-1] == pytest.approx(found["loss"], rel=1e-6)
    assert history["validation_accuracy"][-1] == found["accuracy"]
    assert len(history) == 3


def test_a_share_held_out_is_not_trained_on():
    x, y = samples(50)
    whole = fit(network(), (x, y), validation=0.2, epochs=2, seed=3)
    order = np.random.Generator(np.random.Philox(np.random.SeedSequence([3, 1]))).permutation(50)
    held, rest = order[:10], order[10:]
    apart = fit(network(), (x[rest], y[rest]), validation=(x[held], y[held]), epochs=2, seed=3)
    assert whole["validation_loss"] == apart["validation_loss"]
    assert whole["loss"] == apart["loss"]


def test_predict_is_the_model_in_evaluation_mode_batch_by_batch():
    net, (x, _) = network(0.5), samples(50)
    net.train()
    found = sg.predict(net, x, batch_size=16)
    assert net.training
    np.testing.assert_allclose(found, net.eval()(x).numpy(), rtol=1e-5, atol=1e-6)


def test_weights_of_zero_leave_samples_out():
    x, y = samples(64)
    weight = (np.arange(64) < 32).astype(float)
    weighted, part = network(), network()
    fit(weighted, (x, y), sample_weight=weight, batch_size=64, shuffle=False, optimizer=sg.SGD(0.1))
    fit(part, (x[:32], y[:32]), batch_size=32, shuffle=False, optimizer=sg.SGD(0.1))
    for p, q in zip(weighted.parameters(), part.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-4, atol=1e-6)


def test_targets_of_one_axis_fit_an_output_of_one_column():
    x, y = samples()
    net = nn.Linear(4, 1, seed=0)
    assert fit(net, (x, y.astype(float)), loss="squared", epochs=20, optimizer=sg.SGD(0.1))["loss"][-1] < 0.4


# Stopping


def test_callbacks_see_each_epoch_and_one_that_says_true_ends_the_run():
    seen = []
    history = fit(callbacks=[lambda h: seen.append(len(h)), lambda h: len(h) == 3])
    assert (seen, history.stopped, len(history)) == ([1, 2, 3], "callback", 3)


def test_early_stopping_gives_back_the_best_parameters():
    net, epochs = network(), []
    # The held out labels are wrong on purpose: training makes that loss worse after a while.
    x, y = samples(30, seed=1)
    history = fit(
        net, validation=(x, (y + 1) % 3), epochs=60, early_stopping=4, optimizer=sg.Adam(0.05),
        callbacks=[lambda h: epochs.append(bits(net))],
    )  # fmt: skip
    assert history.stopped == "early stopping"
    assert len(history) == history.best_epoch + 4
    assert history.best_epoch == 1 + int(np.argmin(history["validation_loss"]))
    assert bits(net) == epochs[history.best_epoch - 1] != epochs[-1]


def test_a_finished_run_with_early_stopping_keeps_the_best_too():
    net, epochs = network(), []
    x, y = samples(30, seed=1)
    history = fit(
        net, validation=(x, (y + 1) % 3), epochs=12, early_stopping=50, optimizer=sg.Adam(0.05),
        callbacks=[lambda h: epochs.append(bits(net))],
    )  # fmt: skip
    assert history.stopped == "finished"
    assert bits(net) == epochs[history.best_epoch - 1]


def test_ctrl_c_in_a_callback_keeps_the_best_epoch():
    net, epochs = network(), []

    def interrupt(history):
        epochs.append(bits(net))
        if len(history) == 3:
            raise KeyboardInterrupt

    history = fit(net, callbacks=[interrupt])
    assert (history.stopped, len(history)) == ("interrupted", 3)
    assert bits(net) == epochs[history.best_epoch - 1]


ENDLESS = """
import sys
sys.path[:0] = {path!r}
import numpy as np, subgrad as sg
x = np.random.default_rng(0).standard_normal((4000, 20)).astype(np.float32)
net = sg.nn.Sequential(sg.nn.Linear(20, 64, seed=0), sg.nn.ReLU(), sg.nn.Linear(64, 3, seed=1))
say = lambda h: print(len(h), flush=True)
history = sg.fit(net, x, np.arange(4000) % 3, loss="cross_entropy", epochs=10**9, batch_size=64, callbacks=[say],
                 checkpoint={checkpoint!r}, verbose=False)
print(history.stopped, all(np.isfinite(p.numpy()).all() for p in net.parameters()), flush=True)
"""


def endless_run(checkpoint=None):
    """A process that trains until it is stopped, after its first epoch."""
    code = ENDLESS.format(path=[p for p in sys.path if p], checkpoint=checkpoint and str(checkpoint))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "1\n", process.stderr.read()
    return process


@needs_signals
def test_ctrl_c_in_the_middle_of_native_steps():
    process = endless_run()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert out.splitlines()[-1] == "interrupted True"
    assert (process.returncode, error) == (0, "")


# Numbers that are not finite


def test_a_step_that_is_far_too_long():
    with pytest.raises(NonFiniteError, match=r"batch 2 of 3: the first NaN or inf came from mul, at .*test_run"):
        fit(optimizer=sg.SGD(1e30), loss=lambda f, y: (f * f).mean())


class Logarithm(nn.Module):
    def forward(self, x):
        return sg.log(x)


def test_the_logarithm_of_a_negative_number_is_named_with_batch_and_module():
    x, y = np.abs(samples(64)[0]) + 0.5, np.ones((64, 3))
    x[40] = -50
    net = nn.Sequential(Logarithm(), nn.Linear(4, 3, seed=0))
    with pytest.raises(NonFiniteError, match=r"epoch 1, batch 3 of 4: the first NaN or inf came from log in "):
        fit(net, (x, y), loss="squared", batch_size=16, shuffle=False)


def test_data_that_overflow_inside_the_network():
    x, _ = samples(64)
    x[5] = 1e30
    with pytest.raises(NonFiniteError, match=r"epoch 1, batch 1 of 2: the first NaN or inf came from"):
        fit(nn.Linear(4, 3, seed=0), (x, np.ones((64, 3))), loss="squared", shuffle=False)


def test_an_update_that_spoils_a_parameter_is_found_in_the_step_before():
    with pytest.raises(NonFiniteError, match=r"batch 2 of 3: .*, in the step before"):
        fit(optimizer=sg.SGD(1e39))


def test_a_failed_run_leaves_the_parameters_of_the_last_whole_epoch():
    net, kept = network(), []
    suddenly = sg.SGD(sg.step.Piecewise({0: 0.1, 10: 1e38}))
    with pytest.raises(NonFiniteError, match="epoch 4"):
        fit(net, callbacks=[lambda h: kept.append(bits(net))], optimizer=suddenly, loss=lambda f, y: (f * f).mean())
    assert bits(net) == kept[-1]
    assert len(kept) == 3


# Checkpoints


@pytest.mark.parametrize("optimizer", [sg.Adam(0.02), sg.SGD(0.1, momentum=0.9)])
def test_a_resumed_run_has_the_bits_of_one_that_was_never_interrupted(tmp_path, optimizer):
    options = {"optimizer": optimizer, "batch_size": 32, "seed": 4, "metrics": ["accuracy"], "validation": 0.2}
    whole, resumed = network(0.3), network(0.3)
    expected = fit(whole, epochs=6, **options)
    fit(network(0.3), epochs=2, checkpoint=tmp_path / "run", **options)
    history = fit(resumed, epochs=6, resume=tmp_path / "run", **options)
    assert bits(resumed) == bits(whole)
    for name in ("loss", "accuracy", "validation_loss"):
        assert history[name] == expected[name]


def test_checkpoints_come_every_so_many_epochs(tmp_path):
    path, seen = tmp_path / "run", []
    fit(epochs=5, checkpoint=sg.Checkpoint(path, every=2), callbacks=[lambda h: seen.append(path.exists())])
    assert seen == [False, True, True, True, True]
    resumed = fit(epochs=5, resume=path)
    assert len(resumed) == 5


@needs_signals
@pytest.mark.parametrize("where", ["the bar", "the file", "the best epoch", "the validation"])
def test_ctrl_c_at_the_end_of_an_epoch_saves_the_run(tmp_path, monkeypatch, where):
    owner, name = {
        "the bar": (Progress, "epoch"), "the file": (checkpoints, "write_model_file"),
        "the best epoch": (Run, "_keep_best"), "the validation": (Run, "_held_out"),
    }[where]  # fmt: skip
    path, own, calls = tmp_path / "run", getattr(owner, name), []

    def interrupted(*given):
        calls.append(name)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return own(*given)

    options = {"validation": 0.2, "epochs": 4, "early_stopping": 9, "optimizer": sg.Adam(0.2)}
    whole, resumed = network(0.3), network(0.3)
    expected = fit(whole, **options)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which workers of pytest do not have
    try:
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, interrupted)
            assert fit(network(0.3), checkpoint=path, **options).stopped == "interrupted"
    finally:
        signal.signal(signal.SIGINT, before)
    history = fit(resumed, resume=path, **options)
    assert bits(resumed) == bits(whole)
    assert history["validation_loss"] == expected["validation_loss"]
    assert history.best_epoch == expected.best_epoch


def test_other_settings_and_other_files_are_refused(tmp_path):
    path = tmp_path / "run"
    fit(epochs=1, checkpoint=path)
    with pytest.raises(ArgumentError, match="other settings: batch_size 32, now 16"):
        fit(epochs=2, resume=path, batch_size=16)
    sg.save(network(), tmp_path / "model")
    with pytest.raises(FileError, match="is a model, not a checkpoint"):
        fit(resume=tmp_path / "model")
    with pytest.raises(FileError, match="no file"):
        fit(resume=tmp_path / "missing")
    tensors, header = read_model_file(path)
    for change in ({"probe": "x"}, {"step_factor": "x"}, {"history": [{"loss": "x"}]}, {"average_every": "x"}):
        write_model_file(tmp_path / "damaged", tensors, {**header, **change})
        with pytest.raises((FileError, ArgumentError)):
            fit(epochs=1, resume=tmp_path / "damaged")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileError):
        fit(resume=path)


@needs_signals
def test_a_run_that_is_killed_at_any_moment_leaves_a_checkpoint_to_go_on_from(tmp_path):
    """The process writes a checkpoint after every epoch, far more often than the file is looked at."""
    path, rng = tmp_path / "run", random.Random(0)
    process = endless_run(path)
    epochs = [1]
    for _ in range(20):
        time.sleep(rng.uniform(0, 0.02))
        os.kill(process.pid, signal.SIGSTOP)  # as dead as after a kill, for whoever reads the file
        copy = tmp_path / "copy"
        copy.write_bytes(path.read_bytes())
        os.kill(process.pid, signal.SIGCONT)
        epochs.append(_epochs_in(copy))
    process.kill()
    process.communicate(timeout=30)
    epochs.append(_epochs_in(path))
    assert epochs == sorted(epochs)
    assert epochs[-1] > epochs[0]


def _epochs_in(path):
    from subgrad.io.model_file import read_model_file

    tensors, header = read_model_file(path)
    assert all(np.isfinite(t).all() for t in tensors.values())
    return len(header["history"])


def test_the_model_of_a_checkpoint_can_be_loaded(tmp_path):
    net = network(0.3)
    fit(net, epochs=2, checkpoint=tmp_path / "run")
    again = sg.load(tmp_path / "run")
    assert bits(again) == bits(net)
    assert again.config() == net.config()


def relu_network():
    return nn.Sequential(nn.Linear(4, 12, seed=0), nn.ReLU(), nn.Dropout(0.0), nn.Linear(12, 3, seed=1))


class Hidden(nn.Module):
    """A module that JSON cannot describe."""

    def __init__(self, activation):
        self.hidden, self.out, self.activation = nn.Linear(4, 5, seed=0), nn.Linear(5, 3, seed=1), activation

    def forward(self, x):
        return self.out(self.activation(self.hidden(x)))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"loss": lambda f, y: nn.cross_entropy(f, y) * 2}, "loss 'cross_entropy', now"),
        ({"data": (samples()[0] + 1, samples()[1])}, "other data"),
        ({"data": (samples()[0], samples()[1][::-1].copy())}, "other data"),
        ({"sample_weight": np.ones(90)}, "other data"),
        ({"net": relu_network()}, "another architecture"),
        ({"net": network(0.5)}, "another architecture"),
        ({"net": nn.Linear(4, 3)}, "another architecture"),
        ({"optimizer": sg.SGD(0.1)}, "optimizer"),
        ({"drop_last": True}, "drop_last False, now True"),
        ({"validation": 0.2}, "samples 90, now 72; other data"),
    ],
)
def test_another_run_is_not_resumed(tmp_path, other, message):
    fit(epochs=1, checkpoint=tmp_path / "run")
    net = other.pop("net", network())
    before = bits(net)
    with pytest.raises(ArgumentError, match=message):
        fit(net, epochs=2, resume=tmp_path / "run", **other)
    assert bits(net) == before


def test_what_has_no_name_is_told_by_its_loss(tmp_path):
    fit(Hidden(sg.tanh), epochs=1, checkpoint=tmp_path / "run", loss=lambda f, y: nn.cross_entropy(f, y))
    for net, loss in ((Hidden(sg.relu), nn.cross_entropy), (Hidden(sg.tanh), lambda f, y: (f * f).mean())):
        with pytest.raises(ArgumentError, match="another loss or model|other settings"):
            fit(net, epochs=2, resume=tmp_path / "run", loss=lambda f, y, loss=loss: loss(f, y))
    assert len(fit(Hidden(sg.tanh), epochs=2, resume=tmp_path / "run", loss=lambda f, y: nn.cross_entropy(f, y))) == 2
    with pytest.raises(FileError, match="holds no description"):
        sg.load(tmp_path / "run")


def test_metrics_and_validation_that_come_later(tmp_path):
    fit(epochs=2, checkpoint=tmp_path / "run", metrics=[lambda f, y: sg.log(f.sum() * 0)])
    history = fit(epochs=4, resume=tmp_path / "run", metrics=["accuracy"], validation=samples(20), early_stopping=5)
    assert np.isnan(history["accuracy"]).tolist() == [True, True, False, False]
    assert np.isneginf(history["<lambda>"]).tolist() == [True, True, False, False]
    assert history.best_epoch in (3, 4)
    assert history.monitored == "validation_loss"


def test_a_checkpoint_that_cannot_be_written_is_known_before_the_first_epoch(tmp_path):
    seen = []
    for path in (tmp_path / "no" / "run", tmp_path):
        with pytest.raises(FileError, match="cannot write"):
            fit(checkpoint=path, callbacks=seen.append)
    assert seen == []
