"""A trained model for tables: from a table to answers, and to and from a file."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subgrad import io
from subgrad.calibration import Calibrated
from subgrad.data import Table, is_frame, table_from_frame
from subgrad.data.target import Label
from subgrad.errors import ArgumentError, DataError, FileError
from subgrad.fit.history import History
from subgrad.metrics import TABLE
from subgrad.tabular.defaults import Settings
from subgrad.tabular.held_out import Errors, OutOfFold
from subgrad.tabular.member_programs import Scorer
from subgrad.tabular.network import TabularNetwork
from subgrad.tabular.number_scale import Scale
from subgrad.tabular.preparation import TabularPreparation
from subgrad.tabular.quantile_levels import MEDIAN, around, learnt, places_of
from subgrad.tabular.tabular_module import TabularModule
from subgrad.tabular.temperature import softmax
from subgrad.validators import level, positive, typed

BLOCK = 2**16  # rows that are answered at a time


class TabularModel:
    """An ensemble of networks for tables, with all that it takes to use it; `fit_tabular` makes one.

    Attributes:
        task: classification or regression.
        classes: the labels of the classes, sorted; empty for regression.
        target_name: the column that is predicted.
        feature_names: what each of the features holds that the columns became.
        preparation: turns tables into features, see `subgrad.data.TablePreprocessor`.
        network: the members, a module.
        settings: how they were made and trained.
        history: the learning curve: training loss and loss on rows that were held out, at each look.
        scores: by name, how good the answers to rows are that members were not trained on.
        out_of_fold: these answers; None for a model from a file.
        errors: how wrong they are, of some of the rows: what intervals and sets are calibrated by.
        record: how the model was made, as JSON can hold it.
    """

    def __init__(
        self, preparation: TabularPreparation, network: TabularNetwork, settings: Settings, *,
        scale: Scale | None, temperature: float, history: History, scores: dict[str, float],
        out_of_fold: OutOfFold | None, errors: Errors, record: dict[str, Any], scorer: Scorer | None = None,
    ) -> None:  # fmt: skip
        self.preparation, self.network, self.settings = preparation, network, settings
        self.scale, self.temperature, self.history = scale, temperature, history
        self.scores, self.out_of_fold, self.errors, self.record = scores, out_of_fold, errors, record
        self._scorer = scorer or Scorer(network)  # that of the training has its program

    task = property(lambda self: self.preparation.task)
    target_name = property(lambda self: self.preparation.target_name)
    feature_names = property(lambda self: self.preparation.feature_names)

    @property
    def classes(self) -> list[Label]:
        return self.preparation.classes

    def __repr__(self) -> str:
        what = f"{len(self.classes)} classes" if self.classes else "numbers"
        return f"TabularModel('{self.target_name}', {what}; {self.network.members} networks, {self._numbers()})"

    def predict(self, table: Any) -> np.ndarray:
        """The label of each row (n,), or its number in its unit, float64.

        The label is the most probable one, or what `calibrated` decides, of a model that was trained with ``balance``.
        The number is the median, of a model that was trained with ``quantiles``.

        Args:
            table: a `Table`, a frame of pandas or polars, or columns by name. The target need not be there.

        Raises:
            DataError: if a column is missing, or none of its values is of its kind.
        """
        answers = self.answers(self.preparation.transform(as_table(table)))
        return self.preparation.restore_target(self.calibrated.decide(answers)) if self.classes else answers

    def predict_proba(self, table: Any) -> np.ndarray:
        """The probability of each class (n, k), in the order of `classes`.

        Raises:
            ArgumentError: for regression.
            DataError: as `predict`.
        """
        if not self.classes:
            raise ArgumentError(f"'{self.target_name}' is a number: there are no probabilities; use predict")
        return self.answers(self.preparation.transform(as_table(table)))

    def predict_interval(self, table: Any, coverage: float = 0.9) -> np.ndarray:
        """The lower and the upper end of an interval around each number, (n, 2).

        It holds the true number of that share of the rows, if they are like those of the training: see
        `subgrad.calibration.Intervals`. Of a model that has learnt ``quantiles`` on both sides of the median, it lies
        around the two that are nearest: see `subgrad.calibration.QuantileIntervals`.

        Raises:
            ArgumentError: for classes, or a coverage outside (0, 1).
            DataError: if the training had too few rows, or as `predict`.

        Example:
            >>> import numpy as np, subgrad as sg
            >>> x = np.linspace(-2, 2, 100)
            >>> model = sg.tabular.fit_tabular({"x": x, "y": np.abs(x)}, "y", effort="quick")
            >>> low, high = model.predict_interval({"x": [1.0]}, coverage=0.8)[0]
            >>> bool(0.5 < low < 1 < high < 1.5)
            True
        """
        if self.classes:
            raise ArgumentError(f"'{self.target_name}' is a class, which has no interval; use predict_set")
        coverage = level("coverage", coverage)
        features, ends = self.preparation.transform(as_table(table)), around(self.quantiles, coverage)
        if ends and self.errors.quantiles is not None:
            low, high = self._all_answers(features)[:, ends].T
            found = self.errors.quantile_intervals(ends, coverage).around(low, high)
        else:
            found = self.errors.intervals(coverage).around(self.answers(features))
        return np.stack(found, axis=1)

    def predict_quantiles(self, table: Any) -> np.ndarray:
        """The quantiles of each number (n, q), in the order of `quantiles`.

        Raises:
            ArgumentError: of a model that was fitted without ``quantiles``.
            DataError: as `predict`.
        """
        if not self.quantiles:
            raise ArgumentError(f"the model has learnt no quantiles of '{self.target_name}': fit with quantiles=[...]")
        return self.quantiles_of(self.preparation.transform(as_table(table)))

    def quantiles_of(self, features: np.ndarray) -> np.ndarray:
        """As `predict_quantiles`, for features (n, d) as `preparation` makes them."""
        return self._all_answers(features)[:, list(places_of(self.quantiles))]

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The shares whose quantiles were learnt, as they were asked for; empty if the mean was."""
        return tuple(self.record.get("quantiles", ()))

    def predict_set(self, table: Any, coverage: float = 0.9) -> np.ndarray:
        """Which of the classes may be right, truth values (n, k), in the order of `classes`.

        The right one is among them in that share of the rows, if they are like those of the training: see
        `subgrad.calibration.PredictionSets`.

        Raises:
            ArgumentError: for regression, or a coverage outside (0, 1).
            DataError: if the training had too few rows, or as `predict`.
        """
        if not self.classes:
            raise ArgumentError(f"'{self.target_name}' is a number, which has no set of classes; use predict_interval")
        return self.errors.sets(coverage).of(self.predict_proba(table))

    @property
    def calibrated(self) -> Calibrated:
        """What was decided and calibrated after the training, as it was asked for."""
        return Calibrated.from_record(self.record)

    def answers(self, features: np.ndarray) -> np.ndarray:
        """For features (n, d) as `preparation` makes them: probabilities (n, k), or numbers (n,) in their unit."""
        found = self._all_answers(features)
        return found[:, learnt(self.quantiles).index(MEDIAN)] if self.quantiles else found

    def _all_answers(self, features: np.ndarray) -> np.ndarray:
        """As `answers`, or all quantiles (n, q) that were learnt."""
        blocks = [features[i : i + BLOCK] for i in range(0, len(features), BLOCK)]
        if not blocks:
            outputs = len(self.classes) or len(learnt(self.quantiles))
            return np.empty((0, outputs) if outputs else 0)
        scores, how = map(self._scorer.of_all, blocks), (self.scale, self.temperature, self.quantiles)
        return np.concatenate([combined(of_block, *how) for of_block in scores])

    def module(self) -> TabularModule:
        """The model as a module of rows, for `subgrad.export` and `subgrad.onnx.save`; its ``example`` is one.

        Rows are float64 (n, columns): numbers as they are, 1 and 0 for true and false, a category by its place in
        ``about()``, NaN where a value is missing. Of a table with dates they are the features that
        ``preparation.transform`` makes. The answers are ``probabilities``, a ``prediction`` or ``quantiles``.

        Example:
            >>> import numpy as np, subgrad as sg
            >>> x = np.linspace(-2, 2, 60)
            >>> model = sg.tabular.fit_tabular({"x": x, "y": np.abs(x)}, "y", effort="quick")
            >>> answer = model.module()(sg.tensor([[1.0]], dtype="float64"))
            >>> bool(abs(answer["prediction"].item() - model.predict({"x": [1.0]})[0]) < 1e-4)
            True
        """
        return TabularModule(self).eval()

    def describe(self) -> list[str]:
        """What was done to the table, how the networks were trained and how good they are, a sentence each."""
        return [*self.preparation.describe(), *self.about_training(), *self.calibrated.describe(self.classes)]

    def about_training(self) -> list[str]:
        """How the networks were trained and how good they are, a sentence each."""
        own, net = self.settings, self.network
        layers = "-".join(map(str, own.hidden))
        found = [
            f"{net.members} networks with hidden layers {layers} were trained side by side, each without one of "
            f"{self.record['folds']} parts of the rows, on which it was tested: {self._numbers()}.",
            f"Of {len(self.history)} looks the best was number {self.history.best_epoch}; the run took "
            f"{self.record['seconds']:.1f} s ({self.history.stopped}).",
        ]
        if self.scale is not None and self.scale.log:
            found.append(f"They learnt the logarithm of '{self.target_name}', which predicted it better.")
        if self.quantiles:
            levels = ", ".join(f"{q:g}" for q in self.quantiles)
            found.append(f"They learnt quantiles of '{self.target_name}': {levels}; the answer is the median.")
        return found

    def _numbers(self) -> str:
        names = ("log_loss", "accuracy", "roc_auc", "root_mean_squared_error", "r2")
        return ", ".join(f"{TABLE[name].words} {self.scores[name]:.4g}" for name in names if name in self.scores)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file, atomically; nothing in it is code. The answers `out_of_fold` are not in it.

        Raises:
            FileError: if the file cannot be written.
        """
        info = {
            "kind": "tabular",
            "task": self.task,
            "preprocessing": json.loads(self.preparation.to_json()),
            "settings": dataclasses.asdict(self.settings),
            "scale": None if self.scale is None else dataclasses.asdict(self.scale),
            "temperature": self.temperature,
            "history": {"epochs": [_finite(row) for row in self.history.epochs], "stopped": self.history.stopped},
            "scores": _finite(self.scores),
            "errors": self.errors.to_plain(),
            "training": self.record,
        }
        io.save(self.network, path, info)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TabularModel:
        """Read what `save` wrote.

        Raises:
            FileError: if there is no such file, it is damaged, or it holds something else.
        """
        info = io.read_info(path)
        if info.get("kind") != "tabular":
            raise FileError(f"{path} holds no model for tables")
        network = io.load_module(path, [TabularNetwork])
        try:
            assert isinstance(network, TabularNetwork)
            assert isinstance(info["training"], dict)
            assert isinstance(info["scores"], dict)
            settings = info["settings"]
            return cls(
                TabularPreparation.from_json(json.dumps(info["preprocessing"])),
                network,
                Settings(**{**settings, "hidden": tuple(settings["hidden"])}),
                scale=None if info["scale"] is None else typed(Scale(**info["scale"])),
                temperature=positive("the temperature", info["temperature"]),
                history=typed(History(**info["history"])),
                scores=info["scores"],
                out_of_fold=None,
                errors=Errors.from_plain(info["errors"]),
                record=info["training"],
            )
        except (KeyError, TypeError, ValueError, AttributeError, AssertionError, DataError) as error:
            raise FileError(f"{path} is damaged: it does not describe a model for tables: {error!r}"[:400]) from None

    def __getstate__(self) -> dict[str, Any]:
        """All but machine code."""
        return {name: value for name, value in vars(self).items() if name != "_scorer"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._scorer = Scorer(self.network)


def combined(
    scores: np.ndarray, scale: Scale | None, temperature: float, quantiles: Sequence[float] = ()
) -> np.ndarray:
    """The answers that the scores of members (members, n, outputs) amount to: probabilities (n, outputs), numbers (n,),
    or quantiles (n, outputs), which are in order.
    """
    if scale is not None:
        found = np.sort(scale.decode(scores.astype(np.float64)).mean(0))
        return found if quantiles else found[:, 0]
    return softmax(scores.mean(0, dtype=np.float64) / temperature)


def as_table(data: Any) -> Table:
    """A table of what may stand for one: a `Table`, a frame of pandas or polars, or columns by name."""
    if isinstance(data, Table):
        return data
    if is_frame(data):
        return table_from_frame(data)
    if isinstance(data, Mapping):
        return Table(data)
    raise DataError(
        f"expected a Table, a DataFrame of pandas or polars or a dict of columns, got {type(data).__name__}"
    )


def _finite(numbers: Mapping[str, float]) -> dict[str, float]:
    """Those that JSON can hold: the precision of a class that is never answered is NaN."""
    return {name: value for name, value in numbers.items() if np.isfinite(value)}


__all__ = ["OutOfFold", "TabularModel", "as_table", "combined"]
