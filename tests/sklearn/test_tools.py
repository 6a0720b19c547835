"""The estimators inside of scikit-learn's own tools, and what that costs."""

import io
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as TheirLogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import subgrad as sg
from subgrad import linear
from subgrad.fit import trainer
from subgrad.sklearn import (
    SVM,
    HiddenActivations,
    Lasso,
    LogisticRegression,
    NeuralNetworkClassifier,
    NeuralNetworkRegressor,
    TabularClassifier,
    TabularRegressor,
)  # fmt: skip
from subgrad.tabular import Settings

X, Y = (a[:230] for a in load_breast_cancer(return_X_y=True))
NETWORK = NeuralNetworkClassifier(hidden=(8,), max_iter=8, learning_rate=0.02, random_state=0)
LITTLE = Settings(folds=2, hidden=(8,), passes=10)
TABLE = pd.DataFrame({"size": X[:, 0], "kind": np.where(X[:, 1] > 18, "rough", None), "when": X[:, 2]})


def test_five_folds_of_unequal_size_compile_once(compilations):
    """Training is one program; validation of so few rows is interpreted."""
    found = cross_validate(NETWORK, X[:211], Y[:211], cv=KFold(5))
    assert compilations() == 1
    assert found["test_score"].mean() > 0.85


def test_a_second_step_traces_nothing(monkeypatch):
    model = clone(NETWORK).partial_fit(X[:40], Y[:40])
    monkeypatch.setattr(trainer, "trace_step", None)
    assert model.partial_fit(X[40:80], Y[40:80]).n_iter_ == 2


def test_tools_that_work_in_other_processes():
    """Searches, pipelines, ensembles and calibration; what they fitted comes back and predicts."""
    network = clone(NETWORK).set_params(max_iter=4)
    pipe = make_pipeline(StandardScaler(), network)
    grid = {"neuralnetworkclassifier__hidden": [(4,), (8,)]}
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # joblib's, of how it starts processes
        search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(X, Y)
        bag = BaggingClassifier(network, n_estimators=2, n_jobs=2, random_state=0).fit(X, Y)
    assert search.best_score_ > 0.8
    assert search.predict_proba(X).shape == (230, 2)
    assert bag.score(X, Y) > 0.85
    calibrated = CalibratedClassifierCV(network, cv=2).fit(X, Y)
    assert calibrated.score(X, Y) > 0.85


@pytest.mark.parametrize(
    "model",
    [NETWORK, NeuralNetworkRegressor(4, max_iter=2), HiddenActivations(clone(NETWORK)), SVM(), Lasso(0.01),
     TabularClassifier(LITTLE, random_state=0)],
    ids=lambda m: type(m).__name__,
)  # fmt: skip
def test_joblib_gives_back_what_it_was_given(model):
    model = clone(model).fit(X, Y)
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    other = joblib.load(file)
    ask = "transform" if hasattr(model, "transform") else "predict"
    np.testing.assert_array_equal(getattr(other, ask)(X), getattr(model, ask)(X))


def test_linear_models_are_those_of_subgrad_linear():
    scaled = StandardScaler().fit_transform(X)
    model, other = LogisticRegression(C=0.1).fit(scaled, Y), linear.LogisticRegression(C=0.1).fit(scaled, Y)
    np.testing.assert_array_equal(model.coef_, other.coef_)
    np.testing.assert_array_equal(model.predict_proba(scaled), other.predict_proba(scaled))
    assert (model.gap_, model.bound_) == (other.gap_, other.bound_)
    with pytest.warns(ConvergenceWarning, match="the gap is"):
        LogisticRegression(max_iter=1).fit(scaled, Y)
    with pytest.raises(sg.errors.ArgumentError, match="C of SVM"):
        SVM(C=-1).fit(scaled, Y)


def test_of_more_classes_each_is_told_from_the_rest_with_a_proof():
    X, y = load_iris(return_X_y=True)
    X, names = StandardScaler().fit_transform(X), np.array(["setosa", "versicolor", "virginica"])[y]
    model = LogisticRegression(gap=1e-10).fit(X, names)
    theirs = OneVsRestClassifier(TheirLogisticRegression(tol=1e-10, max_iter=10_000)).fit(X, names)
    np.testing.assert_allclose(model.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    assert (model.predict(X) == theirs.predict(X)).all()
    assert model.coef_.shape == (3, 4)
    assert (model.gap_ <= 1e-10 * model.objective_ + 1e-10).all()
    machine = SVM(gap=1e-8).fit(X, names)
    for i, name in enumerate(machine.classes_):
        alone = linear.SVM(gap=1e-8).fit(X, names == name)
        np.testing.assert_array_equal(machine.decision_function(X)[:, i], alone.decision_function(X))
        assert machine.bound_[i] == alone.bound_


def test_weights_of_samples_and_classes_of_linear_models():
    X, y = load_iris(return_X_y=True)
    X, times = StandardScaler().fit_transform(X), np.random.default_rng(0).integers(0, 3, 150)
    rows = np.repeat(np.arange(150), times)
    by_class = np.array([1.0, 3.0, 0.5])
    weighted = LogisticRegression(gap=1e-9).fit(X, y, times * by_class[y])
    repeated = LogisticRegression(gap=1e-9, class_weight=dict(enumerate(by_class))).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(weighted.bound_, repeated.bound_)
    two = np.r_[:50, 50:60]
    theirs = SVC(kernel="linear", class_weight="balanced", tol=1e-8).fit(X[two], y[two])
    ours = SVM(gap=1e-9, class_weight="balanced").fit(X[two], y[two])
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-4)
    without = SVM(class_weight="balanced").fit(X, y, y > 0)  # the first class has no weight
    assert without.classes_.tolist() == [1, 2]
    with pytest.raises(ValueError, match="y holds 1 class with weight"):
        SVM().fit(X, y, y > 1)


