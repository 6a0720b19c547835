"""Networks as estimators: what their parameters do, and what they take."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_iris, make_multilabel_classification

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError
from subgrad.sklearn import HiddenActivations, NeuralNetworkClassifier, NeuralNetworkRegressor, TabularClassifier

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = X[:, 0] - 2 * X[:, 1]
CLASSES = np.array(["no", "yes"])[(Y > 0).astype(int)]


def classifier(**options):
    return NeuralNetworkClassifier(**{"hidden": 8, "max_iter": 15, "learning_rate": 0.03, "random_state": 0, **options})


def regressor(**options):
    return NeuralNetworkRegressor(**{"hidden": 8, "max_iter": 15, "learning_rate": 0.03, "random_state": 0, **options})


def test_answers_of_a_classifier_belong_together():
    model = classifier().fit(X, CLASSES)
    scores, chances = model.decision_function(X), model.predict_proba(X)
    assert model.score(X, CLASSES) > 0.9
    assert scores.shape == (120,)
    np.testing.assert_allclose(chances[:, 1], 1 / (1 + np.exp(-scores)), rtol=1e-9)
    np.testing.assert_array_equal(model.predict(X), np.where(scores > 0, "yes", "no"))
    assert (model.n_iter_, len(model.loss_curve_)) == (15, 15)
    assert model.loss_ == model.loss_curve_[-1] < model.loss_curve_[0]


def test_truth_values_and_three_classes():
    assert classifier().fit(X, Y > 0).predict(X).dtype == bool
    iris, kinds = load_iris(return_X_y=True)
    model = classifier(max_iter=40).fit(iris, kinds)
    assert model.decision_function(iris).shape == (150, 3)
    assert model.score(iris, kinds) > 0.9


def test_several_labels_and_several_columns_of_classes():
    rows, labels = make_multilabel_classification(n_samples=80, n_classes=3, random_state=0)
    model = classifier(max_iter=60).fit(rows, labels)
    assert np.mean(model.predict(rows) == labels) > 0.8
    assert model.predict_proba(rows).shape == model.decision_function(rows).shape == (80, 3)
    y = np.stack([CLASSES, np.where(X[:, 2] > 0.5, "c", np.where(X[:, 2] < -0.5, "a", "b"))], axis=1)
    model = classifier(max_iter=60).fit(X, y)
    assert [c.tolist() for c in model.classes_] == [["no", "yes"], ["a", "b", "c"]]
    right = (model.predict(X) == y).all(axis=1)
    assert model.score(X, y) == right.mean() > 0.8
    assert model.score(X, y, right) == 1
    assert np.mean(model.predict(X) == y) > 0.85
    assert [p.shape for p in model.predict_proba(X)] == [(120, 2), (120, 3)]
    assert [f.shape for f in model.decision_function(X)] == [(120,), (120, 3)]


def test_regression_of_one_number_and_several():
    model = regressor(max_iter=60).fit(X, 1e4 * Y + 1e6)
    assert model.score(X, 1e4 * Y + 1e6) > 0.95
    both = np.stack([Y, X[:, 2] ** 2], axis=1)
    model = regressor(max_iter=60).fit(X, both)
    assert model.predict(X).shape == (120, 2)
    assert model.score(X, both) > 0.8
    assert regressor(loss="absolute", standardize=False).fit(X, Y).predict(X).shape == (120,)


def test_float32_stays_float32():
    model = regressor().fit(X.astype(np.float32), Y.astype(np.float32))
    assert {p.dtype for p in model.module_.parameters()} == {np.dtype("float32")}
    assert model.predict(X.astype(np.float32)).dtype == np.float32


def test_a_module_or_a_function_that_makes_one():
    def make(inputs, outputs):
        return nn.Sequential(nn.Linear(inputs, 5), nn.Tanh(), nn.Dropout(0.1), nn.Linear(5, outputs))

    model = classifier(module=make, max_iter=40).fit(X, CLASSES)
    assert model.score(X, CLASSES) > 0.85
    same = classifier(module=make, max_iter=40).fit(X, CLASSES)
    np.testing.assert_array_equal(model.predict_proba(X), same.predict_proba(X))
    net = nn.Linear(3, 1, seed=0)
    before = net.weight.numpy().copy()
    model = regressor(module=net, max_iter=30).fit(X, Y)
    np.testing.assert_array_equal(net.weight.numpy(), before)
    assert model.score(X, Y) > 0.5
    assert clone(model).module is not net


def test_class_weights_move_the_border():
    y = (Y > 1.5).astype(int)
    options = {"max_iter": 3, "standardize": False}
    plain = classifier(**options).fit(X, y).predict(X).mean()
    balanced = classifier(**options, class_weight="balanced").fit(X, y)
    by_hand = classifier(**options).fit(X, y, np.where(y, 0.5 / y.mean(), 0.5 / (1 - y.mean())))
    assert balanced.predict(X).mean() > plain
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), rtol=1e-9)


def test_steps_on_a_stream():
    model = classifier()
    for _ in range(30):
        for part in np.split(np.arange(120), 3):
            assert model.partial_fit(X[part], CLASSES[part], classes=["no", "yes"]) is model
    assert model.score(X, CLASSES) > 0.9
    assert model.n_iter_ == 90
    with pytest.raises(DataError, match="classes that are not among those of the first fit: 'perhaps'"):
        model.partial_fit(X[:1], ["perhaps"])
    with pytest.raises(DataError, match="classes are those of the first call"):
        model.partial_fit(X[:1], CLASSES[:1], classes=["no", "perhaps", "yes"])
    several = classifier().partial_fit(X, np.stack([CLASSES, CLASSES], 1), classes=[["no", "yes"], ["no", "yes"]])
    with pytest.raises(DataError, match="classes are those of the first call"):
        several.partial_fit(X, np.stack([CLASSES, CLASSES], 1), classes=[["no", "yes"], ["no", "yes", "z"]])
    assert not hasattr(classifier(solver="lbfgs"), "partial_fit")
    numbers = regressor()
    for _ in range(60):
        numbers.partial_fit(X, Y)
    assert numbers.score(X, Y) > 0.9


def test_a_stream_goes_on_after_a_fit_and_a_pickle():
    model = regressor().fit(X, Y)
    before = model.loss_
    for _ in range(10):
        model.partial_fit(X, Y)
    other = pickle.loads(pickle.dumps(model))
    assert other.partial_fit(X, Y).loss_ == model.partial_fit(X, Y).loss_ < before


def test_warm_start_goes_on():
    model = classifier(warm_start=True).fit(X, CLASSES)
    net, first = model.module_, model.loss_
    model.fit(X, CLASSES)
    assert model.module_ is net
    assert (model.n_iter_, len(model.history_)) == (30, 15)
    assert model.loss_ < first
    with pytest.raises(DataError, match="not among those of the first fit"):
        model.fit(X, Y.round())


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_validation_and_early_stopping(solver):
    model = classifier(early_stopping=3, max_iter=60, solver=solver, validation=(X[:30], CLASSES[:30]))
    model.fit(X[30:], CLASSES[30:])
    assert len(model.history_["validation_loss"]) == model.n_iter_
    held_out = classifier(early_stopping=True, max_iter=5, solver=solver).fit(X, CLASSES)
    assert "validation_loss" in held_out.history_.names
    assert "validation_loss" in regressor(validation=0.2, max_iter=2, solver=solver).fit(X, Y).history_.names


@pytest.mark.parametrize("solver", [sg.SGD(0.1), sg.LBFGS(1e-3), "sgd", "lion", "lbfgs"], ids=str)
def test_solvers(solver):
    assert (
        classifier(solver=solver, learning_rate=0.3 if solver == "sgd" else 0.02).fit(X, CLASSES).score(X, CLASSES)
        > 0.8
    )


def test_a_weight_of_two_is_a_row_that_is_there_twice():
    """To the last bit, where all rows are looked at at once."""
    sizes = RNG.integers(0, 3, 120)
    for model in (classifier(solver="lbfgs"), regressor(solver="lbfgs")):
        y = CLASSES if isinstance(model, NeuralNetworkClassifier) else Y
        order = RNG.permutation(120)
        weighted = clone(model).fit(X[order], y[order], sizes[order])
        repeated = clone(model).fit(X.repeat(sizes, axis=0), y.repeat(sizes))
        for p, q in zip(weighted.module_.parameters(), repeated.module_.parameters(), strict=True):
            np.testing.assert_array_equal(p.numpy(), q.numpy())
    kinds = [None if i % 7 == 0 else "ab"[i % 2] for i in range(120)]
    frame, rows = pd.DataFrame({"kind": kinds, "size": X[:, 0]}), np.repeat(np.arange(120), sizes)
    weighted = classifier(solver="lbfgs").fit(frame, CLASSES, sizes)
    repeated = classifier(solver="lbfgs").fit(frame.iloc[rows], CLASSES[rows])
    np.testing.assert_array_equal(weighted.predict_proba(frame), repeated.predict_proba(frame))


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_frames_with_categories_and_missing_values(library):
    town = RNG.choice(["Bonn", "Ulm"], 120)
    ages = [None if i % 9 == 0 else float(v) for i, v in enumerate(X[:, 0])]
    frame = library.DataFrame({"town": town, "age": ages})
    y = (town == "Bonn").astype(int)
    model = classifier().fit(frame, y)
    assert model.score(frame, y) == 1
    assert model.feature_names_in_.tolist() == ["town", "age"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"age": "old"}) if library is pd else frame.rename({"age": "old"}))
    with pytest.raises(DataError, match="was fitted with a DataFrame"):
        model.predict(X[:, :2])
    if library is pd:
        assert classifier().fit(frame.astype({"town": "category"}), y).score(frame, y) == 1


def test_frames_of_numbers_are_arrays():
    frame = pl.DataFrame(X, schema=["a", "b", "c"])
    model, other = regressor().fit(frame, Y), regressor().fit(X, Y)
    np.testing.assert_allclose(model.predict(frame), other.predict(X), rtol=1e-9)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]


def test_scikit_learns_callbacks():
    class Stop:
        def __init__(self):
            self.seen = []

        def setup(self, estimator, context):
            self.seen.append("setup")

        def teardown(self, estimator, context):
            self.seen.append("teardown")

        def on_fit_task_begin(self, estimator, context):
            self.seen.append(f"begin {context.task_name}")

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            if context.task_name == "epoch":
                assert fitted_estimator.predict(X).shape == (120,)
            self.seen.append(f"end {context.task_name}")
            return context.task_name == "epoch" and context.task_id == 2

    stop = Stop()
    model = classifier().set_callbacks(stop).fit(X, CLASSES)
    assert model.n_iter_ == 3
    assert stop.seen == ["setup", "begin fit", *(3 * ["begin epoch", "end epoch"]), "end fit", "teardown"]
    monitor = ScoringMonitor(scoring="accuracy")
    model = classifier(max_iter=4).set_callbacks(monitor).fit(X, CLASSES)
    assert len(monitor.get_logs(select="most_recent").data_as_pandas) >= 4


def test_hidden_layers_are_features():
    model = HiddenActivations(classifier(hidden=(6, 4))).set_output(transform="polars").fit(X, CLASSES)
    found = model.transform(X)
    assert found.columns == [f"hiddenactivations{i}" for i in range(4)]
    net = model.estimator_.module_
    rows = model.estimator_._inputs.of(model, X)
    np.testing.assert_allclose(sg.predict(net[-1:], found.to_numpy()), sg.predict(net, rows), rtol=1e-9, atol=1e-12)
    assert HiddenActivations(classifier(), layer="hidden1").fit_transform(X, CLASSES).min() < 0
    with pytest.raises(ArgumentError, match="layer of HiddenActivations is one of flatten, hidden1, relu1, out, or"):
        HiddenActivations(classifier(max_iter=1), layer="no").fit(X, CLASSES)
    with pytest.raises(ArgumentError, match="got int"):
        HiddenActivations(3).fit(X, CLASSES)
    with pytest.raises(ArgumentError, match="layers of a Sequential, got Linear"):
        HiddenActivations(classifier(module=nn.Linear, max_iter=1)).fit(X, CLASSES)


def test_deep_copies_are_their_own():
    model = regressor().fit(X, Y)
    other = copy.deepcopy(model)
    other.partial_fit(X, Y)
    assert not np.array_equal(model.predict(X), other.predict(X))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: classifier().fit(sparse.csr_array(X), CLASSES), TypeError, "Sparse data was passed"),
        (lambda: classifier().fit(X, Y), ValueError, "continuous"),
        (lambda: classifier(module=3).fit(X, CLASSES), ArgumentError, "module is a subgrad.nn.Module, or a function"),
        (lambda: classifier(module=lambda i, o: 1).fit(X, CLASSES), ArgumentError, "must return a subgrad.nn.Module"),
        (lambda: classifier(loss="hinge").fit(X, CLASSES), ArgumentError, "loss of a classifier is 'cross_entropy'"),
        (lambda: regressor(loss="hinge").fit(X, Y), ArgumentError, "loss of a regressor"),
        (lambda: classifier(validation=(X,)).fit(X, CLASSES), ArgumentError, "or a share, got 1 arrays"),
        (lambda: classifier(max_iter=0).fit(X, CLASSES), ArgumentError, "max_iter must be an integer of 1 or more"),
        (lambda: classifier(batch_size=0).fit(X, CLASSES), ArgumentError, "batch_size"),
        (lambda: classifier(solver="no").fit(X, CLASSES), ArgumentError, "no solver 'no': .* auto, lbfgs, sgd"),
        (lambda: classifier(hidden="64").fit(X, CLASSES), ArgumentError, r"such as \(64, 64\), got '64'"),
        (lambda: classifier(hidden=(8.5,)).fit(X, CLASSES), ArgumentError, r"hidden takes the units .* got \(8.5,\)"),
        (lambda: classifier(hidden=(-1,)).fit(X, CLASSES), ArgumentError, "-1"),
        (lambda: classifier().fit(X, [None, *CLASSES[1:]]), ValueError, "y contains NaN or None in 1 row"),
        (lambda: TabularClassifier().fit(X, [*CLASSES[1:], None]), ValueError, "y contains NaN or None in 1 row"),
        (lambda: classifier().fit(X, CLASSES, np.zeros(120)), ValueError, "at least one non-zero"),
        (lambda: classifier().fit(X, CLASSES, -np.ones(120)), ValueError, "[Nn]egative"),
        (lambda: regressor().fit(X, Y).partial_fit(X, np.stack([Y, Y], 1)), DataError, "must have 1 columns"),
        (lambda: classifier().fit(pl.DataFrame({"a": ["x"] * 120}), CLASSES), DataError, "'a': it has one value only"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
