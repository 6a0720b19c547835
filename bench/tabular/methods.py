"""What is compared, each as a function from (train, test, target, classes) to answers: probabilities or numbers."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np


def subgrad(changes: str, train: Any, test: Any, target: str, classes: list[Any] | None) -> tuple[np.ndarray, Any]:
    """This package, with an effort and changes of its settings, as in ``normal hidden=(64,64) lr=0.02``."""
    from subgrad.tabular import fit_tabular, settings_for

    effort, *rest = changes.split()
    own = settings_for(effort).but(**{k: _value(v) for k, v in (part.split("=") for part in rest)})
    model = fit_tabular(train, target, task="regression" if classes is None else "classification", settings=own)
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
    model.fit(x, train[target])
    if classes is None:
        return model.predict(z)
    return model.predict_proba(z)[:, [list(model.classes_).index(c) for c in classes]]


def loss(y: np.ndarray, answers: np.ndarray, classes: list[Any] | None) -> float:
    """Log loss, or the root of the mean squared error over the deviation of the targets."""
    if classes is None:
        return float(np.sqrt(np.mean((answers - y) ** 2)) / np.std(y))
    p = np.clip(answers, 1e-7, 1)
    p = p / p.sum(1, keepdims=True)
    return float(-np.mean(np.log(p[np.arange(len(y)), [classes.index(v) for v in y]])))


__all__ = ["catboost", "loss", "subgrad"]
