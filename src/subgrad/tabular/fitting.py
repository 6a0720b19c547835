"""From a table to a trained model, in one call."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

from subgrad import validators
from subgrad.calibration import Calibrated, Decision
from subgrad.data import Table, drop_unlabelled
from subgrad.data.formats import NumberFormat
from subgrad.data.task import Task
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.fit import options
from subgrad.fit.callbacks.callback import functions
from subgrad.fit.history import History
from subgrad.io.terminal import waiting
from subgrad.metrics import Metric, for_task, get
from subgrad.tabular.cross_fitting import Run, train
from subgrad.tabular.defaults import Effort, Settings, settings_for
from subgrad.tabular.folds import balanced_folds
from subgrad.tabular.held_out import OutOfFold
from subgrad.tabular.network import TabularNetwork
from subgrad.tabular.number_scale import Scale, scales_for
from subgrad.tabular.preparation import TabularPreparation
from subgrad.tabular.quantile_levels import MEDIAN, checked, learnt, pinball
from subgrad.tabular.tabular_model import TabularModel, as_table, combined
from subgrad.tabular.temperature import of_all_members, temperature_for

USUAL = {"classification": "log_loss", "regression": "root_mean_squared_error"}
"""The metric by which the best moment is chosen, if nobody says."""


def fit_tabular(
    table: Any,
    target: str,
    *,
    task: Task | None = None,
    effort: Effort = "normal",
    seed: int = 0,
    weights: Any = None,
    metric: str | None = None,
    balance: bool = False,
    quantiles: Iterable[float] | None = None,
    keep: Collection[str] = (),
    settings: Settings | None = None,
    verbose: bool | None = None,
    callbacks: Iterable[Callable[[History], Any]] = (),
    max_seconds: float | None = None,
) -> TabularModel:
    """Learn to predict a column of a table from the others.

    A cross-fitted ensemble: the rows are parted into folds, and each network is trained without one of them. What it
    answers for that fold is what it would answer for new rows; by these answers the best moment of the run is chosen,
    probabilities are calibrated, and the reported scores are computed. So no rows need to be set aside. The moment is
    that of the best probabilities once they are calibrated (Berta et al. 2025, arXiv 2501.19195): networks that are too
    sure of themselves may have learnt more than those before that were not.

    The same seed gives the same model, on any number of runs, unless ``max_seconds`` or Ctrl-C ends one: then the best
    so far is kept.

    Args:
        table: a `subgrad.data.Table`, a frame of pandas or polars, or columns by name.
        target: the column to predict. Rows in which it is missing are left out.
        task: ``"classification"`` or ``"regression"``; None decides by the column, see `subgrad.data.infer_task`.
        effort: ``"quick"``, ``"normal"`` or ``"best"``: about 2, 10 and 180 seconds for 10,000 rows on two cores.
        seed: of initial values, folds, the order of the rows and dropout.
        weights: (n,) how much each row of the table counts; not negative.
        metric: by what the best moment is chosen, by its name in `subgrad.metrics`; log loss or the root mean squared
            error if it is None.
        balance: whether rare classes are to count as much as frequent ones: which class `TabularModel.predict` answers
            is decided for the best balanced accuracy on rows that were held out. Probabilities stay what they are.
        quantiles: shares such as ``[0.1, 0.9]``, whose quantiles are learnt in the place of the mean of a number, by
            their pinball loss: `TabularModel.predict_quantiles` gives them, and ``predict`` the median.
        keep: columns that are used although they look like row numbers or identifiers.
        settings: how the networks are made and trained, in the place of those of the effort.
        verbose: whether to show progress; None does on a terminal.
        callbacks: functions of the learning curve, called after each look at the held-out rows; an answer of True ends
            the run.
        max_seconds: after which the run ends.

    Raises:
        ArgumentError: for an argument that is not what is said above.
        DataError: if the table has no such column, fewer than two rows with a target, one value only in it, or no
            column to learn from; for ``balance`` if the target is a number, and for ``quantiles`` if it is a class.
        ShapeError: for weights of another length.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> x = np.linspace(-2, 2, 200)
        >>> model = sg.tabular.fit_tabular({"x": x, "y": np.abs(x)}, "y", effort="quick")
        >>> model.task, model.scores["r2"] > 0.98
        ('regression', True)
        >>> model.predict({"x": [-1.0, 1.5]}).round(1)
        array([1. , 1.5])
    """
    start = time.perf_counter()
    own = settings_for(effort) if settings is None else settings
    if not isinstance(own, Settings):
        raise ArgumentError(f"settings are subgrad.tabular.Settings, got {validators.shown(settings)}")
    seed, calls, asked = options.seed(seed), functions(callbacks), checked(quantiles)
    most = np.inf if max_seconds is None else validators.duration("max_seconds", max_seconds)
    levels = learnt(asked)
    if levels and metric is not None:
        raise ArgumentError(f"quantiles are chosen by their pinball loss, without a metric, got {metric!r}")
    whole, target = as_table(table), str(target)  # as the columns of a frame are called, which may be numbers
    known, rows, given = _labelled(whole, target, weights)
    with waiting("preparing", verbose):
        preparation = TabularPreparation().fit(known, target, task, keep)
        numbers = preparation.task == "regression"
        x, y = preparation.transform(known), known[target] if numbers else preparation.target(known)
    if balance and numbers:
        raise DataError(f"balance is for classes, and '{target}' is numbers")
    if levels and not numbers:
        raise DataError(f"quantiles are of numbers, and '{target}' is classes")
    usual = get(USUAL[preparation.task])
    measured = for_task(preparation.task, [usual.name if metric is None else metric])[0]
    folds = min(own.folds, len(y))
    parts = balanced_folds(y, folds, seed)

    def prepared(scale: Scale | None) -> Run:
        """A run for the target on a scale."""

        def judge(scores: np.ndarray) -> tuple[float, float]:
            answers = combined(scores, corrected(scores, scale), suited(scores), levels)
            if levels:
                return pinball(y, answers, levels, given), 0.0
            value = _value(measured, y, answers, given)
            loss = value if measured is usual else _value(usual, y, answers, given)
            return (-value if measured.larger_is_better else value), loss

        targets = y if scale is None else scale.encode(y)
        data = [x, targets, *([] if given is None else [given])]
        net = TabularNetwork(
            *preparation.layout, outputs=len(preparation.classes) or len(levels) or 1, members=folds * own.copies,
            hidden=own.hidden, activation=own.activation, waves=own.waves, wave_features=own.wave_features,
            bins=own.bins, bin_features=own.bin_features, dropout=own.dropout, seed=seed,
        )  # fmt: skip
        return Run(net, data, parts, own, seed, judge, levels)

    def corrected(scores: np.ndarray, scale: Scale | None) -> Scale | None:
        """With what makes up for the mean of a logarithm; quantiles of one are those of the number."""
        return scale if scale is None or levels else scale.corrected(y, combined(scores, scale, 1.0), given)

    def suited(scores: np.ndarray) -> float:
        """The temperature that suits each member alone, also while a moment is judged; none is needed for numbers."""
        return 1.0 if numbers else temperature_for(scores.mean(0), y, given)

    scales = scales_for(y) if numbers else [None]
    runs = [prepared(scale) for scale in scales]
    run = train(runs, verbose, calls, most)
    scores, scale = run.best.scores, scales[runs.index(run)]
    scale = corrected(scores, scale)
    temperature = suited(scores)
    answers = combined(scores, scale, temperature, levels)
    beside, quantile_answers = {}, None
    if levels:
        beside = {"pinball_loss": pinball(y, answers, levels, given)}
        quantile_answers, answers = answers, answers[:, levels.index(MEDIAN)]
    found = {m.name: _value(m, y, answers, given) for m in for_task(preparation.task)} | beside
    held_out = OutOfFold(rows, y, answers, given, quantile_answers)
    record = {
        "rows": len(y), "columns": len(preparation.columns), "features": x.shape[1], "folds": folds,
        "effort": effort if settings is None else "own settings", "seed": seed,
        "metric": "pinball_loss" if levels else measured.name,
        "seconds": time.perf_counter() - start, "settings": dataclasses.asdict(own),
    }  # fmt: skip
    if asked:
        record["quantiles"] = list(asked)
    if balance:
        record["calibrated"] = Calibrated(Decision.fit(y, answers, given)).to_plain()
    return TabularModel(
        preparation, run.net, own, scale=scale, temperature=of_all_members(temperature, len(y)), history=run.history,
        scores=found, out_of_fold=held_out, errors=held_out.calibration(seed), record=record,
        scorer=run.scorer,
    )  # fmt: skip


def _value(metric: Metric, y: np.ndarray, answers: np.ndarray, weights: np.ndarray | None) -> float:
    """A metric of the answers of members, as `subgrad.tabular.TabularModel.answers` gives them."""
    if metric.takes == "classes":
        return metric(y, answers.argmax(1), weights, classes=answers.shape[1])
    return metric(y, answers, weights)


def _numbers(weights: Any) -> np.ndarray:
    try:
        return np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"weights are numbers, got {type(weights).__name__}") from None


def _labelled(table: Table, target: str, weights: Any) -> tuple[Table, np.ndarray, np.ndarray | None]:
    """The rows whose target is known, their numbers in the table, and their weights of mean 1."""
    table.require([target])
    series, how = table.series(target), table.format(target)
    known = np.isfinite(how.read(series)) if isinstance(how, NumberFormat) else series.is_not_null().to_numpy()
    given = None
    if weights is not None:
        given = _numbers(weights)
        if given.shape != (table.rows,):
            raise ShapeError(f"weights are one number for each of {table.rows:,} rows, got the shape {given.shape}")
        if not np.isfinite(given).all() or (given < 0).any():
            raise DataError("weights are finite and not negative")
        known = known & (given > 0)
        if not known.any():
            raise DataError("all weights are 0, or their rows have no target")
        given = (given[known] / given[known].mean()).astype(np.float32)
    rows = np.flatnonzero(known)
    if len(rows) < 2:
        drop_unlabelled(table, target)
        raise DataError(f"to learn takes at least 2 rows with a target '{target}', got {len(rows)}")
    return (table if len(rows) == table.rows else table.take(rows)), rows, given


__all__ = ["fit_tabular"]
