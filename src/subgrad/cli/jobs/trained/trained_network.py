"""A network of the user's own making, trained by `subgrad.fit`, and its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import RenderableType

from subgrad import io
from subgrad.cli.jobs import scores
from subgrad.cli.jobs.pixels import Pixels
from subgrad.cli.jobs.source import Preparation
from subgrad.cli.jobs.trained.regions import Spans
from subgrad.cli.jobs.trained.trained_model import Reply, Trained, numbers, test_line
from subgrad.data import TablePreprocessor
from subgrad.errors import DataError, FileError
from subgrad.fit import History, predict
from subgrad.nn import Module
from subgrad.validators import typed


@dataclass(frozen=True)
class TrainedNetwork(Trained):
    """A `Trained` model that is one network.

    Attributes:
        model: the network.
        loss: by name.
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
    def load(cls, path: Path) -> TrainedNetwork:
        """Read what `save` wrote; `FileError` if it is anything else."""
        model, info = io.load_module(path), io.read_info(path)
        try:
            if info["loss"] not in scores.LOSSES:
                raise FileError(f"{path} was trained with a loss that is not known here: {info['loss']!r}")
            return typed(cls(model, _from_plain(info["preprocessing"]), info["loss"], info["training"]))
        except (KeyError, TypeError, ValueError):
            raise FileError(
                f"{path} is a network without the preparation of its inputs; `subgrad train` saves both"
            ) from None

    def scores(self, X: np.ndarray) -> np.ndarray:
        """What the network gives for features (n, d): (n, k)."""
        return predict(self.model, X)

    def reply(self, X: np.ndarray) -> Reply:
        found = self.scores(X)
        if self.task == "regression":
            return self._of_quantiles(found) if self.quantiles else self.of_numbers(self._in_unit(found[:, 0]))
        chances = scores.probabilities(self.loss, found)
        if chances is None:  # what hinge gives is no probability, but a signed distance
            return Reply(scores.decided(self.loss, found), score=found[:, 0])
        return self.of_chances(chances)

    @property
    def stopped(self) -> str:
        return self.record["run"]["stopped"]

    @property
    def history(self) -> History:
        return History(list(self.record["run"].get("curve", [])), self.stopped)

    @property
    def quantiles(self) -> list[float]:
        """Which quantiles the scores are; empty if they are none."""
        return self.record.get("quantiles", [])

    def _of_quantiles(self, found: np.ndarray) -> Reply:
        """The middle one is the answer. They are put in order: each was learnt for itself, and two may cross."""
        values = self._in_unit(np.sort(found, axis=1))
        middle = int(np.argmin(np.abs(np.array(self.quantiles) - 0.5)))
        return Reply(values[:, middle], spans=Spans(quantiles=dict(zip(self.quantiles, values.T, strict=True))))

    def _in_unit(self, values: np.ndarray) -> np.ndarray:
        return self.preparation.restore_target(values)

    def about_training(self) -> list[str]:
        record = self.record
        parts = ", ".join(f"{count:,} for {part}" for part, count in record["rows"].items() if count)
        return [
            f"{record['data']}: {parts}",
            f"{record['network']}; {record['method']}; seed {record['seed']}",
            run_line(record["run"]),
            *self.calibrated.describe(self.classes),
            test_line(record),
            *([robust_line(record["robust"])] if "robust" in record else []),
        ]

    def layers(self) -> RenderableType:
        return self.model.summary((1, len(self.preparation.feature_names)))


def run_line(run: dict[str, Any]) -> str:
    """How many epochs there were, which one was kept, and its numbers."""
    why = f" ({run['stopped']})" if run["stopped"] != "finished" else ""
    kept = f"; epoch {run['kept']} was best" if run["kept"] < run["epochs"] else ""
    return f"{run['epochs']} epochs in {run['seconds']:.1f} s{why}{kept}: {numbers(run['numbers'])}"


def robust_line(found: dict[str, Any]) -> str:
    """How often the network is right where pixels move.

    >>> robust_line({"epsilon": 0.02, "accuracy": 0.96, "pgd_accuracy": 0.95, "verified_accuracy": 0.9425})
    'Pixels off by up to 0.02: verified accuracy 0.9425, under attack (PGD) 0.95, of the images as they are 0.96'
    """
    return (
        f"Pixels off by up to {found['epsilon']:g}: verified accuracy {found['verified_accuracy']:.4g}, under attack "
        f"(PGD) {found['pgd_accuracy']:.4g}, of the images as they are {found['accuracy']:.4g}"
    )


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


__all__ = ["TrainedNetwork", "robust_line", "run_line"]