def test_models_for_tables_learn_one_target():
    several = np.column_stack([Y, 1 - Y])
    with pytest.raises(sg.errors.DataError, match=r"got 2 columns: take MultiOutputClassifier\(TabularClassifier"):
        TabularClassifier(LITTLE).fit(X, several)


def test_tables_with_categories_and_missing_values():
    labels = np.where(Y, "benign", "malignant")
    model = TabularClassifier(LITTLE, class_weight="balanced", random_state=0).fit(TABLE, labels)
    assert model.score(TABLE, labels) > 0.8
    assert model.feature_names_in_.tolist() == ["size", "kind", "when"]
    assert model.scores_["accuracy"] > 0.7
    again = TabularClassifier(LITTLE, class_weight="balanced", random_state=0).fit(TABLE, labels)
    np.testing.assert_array_equal(again.predict_proba(TABLE), model.predict_proba(TABLE))
    numbers = TabularRegressor(LITTLE, random_state=0).fit(TABLE[["size", "kind"]], X[:, 3])
    assert numbers.score(TABLE[["size", "kind"]], X[:, 3]) > 0.8


def test_decision_function_of_a_table_decides_as_predict_does():
    y = np.where(X[:, 0] > 17, "rare", "usual")
    for balance in (False, True):
        model = TabularClassifier(LITTLE, balance=balance, random_state=0).fit(TABLE, y)
        scores = model.decision_function(TABLE)
        np.testing.assert_array_equal(model.classes_[(scores > 0).astype(int)], model.predict(TABLE))
        first, second = model.predict_proba(TABLE).T
        shift = scores - np.log(second / first)  # the same for all rows: how a balanced decision weighs the classes
        assert np.ptp(shift) < 1e-9
        assert balance or np.abs(shift).max() < 1e-9
    three = np.digitize(X[:, 0], [11, 14])
    model = TabularClassifier(LITTLE, random_state=0).fit(TABLE, three)
    np.testing.assert_allclose(np.exp(model.decision_function(TABLE)), model.predict_proba(TABLE), rtol=1e-12)


def test_a_table_fitted_with_names_takes_arrays_and_the_other_way_round():
    """As scikit-learn's own do, whose explanations hand over arrays: with a warning, by the places of columns."""
    named = pd.DataFrame(X[:, :2], columns=["size", "texture"])
    model = TabularClassifier(LITTLE, random_state=0).fit(named, Y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_array_equal(model.predict_proba(X[:, :2]), model.predict_proba(named))
    model = TabularClassifier(LITTLE, random_state=0).fit(X[:, :2], Y)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        np.testing.assert_array_equal(model.predict_proba(named), model.predict_proba(X[:, :2]))
    numbered = named.set_axis([7, 5], axis=1)
    model = TabularClassifier(LITTLE, random_state=0).fit(numbered, Y)
    np.testing.assert_array_equal(model.predict_proba(X[:, :2]), model.predict_proba(numbered))


@pytest.mark.parametrize("model", [NETWORK, LogisticRegression(), TabularClassifier(LITTLE, random_state=0)])
def test_labels_may_be_a_categorical(model):
    labels = np.where(Y, "benign", "malignant")
    found = clone(model).fit(X, pd.Categorical(labels)).predict(X)
    np.testing.assert_array_equal(found, clone(model).fit(X, labels).predict(X))
    with pytest.raises(sg.errors.DataError, match="in 1 row, the first is 0"):
        clone(model).fit(X, pd.Categorical([None, *labels[1:]]))


def test_a_table_with_weights_is_one_with_repeated_rows():
    sizes = np.random.default_rng(0).integers(0, 3, 230)
    weighted = TabularClassifier(LITTLE, random_state=0).fit(TABLE, Y, sizes)
    rows = np.repeat(np.arange(230), sizes)
    repeated = TabularClassifier(LITTLE, random_state=0).fit(TABLE.iloc[rows], Y[rows])
    np.testing.assert_array_equal(weighted.predict_proba(TABLE), repeated.predict_proba(TABLE))


def test_names_where_they_are_looked_for():
    assert sg.tabular.TabularClassifier is TabularClassifier
    assert sg.sklearn.SVM is SVM


def test_without_scikit_learn():
    code = """
import sys
sys.modules["sklearn"] = None
import subgrad as sg
sg.linear.SVM().fit([[0.0], [1.0]], [0, 1])
for ask in (lambda: sg.sklearn, lambda: sg.tabular.TabularClassifier):
    try:
        ask()
    except sg.errors.MissingExtraError as error:
        assert "pip install 'subgrad[sklearn]'" in str(error), error
    else:
        raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_row_of_texts_that_look_like_numbers_is_read_as_among_others():
    X = np.array([["01"], ["1"], ["K"]] * 20, object)
    y = np.array([0, 1, 0] * 20)
    model = TabularClassifier(LITTLE, random_state=0).fit(X, y)
    chances = model.predict_proba(X[:3])
    np.testing.assert_array_equal(np.concatenate([model.predict_proba(X[i : i + 1]) for i in range(3)]), chances)
    assert not np.array_equal(chances[0], chances[1])
