"""Metrics against NumPy, for every way to write a label."""

import functools

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError, NotTraceableError, ShapeError
from subgrad.fit.metrics import accuracy, resolve

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)).astype("f4")
SIGNS, CLASSES = rng.choice([-1, 1], 60), rng.integers(0, 3, 60)


def scores(net, x=X):
    return net(x).numpy()


@pytest.mark.parametrize("shape", [(60,), (60, 1)])
@pytest.mark.parametrize("dtype", ["i1", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize("loss", ["hinge", "binomial", "binary_cross_entropy", "squared", "absolute", "huber"])
def test_signs_of_every_dtype_and_shape(loss, dtype, shape):
    net = nn.Linear(3, 1, seed=0)
    found = sg.evaluate(net, X, SIGNS.astype(dtype).reshape(shape), loss=loss, metrics="accuracy")
    assert found["accuracy"] == pytest.approx(np.mean((scores(net)[:, 0] > 0) == (SIGNS > 0)))


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f4"])
def test_zeros_and_ones_are_parted_in_their_middle(dtype):
    net, y = nn.Linear(3, 1, seed=0), SIGNS > 0
    found = sg.evaluate(net, X, y.astype(dtype), loss="squared", metrics=["accuracy", "mse", "mae"])
    difference = scores(net)[:, 0] - y
    assert found["accuracy"] == pytest.approx(np.mean((scores(net)[:, 0] > 0.5) == y))
    assert found["mse"] == pytest.approx(np.mean(difference**2), rel=1e-5)
    assert found["mae"] == pytest.approx(np.mean(np.abs(difference)), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("cross_entropy", CLASSES),
        ("cross_entropy", CLASSES.astype("u1")),
        ("cross_entropy", np.eye(3)[CLASSES]),
        ("cross_entropy", 0.7 * np.eye(3)[CLASSES] + 0.1),
        ("squared", np.eye(3, dtype=int)[CLASSES]),
        ("hinge", 2 * np.eye(3, dtype=int)[CLASSES] - 1),
        (lambda f, y: nn.cross_entropy(f, y[:, 0]), CLASSES[:, None]),
        (lambda f, y: (f * f).mean(), CLASSES.astype("f4")),
    ],
)
def test_one_class_of_three(loss, y):
    net = nn.Linear(3, 3, seed=0)
    found = sg.evaluate(net, X, y, loss=loss, metrics=["accuracy"])["accuracy"]
    assert found == pytest.approx(np.mean(scores(net).argmax(1) == CLASSES))


def test_several_labels_a_sample_count_each():
    net, y = nn.Linear(3, 2, seed=0), rng.choice([-1, 1], (60, 2))
    found = sg.evaluate(net, X, y, loss="hinge", metrics=["accuracy"])["accuracy"]
    assert found == pytest.approx(np.mean((scores(net) > 0) == (y > 0)))


def test_scores_without_an_axis_of_their_own():
    class Flat(nn.Module):
        def forward(self, x):
            return x[:, 0]

    found = sg.evaluate(Flat(), X, SIGNS, loss="hinge", metrics=["accuracy"])["accuracy"]
    assert found == pytest.approx(np.mean((X[:, 0] > 0) == (SIGNS > 0)))


def test_labels_of_one_class_alone():
    net = nn.Linear(3, 1, seed=0)
    ones = np.ones(60, int)
    expected = np.mean(scores(net)[:, 0] > 0)
    assert sg.evaluate(net, X, ones, loss="hinge", metrics=["accuracy"])["accuracy"] == pytest.approx(expected)
    middle = np.mean(scores(net)[:, 0] > 0.5)
    found = sg.evaluate(net, X, ones.astype(bool), loss="squared", metrics=["accuracy"])
    assert found["accuracy"] == pytest.approx(middle)
    with pytest.raises(DataError, match="cannot tell whether these labels, all 1"):
        sg.evaluate(net, X, ones, loss="squared", metrics=["accuracy"])
    history = sg.fit(net, X, (SIGNS > 0).astype(int), loss="squared", metrics=["accuracy"], epochs=1,
                     validation=(X, ones), optimizer=sg.SGD(1e-9))  # fmt: skip
    assert history["validation_accuracy"] == pytest.approx([middle])


def test_the_labels_held_out_may_be_written_in_another_way():
    net = nn.Linear(3, 3, seed=0)
    history = sg.fit(net, X, CLASSES, loss="cross_entropy", metrics=["accuracy"], epochs=1, optimizer=sg.SGD(1e-9),
                     validation=(X[:7], np.eye(3)[CLASSES[:7]]))  # fmt: skip
    assert history["validation_accuracy"] == pytest.approx([np.mean(scores(net)[:7].argmax(1) == CLASSES[:7])])


@pytest.mark.parametrize(
    ("f", "y", "error", "message"),
    [
        (1, rng.normal(size=60), DataError, r"-1 and \+1, or 0 and 1, where there is one score"),
        (1, CLASSES, DataError, "got 0, 1, 2"),
        (3, CLASSES - 1, DataError, "the classes 0..2 of 3 scores, got -1"),
        (3, rng.integers(0, 2, (60, 3)) * 2, DataError, "accuracy takes labels"),
        (3, CLASSES[:, None].repeat(2, 1), ShapeError, r"scores of shape \(60, 3\), got targets of shape \(60, 2\)"),
    ],
)
def test_what_names_no_class(f, y, error, message):
    with pytest.raises(error, match=message):
        sg.evaluate(nn.Linear(3, f), X, y, loss=lambda f, y: (f * f).mean(), metrics=["accuracy"])


def test_differences_do_not_broadcast():
    with pytest.raises(ShapeError, match="one shape and does not broadcast"):
        sg.evaluate(nn.Linear(3, 3), X[:3], CLASSES[:3], loss="cross_entropy", metrics=["mse"])


def test_in_a_traced_function_shapes_decide():
    f, y = rng.normal(size=(5, 3)).astype("f4"), np.arange(5) % 3
    assert float(sg.compile(accuracy)(f, y)) == pytest.approx(np.mean(f.argmax(1) == y))
    assert float(sg.compile(accuracy)(f[:, 0], y > 0)) == pytest.approx(np.mean((f[:, 0] > 0.5) == (y > 0)))
    with pytest.raises(NotTraceableError, match="accuracy of single scores"):
        sg.compile(accuracy)(f[:, 0], y)


def test_names():
    def mine(f, y):
        return (f * f).mean()

    def loss(f, y):
        return f.mean()

    assert list(resolve(m for m in ["mae", mine, functools.partial(accuracy)])) == ["mae", "mine", "accuracy"]
    assert list(resolve(mine)) == ["mine"]
    with pytest.raises(ArgumentError, match="two metrics are called '<lambda>'"):
        resolve([lambda f, y: f.mean(), lambda f, y: f.max()])
    with pytest.raises(ArgumentError, match="cannot be called 'loss'"):
        resolve([loss])
    with pytest.raises(ArgumentError, match="metrics are names and functions, got 3"):
        resolve(3)
    with pytest.raises(ArgumentError, match="unknown metric None"):
        resolve([None])
