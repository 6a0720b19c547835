"""A model for tables with strong defaults, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rich.console import RenderableType

from subgrad import io
from subgrad.cli.jobs.source import Preparation
from subgrad.cli.jobs.trained.regions import Spans
from subgrad.cli.jobs.trained.trained_model import Reply, Trained, test_line
from subgrad.fit import History
from subgrad.tabular import TabularModel


@dataclass(frozen=True)
class TrainedTabular(Trained):
    """A `Trained` model that is a `subgrad.tabular.TabularModel`; that has the record."""

    model: TabularModel
    preparation: Preparation
    record: dict[str, Any]

    row_of_history: ClassVar[str] = "look"

    @classmethod
    def of(cls, model: TabularModel) -> TrainedTabular:
        return cls(model, model.preparation, model.record)

    def save(self, path: Path) -> None:
        self.model.save(path)

    @classmethod
    def load(cls, path: Path) -> TrainedTabular:
        """Read what `save` wrote, or what `TabularModel.save` did; `FileError` if it is anything else."""
        return cls.of(TabularModel.load(path))

    def reply(self, X: np.ndarray) -> Reply:
        if levels := self.model.quantiles:
            found = self.model.quantiles_of(X)
            return Reply(self.model.answers(X), spans=Spans(quantiles=dict(zip(levels, found.T, strict=True))))
        found = self.model.answers(X)
        return self.of_numbers(found) if self.task == "regression" else self.of_chances(found)

    def about_training(self) -> list[str]:
        data = [f"{self.record['data']}: {self.record['rows']:,} for training"] if "data" in self.record else []
        return [*data, *self.about_run(), *self.calibrated.describe(self.classes), test_line(self.record)]

    @property
    def stopped(self) -> str:
        return self.history.stopped

    @property
    def history(self) -> History:
        return self.model.history

    @property
    def validated(self) -> str:
        metric = self.record["metric"]
        return "" if metric == "log_loss" else metric.replace("_", " ")  # the loss is of standardised numbers

    def about_run(self) -> list[str]:
        """Which networks there are, and how good they are on rows that they were not trained on."""
        return self.model.about_training()

    def layers(self) -> RenderableType:
        return self.model.network.summary((self.model.network.members, 1, len(self.preparation.feature_names)))


def is_tabular(path: Path) -> bool:
    """Whether a file holds such a model."""
    return io.read_info(path).get("kind") == "tabular"


__all__ = ["TrainedTabular", "is_tabular"]
