"""Every bad input of a training run has its own message, before the first step."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError, DTypeError, FileError, ShapeError

X = np.random.default_rng(0).standard_normal((20, 4))
Y = np.arange(20) % 3
SIGNS = np.where(Y > 0, 1.0, -1.0)


def with_nan(x):
    x = x.copy()
    x[3, 2] = np.nan
    return x


def fit(X=X, y=Y, out=3, loss="cross_entropy", **options):
    return sg.fit(nn.Linear(4, out, seed=0), X, y, loss=loss, **{"epochs": 1, "verbose": False, **options})


BAD = {
    "text": (DataError, "X must hold numbers, got dtype <U", {"X": X.astype(str)}),
    "text labels": (DataError, "y must hold numbers, got dtype <U", {"y": np.array(["cat"] * 20)}),
    "beyond 64 bits": (DataError, "X holds 9223372036854775808, beyond", {"X": np.full((20, 4), 2**63, np.uint64)}),
    "objects": (DataError, "X must hold numbers, got dtype object", {"X": [{}] * 20}),
    "ragged rows": (DataError, "X must hold numbers in rows of one length", {"X": [[1, 2], [3]], "y": [0, 1]}),
    "NaN": (DataError, r"X holds 1 NaN or inf, the first at index \(3, 2\)", {"X": with_nan(X)}),
    "inf": (DataError, r"y holds 20 NaN or inf", {"y": SIGNS * np.inf, "loss": "squared"}),
    "too large": (DataError, "X holds 80 NaN or inf", {"X": X * 1e300}),
    "lengths": (ShapeError, "one length, got X of shape .20, 4., y of shape .19,.", {"y": Y[:-1]}),
    "length of weights": (ShapeError, "y of shape .20,., sample_weight of shape .3,.", {"sample_weight": np.ones(3)}),
    "a single number": (ShapeError, "an axis of samples, got a single number", {"X": 3.0}),
    "nothing": (DataError, "there are no samples", {"X": X[:0], "y": Y[:0]}),
    "width": (ShapeError, r"Linear\(4, 3\) takes a shape \(..., 4\), got \(20, 3\)", {"X": X[:, :3]}),
    "label too large": (DataError, r"cross_entropy has 3 classes, 0..2, got 1..3", {"y": Y + 1}),
    "negative label": (DataError, r"cross_entropy has 3 classes, 0..2, got -1..1", {"y": Y - 1}),
    "last label": (DataError, r"0..2, got 0..7", {"y": np.r_[Y[:-1], 7]}),
    "fractions as labels": (DTypeError, "classes as integers, got float32", {"y": Y + 0.5}),
    "probabilities": (DataError, "sum to 1 in each row", {"y": np.ones((20, 3))}),
    "0 and 1 for a margin": (DataError, r"-1 and \+1, got 0.0, 1.0: convert", {"y": Y % 2, "out": 1, "loss": "hinge"}),
    "classes for a margin": (DataError, r"-1 and \+1, got", {"y": Y, "out": 1, "loss": "binomial"}),
    "negative weights": (DataError, "sample_weight holds a weight that is negative", {"sample_weight": -np.ones(20)}),
    "shape of targets": (ShapeError, r"\(20, 3\), \(20, 2\)", {"y": X[:, :2], "loss": "squared"}),
    "labels held out": (DataError, "0..2, got 5..7", {"validation": (X, Y + 5)}),
    "share": (ArgumentError, r"a share between 0 and 1, got 1.5", {"validation": 1.5}),
    "share too small": (DataError, "leaves nothing", {"validation": 0.001}),
    "validation without targets": (ArgumentError, "between 0 and 1, got 1 arrays", {"validation": (X,)}),
    "no loss": (ArgumentError, "the losses are ", {"loss": []}),
    "unknown loss": (ArgumentError, "unknown loss 'entropy': expected a function or one of", {"loss": "entropy"}),
    "unknown metric": (ArgumentError, "unknown metric 'acc': expected a function or one of", {"metrics": ["acc"]}),
    "unknown optimiser": (ArgumentError, "no optimiser 'adams': expected one of sgd, adam", {"optimizer": "adams"}),
    "no optimiser": (ArgumentError, "expected an optimiser, or its name and settings, got 3", {"optimizer": 3}),
    "no epochs": (ArgumentError, "epochs must be an integer of 1 or more, got 0", {"epochs": 0}),
    "half a batch": (ArgumentError, "batch_size must be an integer of 1 or more, got 0.5", {"batch_size": 0.5}),
    "no patience": (ArgumentError, "patience is a number of epochs, 1 or more, got 0", {"early_stopping": 0}),
    "no checkpoint": (FileError, "cannot write", {"checkpoint": "no/such/folder/run"}),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name):
    error, message, options = BAD[name]
    with pytest.raises(error, match=message):
        fit(**options)


def test_a_loss_that_is_no_scalar():
    with pytest.raises(ValueError, match="for a scalar, sum or average it first"):
        fit(y=SIGNS, out=1, loss=lambda f, y: f - y)


def test_indices_beyond_an_embedding():
    net = nn.Sequential(nn.Embedding(3, 2, seed=0), nn.Flatten(), nn.Linear(4, 1, seed=1))
    with pytest.raises(ShapeError, match="index 8 is out of range for an axis of length 3"):
        sg.fit(net, np.array([[0, 2], [8, 1]]), [0.0, 1.0], loss="squared", epochs=1)


def test_the_parameters_are_as_before_after_bad_input():
    net = nn.Linear(4, 3, seed=0)
    with pytest.raises(DataError):
        sg.fit(net, X, Y + 1, loss="cross_entropy")
    np.testing.assert_array_equal(net.weight.numpy(), nn.Linear(4, 3, seed=0).weight.numpy())


def test_looking_at_the_data_draws_no_random_numbers():
    sg.manual_seed(3)
    expected = nn.Linear(2, 2).weight.numpy()
    sg.manual_seed(3)
    sg.fit(nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3, seed=0)), X, Y, loss="cross_entropy", epochs=1)
    np.testing.assert_array_equal(nn.Linear(2, 2).weight.numpy(), expected)


def test_evaluate_and_predict_say_the_same():
    net = nn.Linear(4, 3, seed=0)
    with pytest.raises(DataError, match="0..2, got 1..3"):
        sg.evaluate(net, X, Y + 1, loss="cross_entropy")
    with pytest.raises(DataError, match="X holds 1 NaN"):
        sg.predict(net, with_nan(X))
