"""What is compared, each as a function from (train, test, target, classes) to answers: probabilities or numbers."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np


def subgrad(
    changes: str, train: Any, test: Any, target: str, classes: list[Any] | None, seed: int = 0
) -> tuple[np.ndarray, Any]:
    """This package, with an effort and changes of its settings, as in ``normal hidden=(64,64) lr=0.02``."""
    from subgrad.tabular import fit_tabular, settings_for

    effort, *rest = changes.split()
    own = settings_for(effort).but(**{k: _value(v) for k, v in (part.split("=") for part in rest)})
    task = "regression" if classes is None else "classification"
    model = fit_tabular(train, target, task=task, settings=own, seed=seed)
    return (model.predict(test) if classes is None else model.predict_proba(test)), model


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except ValueError:
        return text


def catboost(train: Any, test: Any, target: str, classes: list[Any] | None) -> np.ndarray:
    """CatBoost's defaults, told which columns are categories."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    x, z = train.drop(columns=[target]).copy(), test.drop(columns=[target]).copy()
    categories = [c for c in x.columns if x[c].dtype.kind not in "fiub"]
    for c in categories:
        x[c], z[c] = (part[c].astype(object).where(part[c].notna(), "missing").astype(str) for part in (x, z))
    kind = CatBoostRegressor if classes is None else CatBoostClassifier
    model = kind(verbose=0, thread_count=2, random_seed=0, cat_features=categories, allow_writing_files=False)
    return _answers(model.fit(x, train[target]), z, classes)


def lightgbm(train: Any, test: Any, target: str, classes: list[Any] | None) -> np.ndarray:
    """LightGBM's defaults, told which columns are categories."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    x, z, _ = _with_categories(train, test, target)
    x.columns = z.columns = [f"c{i}" for i in range(x.shape[1])]
    kind = LGBMRegressor if classes is None else LGBMClassifier
    return _answers(kind(verbose=-1, n_jobs=2, random_state=0).fit(x, train[target]), z, classes)


def hgb(train: Any, test: Any, target: str, classes: list[Any] | None) -> np.ndarray:
    """scikit-learn's histogram gradient boosting with its defaults; categories are numbers in their order."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.preprocessing import OrdinalEncoder

    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    kind = HistGradientBoostingRegressor if classes is None else HistGradientBoostingClassifier
    prepare = make_column_transformer((encoder, _categories(train, target)), remainder="passthrough")
    return _piped(prepare, kind(random_state=0), train, test, target, classes)


def mlp(train: Any, test: Any, target: str, classes: list[Any] | None) -> np.ndarray:
    """scikit-learn's network with early stopping, numbers standardised, categories as columns of 0 and 1."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categories = _categories(train, target)
    numbers = [c for c in train.columns if c not in (*categories, target)]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepare = make_column_transformer((make_pipeline(SimpleImputer(), StandardScaler()), numbers),
                                      (one_hot, categories))  # fmt: skip
    kind = MLPRegressor if classes is None else MLPClassifier
    return _piped(prepare, kind(random_state=0, early_stopping=True), train, test, target, classes)


def realmlp(train: Any, test: Any, target: str, classes: list[Any] | None) -> np.ndarray:
    """RealMLP-TD-S of the package pytabkit."""
    return _pytabkit("RealMLP_TD_S", train, test, target, classes)


def tabm(train: Any, test: Any, target: str, classes: list[Any] | None) -> np.ndarray:
    """TabM-D of the package pytabkit."""
    return _pytabkit("TabM_D", train, test, target, classes)


def _pytabkit(name: str, train: Any, test: Any, target: str, classes: list[Any] | None) -> np.ndarray:
    import pytabkit
    import torch

    torch.set_num_threads(2)
    x, z, categories = _with_categories(train, test, target)
    for c in set(x.columns) - set(categories):
        middle = x[c].median()
        x[c], z[c] = x[c].astype(float).fillna(middle), z[c].astype(float).fillna(middle)
    kind = getattr(pytabkit, f"{name}_{'Regressor' if classes is None else 'Classifier'}")
    model = kind(device="cpu", random_state=0, verbosity=0)
    model.fit(x, train[target], cat_col_names=categories)
    return _answers(model, z, classes)


def _categories(train: Any, target: str) -> list[str]:
    return [c for c in train.columns if c != target and train[c].dtype.kind not in "fiub"]


def _with_categories(train: Any, test: Any, target: str) -> tuple[Any, Any, list[str]]:
    """Features to train on and to test on, whose categories have pandas' dtype, and the names of these."""
    import pandas as pd

    x, z = train.drop(columns=[target]).copy(), test.drop(columns=[target]).copy()
    for c in (categories := _categories(train, target)):
        texts = [part[c].astype(object).where(part[c].notna(), "missing").astype(str) for part in (x, z)]
        kinds = pd.CategoricalDtype(sorted(set(texts[0])))
        x[c], z[c] = (text.astype(kinds) for text in texts)
    return x, z, categories


def _piped(prepare: Any, model: Any, train: Any, test: Any, target: str, classes: list[Any] | None) -> np.ndarray:
    """Numbers are learnt in units of their deviation."""
    from sklearn.pipeline import make_pipeline

    y = train[target]
    mean, deviation = (0.0, 1.0) if classes is not None else (y.mean(), y.std())
    fitted = make_pipeline(prepare, model).fit(
        train.drop(columns=[target]), y if classes is not None else (y - mean) / deviation
    )
    found = _answers(fitted, test.drop(columns=[target]), classes)
    return found if classes is not None else found * deviation + mean


def _answers(model: Any, x: Any, classes: list[Any] | None) -> np.ndarray:
    if classes is None:
        return np.asarray(model.predict(x), np.float64)
    known = list(model.classes_)
    return np.asarray(model.predict_proba(x))[:, [known.index(c) for c in classes]]


def loss(y: np.ndarray, answers: np.ndarray, classes: list[Any] | None) -> float:
    """Log loss, or the root of the mean squared error over the deviation of the targets."""
    if classes is None:
        return float(np.sqrt(np.mean((answers - y) ** 2)) / np.std(y))
    p = np.clip(answers, 1e-7, 1)
    p = p / p.sum(1, keepdims=True)
    return float(-np.mean(np.log(p[np.arange(len(y)), [classes.index(v) for v in y]])))


PEERS = {own.__name__: own for own in (catboost, lightgbm, hgb, mlp, realmlp, tabm)}

__all__ = ["PEERS", "loss", "subgrad"]
