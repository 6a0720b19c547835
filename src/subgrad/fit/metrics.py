"""Metrics by name: functions of outputs and targets that return the mean over a batch.

What a run reports is the mean over all samples, however they are batched. Metrics of `subgrad.metrics`, such as
``"roc_auc"`` and ``"f1"``, are no means: they are measured after an epoch, of all samples at once, in evaluation mode.
`accuracy` leaves out the labels that the loss ignores. Weights of samples and classes belong to the loss; metrics count
every sample once.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from subgrad.errors import ArgumentError, ShapeError
from subgrad.fit.arrays import Part
from subgrad.fit.measuring.all_rows import OfAllRows
from subgrad.fit.measuring.labels import Labels, compared, labels_of, unknown
from subgrad.fit.several.batch_form import Keys, described
from subgrad.fit.several.several_outputs import of_output, pieces, plain
from subgrad.fit.step import Seen
from subgrad.graph.dtype import default_dtype, int64
from subgrad.graph.tensor import Tensor
from subgrad.metrics import table
from subgrad.nn import loss as losses
from subgrad.nn import loss_reduction
from subgrad.ops import arange, expand_dims, take_along_axis, where

Metric = Callable[..., Any]


def accuracy(f: Tensor, y: Tensor, labels: Labels | None = None) -> Tensor:
    """The share of samples classified right; of labels, if a sample has several.

    What y means follows from all of y:

    - a number from 0 on for each row of C > 1 scores: right if that score is the largest;
    - as many columns as scores, of which one is 1 and the others 0 or -1, or probabilities: right if score and target
      are largest in the same column;
    - -1 and +1 for each score: right if the sign is;
    - 0 and 1, or truth values, for each score: right if the score is nearer to that label than to the other, so if it
      lies on the same side of 1/2.

    Args:
        f: scores: (n, C), (n, 1) or (n,).
        y: (n,), (n, 1) or (n, C) of any dtype.
        labels: what y means, if that is known already.

    Raises:
        ShapeError: if f and y do not fit together.
        DataError: if y holds other numbers, or if 1 is all it holds: that may be one of 0 and 1 or of -1 and +1. (With
            a loss of labels -1 and +1 a training run knows.)
        NotTraceableError: if the values of y decide, and it has none yet.

    Example:
        >>> import subgrad as sg
        >>> float(accuracy(sg.tensor([[2.0, 1.0], [0.0, 3.0]]), sg.tensor([0, 0])))
        0.5
        >>> float(accuracy(sg.tensor([0.3, -0.2]), sg.tensor([-1, -1])))
        0.5
        >>> float(accuracy(sg.tensor([0.3, 0.2]), sg.tensor([0, 1])))
        0.5
    """
    if labels is None:
        values = loss_reduction.known(y)
        labels = unknown(f, y) if values is None else labels_of(f.shape, [values], signs=False, ignored=())
    right, counts = compared(f, y, labels)
    right = right.astype(f.dtype if f.dtype.kind == "f" else default_dtype())
    return right.mean() if counts is None else loss_reduction.reduced(right, counts, None, "mean")


def mean_squared_error(f: Tensor, y: Tensor) -> Tensor:
    """The mean of (f - y)^2; `ShapeError` unless both have one shape."""
    f, y = loss_reduction.numbers("mean_squared_error", f, y)
    return ((f - y) ** 2).mean()


def mean_absolute_error(f: Tensor, y: Tensor) -> Tensor:
    """The mean of |f - y|; `ShapeError` unless both have one shape."""
    f, y = loss_reduction.numbers("mean_absolute_error", f, y)
    return abs(f - y).mean()


def top_k_accuracy(f: Tensor, y: Tensor, k: int = 5) -> Tensor:
    """The share of rows whose class is among the k largest scores; of equal scores the first is the larger, as for
    `accuracy`, so that a network which tells nothing apart is not praised.

    Args:
        f: scores (..., C).
        y: classes (...), or one column of C that is 1.
        k: how many.

    Raises:
        ArgumentError: if there are fewer than k classes.
        ShapeError: if f and y do not fit together.

    Example:
        >>> import subgrad as sg
        >>> float(top_k_accuracy(sg.tensor([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]), sg.tensor([1, 2]), k=2))
        0.5
    """
    if f.ndim < 2 or f.shape[-1] < 2 or y.shape not in (f.shape, f.shape[:-1]):
        raise ShapeError(f"top_k_accuracy compares classes with scores (n, C), got shapes {f.shape} and {y.shape}")
    if k > f.shape[-1]:
        raise ArgumentError(f"there are {f.shape[-1]} classes, of which every one is among the {k} largest")
    classes = y.argmax(-1) if y.shape == f.shape else y
    place = expand_dims(classes.astype(int64), f.ndim - 1)
    own = take_along_axis(f, place, -1)
    tied = (f == own).astype(f.dtype) * (arange(f.shape[-1]) < place).astype(f.dtype)
    ahead = where(f <= own, tied, 1)  # and what is NaN is ahead of all
    return (ahead.sum(-1) < k).astype(f.dtype).mean()


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "mean_squared_error": mean_squared_error,
    "mse": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "mae": mean_absolute_error,
}


def resolve(metrics: Any, targets: Keys = None) -> dict[str, Metric]:
    """Metrics by name; functions of your own keep theirs.

    Args:
        metrics: names and functions; for several outputs a dict that has them by the output's key, and functions of
            your own, without a key, get all outputs and targets.
        targets: the keys of several outputs.

    Raises `ArgumentError` for what is no metric, lists the names if one is unknown, and refuses two of one name.
    """
    if not isinstance(metrics, Mapping):
        found = _by_name(metrics)
        ours = [name for name, f in found.items() if targets is not None and _is_ours(f)]
        if ours:
            raise ArgumentError(f"{ours[0]} is a metric of one output: name it, as in metrics={{{targets[0]!r}: "  # pyright: ignore
                                f"[{ours[0]!r}]}}")  # fmt: skip
        return found
    found = {}
    for key, of_one in metrics.items():
        if key not in (targets or ()):
            raise ArgumentError(f"there are metrics of the output {key!r}, and y holds {described(targets)}")
        found |= {f"{key}_{name}": _of_key(key, f) for name, f in _by_name(of_one).items()}
    return found


def _of_key(key: Any, f: Metric) -> Metric:
    return dataclasses.replace(f, key=key) if isinstance(f, OfAllRows) else functools.partial(of_output, key, f)


def _is_ours(f: Metric) -> bool:
    return isinstance(f, OfAllRows) or f in METRICS.values() or getattr(f, "func", None) is top_k_accuracy


def _named(name: str) -> Metric | None:
    """The metric of that name: a mean over samples, or one of all samples at once."""
    if name in METRICS:
        return METRICS[name]
    if found := re.fullmatch(r"top_([1-9]\d*)_accuracy", name):
        return functools.partial(top_k_accuracy, k=int(found[1]))
    return OfAllRows(table.ALIASES.get(name, name)) if name in (*table.TABLE, *table.ALIASES) else None


def _by_name(metrics: str | Metric | Iterable[str | Metric]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for metric in _each(metrics):
        name, f = (metric, _named(metric)) if isinstance(metric, str) else (_name_of(metric), metric)
        if not callable(f):
            known = ", ".join(dict.fromkeys([*METRICS, *table.TABLE, *table.ALIASES, "top_5_accuracy"]))
            raise ArgumentError(f"unknown metric {metric!r}: expected a function or one of {known}"
                                f"{_meant(metric)}")  # fmt: skip
        if name in ("loss", "seconds") or name.startswith("validation_"):
            raise ArgumentError(f"a metric cannot be called {name!r}, as the history means something else by it")
        if found.get(name, f) != f:
            raise ArgumentError(f"two metrics are called {name!r}: give them names of their own, with def")
        found[name] = f
    return found


def _meant(name: Any) -> str:
    """What to say of a name that is none: sklearn's `f1_score` is `f1`, and nearly right names have a neighbour."""
    known = [*METRICS, *table.TABLE, *table.ALIASES]
    plain = str(name).lower().removesuffix("_score")
    plain = {"auc": "roc_auc", "auroc": "roc_auc", "mcc": "matthews_correlation"}.get(plain, plain)
    near = [plain] if plain in known else difflib.get_close_matches(plain, known, 1, 0.75)
    return f"; did you mean {near[0]!r}?" if near else ""


