"""A trained network with all that it takes to use it: how to prepare a table, and what its scores mean."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subgrad import io
from subgrad.cli.jobs import scores
from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.prediction_report import Classified, Outcome, Regressed
from subgrad.cli.jobs.source import Preparation
from subgrad.data import TablePreprocessor
from subgrad.errors import DataError, FileError
from subgrad.fit import predict
from subgrad.nn import Module


@dataclass(frozen=True)
class Trained:
    """What ``subgrad train`` saves in one file.

    Attributes:
        model: the network.
        preparation: turns tables into features, and predictions into labels or numbers.
        loss: by name.
        record: how it was trained, as JSON can hold it.
    """

    model: Module
    preparation: Preparation
    loss: str
    record: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write the model file; what is not network goes into its header as JSON."""
        info = {
            "task": self.preparation.task,
            "loss": self.loss,
            "preprocessing": _to_plain(self.preparation),
            "training": self.record,
        }
        io.save(self.model, path, info)

    @classmethod
    def load(cls, path: Path) -> Trained:
        """Read what `save` wrote; `FileError` if it is anything else."""
        model, info = io.load(path), io.read_info(path)
        try:
            if info["loss"] not in scores.LOSSES:
                raise FileError(f"{path} was trained with a loss that is not known here: {info['loss']!r}")
            return cls(model, _from_plain(info["preprocessing"]), info["loss"], info["training"])
        except (KeyError, TypeError, ValueError):
            raise FileError(
                f"{path} is a network without the preparation of its inputs; `subgrad train` saves both"
            ) from None

    def scores(self, X: np.ndarray) -> np.ndarray:
        """What the network gives for features (n, d): (n, k)."""
        return predict(self.model, X)

    def judge(self, X: np.ndarray, y: np.ndarray) -> Outcome:
        """How good the answers to features (n, d) are, given encoded targets (n,)."""
        found, prepared = self.scores(X), self.preparation
        answers = scores.decided(self.loss, found)
        if prepared.task == "classification":
            frequencies, chances = self.record.get("frequencies"), scores.probabilities(self.loss, found)
            known = None if frequencies is None else np.array(frequencies, np.float64)
            return Classified(prepared.classes, y, answers, self.record["majority"], chances, known)
        truth, answers, mean = (prepared.restore_target(np.asarray(v)) for v in (y, answers, 0.0))
        return Regressed(prepared.target_name, truth, answers, float(mean))


def kind_of(path: Path) -> str | None:
    """What a model file is for: "text", "series", or the task of a table; None if it does not say."""
    task = io.read_info(path).get("task")
    return task if isinstance(task, str) else None


def training_lines(record: dict[str, Any]) -> list[str]:
    """How the network was trained and how good it was, a line each."""
    rows = record["rows"]
    parts = ", ".join(f"{count:,} for {part}" for part, count in rows.items() if count)
    return [
        f"{record['data']}: {parts}",
        f"{record['network']}; {record['method']}; seed {record['seed']}",
        run_line(record["run"]),
        f"Test: {_numbers(record['test'])}" if "test" in record else "No row was held out to test on.",
    ]


def run_line(run: dict[str, Any]) -> str:
    """How many epochs there were, which one was kept, and its numbers."""
    why = f" ({run['stopped']})" if run["stopped"] != "finished" else ""
    kept = f"; epoch {run['kept']} was best" if run["kept"] < run["epochs"] else ""
    return f"{run['epochs']} epochs in {run['seconds']:.1f} s{why}{kept}: {_numbers(run['numbers'])}"


def _numbers(numbers: dict[str, Any]) -> str:
    texts = {
        name: value if isinstance(value, int) else f"{value:.4g}"
        for name, value in numbers.items()
        if value is not None
    }
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in texts.items())


def _to_plain(preparation: Preparation) -> dict[str, Any]:
    if isinstance(preparation, Pixels):
        return {"kind": "pixels", **preparation.to_plain()}
    return {"kind": "table", **json.loads(preparation.to_json())}


def _from_plain(plain: dict[str, Any]) -> Preparation:
    if plain["kind"] == "pixels":
        return Pixels.from_plain(plain)
    if plain["kind"] == "table":
        return TablePreprocessor.from_json(json.dumps(plain))
    raise DataError(f"unknown preprocessing {plain['kind']!r}")
