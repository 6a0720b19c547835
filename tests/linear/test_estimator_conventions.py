"""scikit-learn's conventions, with scikit-learn's own tools, and the errors."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import subgrad as sg
from subgrad.errors import ArgumentError, DataError, NotFittedError, ShapeError
from subgrad.linear import SVM, GapWarning, Huber, Lasso, LeastAbsolute, LogisticRegression

CLASSIFIERS = [SVM, LogisticRegression]
REGRESSORS = [LeastAbsolute, Huber, Lasso]
MODELS = [*CLASSIFIERS, *REGRESSORS]


@pytest.mark.parametrize("kind", MODELS)
def test_parameters_are_scikit_learns(kind, two_clouds):
    model = kind(gap=1e-3)
    assert clone(model).get_params() == model.get_params() == {**kind().get_params(), "gap": 1e-3}
    assert model.set_params(max_iter=700) is model
    assert repr(clone(model)) == repr(model)
    assert model.fit(*two_clouds) is model
    assert is_classifier(model) == (kind in CLASSIFIERS)
    assert is_regressor(model) == (kind in REGRESSORS)
    assert not hasattr(clone(model), "coef_")


def test_pipelines_and_searches_take_the_models(two_clouds):
    search = GridSearchCV(make_pipeline(StandardScaler(), SVM()), {"svm__C": [0.01, 1.0]}, cv=3).fit(*two_clouds)
    assert search.best_score_ > 0.6
    assert cross_val_score(LeastAbsolute(), *two_clouds, cv=3).shape == (3,)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_shapes_and_labels_of_classifiers(kind, two_clouds):
    X, y = two_clouds
    named = np.array(["no", "yes"])[y]
    model = kind().fit(X, named)
    assert model.coef_.shape == (1, 2)
    assert model.intercept_.shape == (1,)
    assert model.classes_.tolist() == ["no", "yes"]
    f = model.decision_function(X)
    np.testing.assert_allclose(f, X @ model.coef_[0] + model.intercept_)
    assert (model.predict(X) == np.where(f > 0, "yes", "no")).all()
    assert model.score(X, named) == np.mean(model.predict(X) == named) > 0.6


@pytest.mark.parametrize("kind", REGRESSORS)
def test_shapes_of_regressors(kind, two_clouds):
    X, y = two_clouds
    model = kind().fit(X, y)
    assert model.coef_.shape == model.predict(X)[:2].shape == (2,)
    assert isinstance(model.intercept_, float)
    assert model.score(X, y) == pytest.approx(1 - np.mean((y - model.predict(X)) ** 2) / np.var(y))
    assert kind(fit_intercept=False).fit(X, y).intercept_ == 0


def test_probabilities_are_the_logistic_function_of_the_score(two_clouds):
    X, y = two_clouds
    model = LogisticRegression().fit(X, y)
    p = model.predict_proba(1e4 * X)
    np.testing.assert_allclose(p.sum(1), 1)
    assert np.isfinite(p).all()
    np.testing.assert_allclose(
        np.log(model.predict_proba(X)[:, 1] / model.predict_proba(X)[:, 0]), model.decision_function(X), atol=1e-12
    )


def test_tensors_and_frames_are_taken(two_clouds):
    import pandas as pd
    import polars as pl

    X, y = two_clouds
    expected = SVM().fit(X, y).coef_
    for table in (pd.DataFrame(X, columns=["a", "b"]), pl.DataFrame(X, schema=["a", "b"]), sg.tensor(X, "float64")):
        np.testing.assert_array_equal(SVM().fit(table, list(y)).coef_, expected)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_columns_of_frames_are_known_by_name(two_clouds, library):
    frames = pytest.importorskip(library)
    X, y = two_clouds
    names = [f"x{i}" for i in range(X.shape[1])]
    columns = dict(zip(names, X.T, strict=True))
    made = frames.table if library == "pyarrow" else frames.DataFrame
    frame = made(columns)
    model = LogisticRegression().fit(frame, y)
    assert model.feature_names_in_.tolist() == names
    np.testing.assert_array_equal(model.predict(X), model.predict(frame))
    with pytest.raises(DataError, match="in another order than those LogisticRegression was fitted with"):
        model.predict(made({name: columns[name] for name in names[::-1]}))
    with pytest.raises(DataError, match="missing: 'x0'; unknown: 'other'"):
        model.predict(made({"other" if name == "x0" else name: column for name, column in columns.items()}))
    assert not hasattr(model.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("kind", MODELS)
def test_errors_of_data(kind, two_clouds):
    X, y = two_clouds
    model = kind()
    with pytest.raises(NotFittedError, match=f"this {kind.__name__} was not fitted"):
        model.predict(X)
    for bad, error, message in [
        (X[:0], DataError, "0 samples and 2 features"),
        (X[:, :0], DataError, "40 samples and 0 features"),
        (X[:, 0], ShapeError, r"must be a table .* got shape \(40,\)"),
        (np.where(X > 2, np.nan, X), DataError, "X holds .* NaN or inf, the first at index"),
        (np.array([["a", "b"]] * 40), DataError, "X must hold numbers"),
        (X * 1e150, DataError, "too large for its square"),
    ]:
        with pytest.raises(error, match=message):
            model.fit(bad, y[: len(bad)])
    with pytest.raises(ShapeError, match=r"one value for each of the 40 samples"):
        model.fit(X, y[:-1])
    with pytest.raises(ShapeError, match=r"fitted with 2 features, got X of shape \(40, 1\)"):
        model.fit(X, y).predict(X[:, :1])
    with pytest.raises(DataError, match="y holds"):
        model.fit(X, np.where(y > 0, np.nan, 0.0))


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_other_than_two_classes(kind):
    with pytest.raises(DataError, match="two classes, got 1: 7"):
        kind().fit([[1], [2]], [7, 7])
    with pytest.raises(DataError, match="two classes, got 3: 'a', 'b', 'c'"):
        kind().fit([[1], [2], [3]], ["a", "b", "c"])
    with pytest.raises(DataError, match="classes that cannot be sorted"):
        kind().fit([[1], [2]], np.array([None, "a"], object))


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        (SVM, {"C": 0}, "C of SVM needs to be a positive number, got 0"),
        (SVM, {"solver": "sdca"}, "'interior' or 'subgradient', got 'sdca'"),
        (LogisticRegression, {"C": -1}, "C of LogisticRegression"),
        (Lasso, {"alpha": 0}, "alpha of Lasso needs to be a positive number"),
        (Huber, {"alpha": -1}, "alpha of Huber"),
        (Huber, {"delta": 0}, "delta of Huber"),
        (LeastAbsolute, {"gap": 0}, "gap of LeastAbsolute"),
        (LeastAbsolute, {"gap": 1}, "a share of the objective, below 1, got 1"),
        (LeastAbsolute, {"max_iter": 0}, "max_iter of LeastAbsolute"),
    ],
)
def test_errors_of_parameters(kind, params, message):
    with pytest.raises(ArgumentError, match=message):
        kind(**params)
    model = kind()
    with pytest.raises(ArgumentError, match=message):
        model.set_params(**params)
    assert model.get_params() == kind().get_params()


def test_an_unknown_parameter():
    with pytest.raises(ArgumentError, match="Lasso has no parameter beta, it has alpha, fit_intercept"):
        Lasso().set_params(beta=1)


def test_progress_goes_to_standard_error(capsys, two_clouds):
    model = SVM(verbose=True).fit(*two_clouds)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == model.n_iter_
    assert lines[-1] == (
        f"epoch {model.n_iter_}: objective {model.objective_:.6g}, bound {model.bound_:.6g}, gap {model.gap_:.2g}"
    )


def test_a_gap_that_is_not_reached_is_a_warning(two_clouds):
    with pytest.warns(GapWarning, match="after 1 epochs, more than 0.0001"):
        LogisticRegression(max_iter=1).fit(*two_clouds)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LogisticRegression(max_iter=100).fit(*two_clouds)
