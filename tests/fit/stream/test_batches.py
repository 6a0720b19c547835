"""Runs on batches that come one by one, against runs on the arrays that they are cut of."""

import threading

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.fit.stream.prefetch import Prefetched

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(50, 4)).astype("f4"), rng.integers(0, 3, 50)
BATCHES = [(X[i : i + 16], Y[i : i + 16]) for i in range(0, 50, 16)]
OPTIONS = {"loss": "cross_entropy", "optimizer": sg.Adam(0.05)}


def net():
    return nn.Sequential(nn.Linear(4, 6, seed=0), nn.Dropout(0.2), nn.Tanh(), nn.Linear(6, 3, seed=1))


def of_arrays(epochs, **options):
    model = net()
    history = sg.fit(model, X, Y, epochs=epochs, batch_size=16, shuffle=False, **OPTIONS, **options)
    return model.state_dict(), history


def same(model, state):
    return all((model.state_dict()[name] == value).all() for name, value in state.items())


def endless():
    while True:
        yield from BATCHES


def reusing():
    """A generator that fills one array again and again."""
    x, y = np.empty((16, 4), "f4"), np.empty(16, int)
    for given in BATCHES:
        n = len(given[0])
        x[:n], y[:n] = given
        yield x[:n], y[:n]


@pytest.mark.parametrize(
    "batches",
    [
        lambda: BATCHES,
        lambda: reusing,
        lambda: [{"x": x, "label": y} for x, y in BATCHES],
    ],
)
def test_batches_train_as_the_arrays_do(batches):
    expected, whole = of_arrays(2)
    model = net()
    history = sg.fit(model, batches(), epochs=2, **OPTIONS)
    assert same(model, expected)
    assert history["loss"] == whole["loss"]
    assert history.stopped == "finished"
    assert not [thread for thread in threading.enumerate() if thread.name == "batches"]


@pytest.mark.parametrize("batches", [endless, lambda: BATCHES])
def test_endless_batches_have_steps_per_epoch(batches):
    expected, _ = of_arrays(2)
    model = net()
    history = sg.fit(model, batches(), epochs=4, steps_per_epoch=2, **OPTIONS)
    assert same(model, expected)
    assert len(history) == 4


def test_weights_accumulation_and_validation_in_between():
    weight, truth = rng.random(50), (X[:20], Y[:20])
    expected, whole = of_arrays(2, sample_weight=weight, accumulate=3, validation=truth, metrics=["accuracy"])
    weighted = [(x, y, weight[16 * i : 16 * i + 16]) for i, (x, y) in enumerate(BATCHES)]
    model = net()

    def cut():
        return ((X[i : i + 10], Y[i : i + 10]) for i in (0, 10))

    history = sg.fit(
        model, weighted, epochs=2, accumulate=3, validation=cut, validation_every=3, metrics="accuracy", **OPTIONS
    )
    assert same(model, expected)
    for name in ("loss", "validation_loss", "validation_accuracy"):
        assert history[name] == pytest.approx(whole[name], rel=1e-6)
    assert [(row["epoch"], row["step"]) for row in history.steps] == [(1, 3), (2, 6)]
    assert 0 < history.steps[0]["validation_loss"] < 3


def test_the_validation_between_is_that_of_the_model_then():
    model, seen = net(), []

    class Asking(sg.Callback):
        def on_validation_end(self, step, logs):
            seen.append(sg.evaluate(model, X, Y, loss="cross_entropy")["loss"] == logs["validation_loss"])

    sg.fit(model, X, Y, epochs=2, validation=(X, Y), validation_every=3, batch_size=16, callbacks=Asking(), **OPTIONS)
    assert seen == [True, True]


def test_a_resumed_run_keeps_what_was_measured_in_between(tmp_path):
    options = {"batch_size": 16, "validation": (X, Y), "validation_every": 3, **OPTIONS}
    whole, parted = net(), net()
    expected = sg.fit(whole, X, Y, epochs=3, **options)
    sg.fit(parted, X, Y, epochs=2, checkpoint=tmp_path / "run", **options)
    history = sg.fit(parted, X, Y, epochs=3, resume=tmp_path / "run", **options)
    assert history.steps == expected.steps


def test_an_iterator_that_ends():
    expected, _ = of_arrays(1)
    model = net()
    with pytest.warns(UserWarning, match="the batches came to their end in epoch 1 of 3"):
        history = sg.fit(model, iter(BATCHES), epochs=3, **OPTIONS)
    assert same(model, expected)
    assert history.stopped == "out of data"
    assert len(history) == 1