def _each(metrics: str | Metric | Iterable[str | Metric]) -> Iterable[str | Metric]:
    if isinstance(metrics, str) or callable(metrics):
        return [metrics]
    if not isinstance(metrics, Iterable):
        raise ArgumentError(f"metrics are names and functions, got {metrics!r}")
    return metrics


def _name_of(metric: Metric) -> str:
    while isinstance(metric, functools.partial):
        metric = metric.func
    return getattr(metric, "__name__", "metric")


def knowing(
    metrics: dict[str, Metric], seen: dict[Any, Seen], sets: Sequence[Part], loss: Callable[..., Tensor]
) -> dict[str, Metric]:
    """The metrics, of which those of classes know what labels mean: from all targets, and from what the loss said.

    Args:
        metrics: as `resolve` makes them.
        seen: what was seen of each output.
        sets: all data.
        loss: what is minimised.
    """
    return {name: _knowing(metric, seen, sets, loss) for name, metric in metrics.items()}


def _knowing(metric: Metric, seen: dict[Any, Seen], sets: Sequence[Part], loss: Callable[..., Tensor]) -> Metric:
    if isinstance(metric, OfAllRows):
        if metric.metric.takes == "numbers":
            return metric
        labels = _labels(metric.key, seen, sets, metric.name)
        return dataclasses.replace(metric, labels=labels, log_odds=_log_odds(pieces(loss).get(metric.key)))
    if getattr(metric, "func", None) is of_output:
        key, f = metric.args  # pyright: ignore[reportFunctionMemberAccess]
    else:
        key, f = None, metric
    if f is not accuracy or (key is None and key not in seen):
        return metric
    informed = functools.partial(accuracy, labels=_labels(key, seen, sets))
    return informed if key is None else functools.partial(of_output, key, informed)


def _log_odds(loss: Callable[..., Tensor] | None) -> float | None:
    """How a loss makes probabilities of scores, see `OfAllRows`."""
    facts = next((facts for facts in losses.TABLE.values() if facts.function is plain(loss)), None)
    return None if facts is None else math.inf if facts.targets == "classes" else facts.log_odds


def _labels(key: Any, seen: dict[Any, Seen], sets: Sequence[Part], metric: str = "accuracy") -> Labels:
    """What the targets of an output mean."""
    if key not in seen:
        raise ArgumentError(f"the model gives no output {key!r}, but {', '.join(map(repr, seen))}"[:300])
    targets = [part.form.targets(part.arrays) for part in sets]
    of_key = targets if key is None else [y[key] for y in targets]
    known = seen[key].noted
    between = 0.0 if known.log_odds else None
    return labels_of(seen[key].shape, of_key, known.signs, known.ignored, between, metric)