def test_what_a_generator_raises_is_raised_after_the_steps_before_it():
    def broken():
        yield from BATCHES[:2]
        raise OSError("the disk is gone")

    model, expected = net(), net()
    sg.fit(expected, BATCHES[:2], epochs=1, **OPTIONS)
    with pytest.raises(OSError, match="the disk is gone"):
        sg.fit(model, broken(), epochs=1, **OPTIONS)
    assert same(model, expected.state_dict())


def test_batches_of_several_inputs_in_dicts():
    class Two(nn.Module):
        def __init__(self):
            self.left, self.right = nn.Linear(2, 3, seed=0), nn.Linear(2, 1, seed=1)

        def forward(self, a, b):
            return {"class": self.left(a), "number": self.right(b)}

    loss = {"class": "cross_entropy", "number": "mse"}
    a, b, number = X[:, :2], X[:, 2:], X[:, 0]
    whole, parted = Two(), Two()
    sg.fit(whole, {"a": a, "b": b}, {"class": Y, "number": number}, loss=loss, batch_size=25, shuffle=False, epochs=1)
    batches = [
        {"number": number[part], "b": b[part], "class": Y[part], "a": a[part]} for part in (slice(25), slice(25, 50))
    ]
    sg.fit(parted, batches, loss=loss, epochs=1)
    assert same(parted, whole.state_dict())


@pytest.mark.parametrize(
    ("batches", "options", "error", "message"),
    [
        (X, {}, ArgumentError, r"without y, X is batches: .* got ndarray of shape \(50, 4\)"),
        (3, {}, ArgumentError, "without y, X is batches: .* got int"),
        ([], {}, DataError, "there are no batches"),
        ([(X,)], {}, ArgumentError, "batch 1: batches are .* got tuple"),
        ([BATCHES[0], (X[:, :3], Y)], {}, ShapeError, r"batch 2: X has samples of shape \(3,\), float32, .* \(4,\)"),
        ([BATCHES[0], (X, Y, Y)], {}, ArgumentError, "batch 2: it has weights and the first one has not"),
        ([BATCHES[0], (X, Y + 2)], {}, DataError, "3 classes, 0..2, got 2..4"),
        ([BATCHES[0], (X, Y[:3])], {}, ShapeError, r"batch 2: X and y must have one length, got X of shape \(50, 4\)"),
        ([{"z": X, "y": Y}], {}, ArgumentError, r"batch 1: a batch that is a dict of 'z', 'y' has inputs, .* \(x\)"),
        ([{"x": X, "y": Y, "z": Y}], {}, ArgumentError, "the loss has one target, got y, z"),
        (BATCHES, {"optimizer": "lbfgs"}, ArgumentError, "it takes X and y, and no batches"),
        (BATCHES, {"checkpoint": "run"}, ArgumentError, "takes no checkpoint and no resume"),
        (BATCHES, {"sample_weight": Y}, ArgumentError, "weights come with the batches"),
        (BATCHES, {"validation": 0.2}, ArgumentError, r"beside batches, validation is \(X, y\) or batches, got 0.2"),
        (BATCHES, {"validation_every": 2}, ArgumentError, "how often the validation is measured, and there is none"),
    ],
)
def test_what_batches_cannot_be(batches, options, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        sg.fit(net(), batches, **{"epochs": 1, **OPTIONS, **options})


def test_an_error_about_a_batch_names_the_line_of_fit():
    with pytest.raises(ShapeError, match=r"batch 2: .*\(at test_batches.py:\d+\)"):
        sg.fit(net(), [(X, Y), (X[:, :2], Y)], epochs=1, **OPTIONS)


def test_steps_per_epoch_is_for_batches():
    with pytest.raises(ArgumentError, match="steps_per_epoch is for batches that come one by one"):
        sg.fit(net(), X, Y, steps_per_epoch=3, **OPTIONS)


def test_items_are_fetched_ahead_and_the_last_is_known():
    taken = []

    def items():
        for i in range(30):
            taken.append(i)
            yield i

    fetched = Prefetched(items())
    assert fetched.take() == (0, False)
    fetched.close()
    assert len(taken) < 15
    fetched = Prefetched(iter(range(3)))
    assert [fetched.take() for _ in range(4)] == [(0, False), (1, False), (2, True), None]
