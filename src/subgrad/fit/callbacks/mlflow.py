"""A run for MLflow."""

from __future__ import annotations

import json
import math
import time
from typing import Any

from subgrad.errors import missing_extra
from subgrad.fit.callbacks.callback import Callback


class MLflowLogger(Callback):
    """Log a run to MLflow (extra ``mlflow``): the settings as parameters, the history as metrics by epochs.

    Args:
        experiment: its name; it is made if there is none.
        tracking_uri: where MLflow keeps runs: a server, a data base such as ``"sqlite:///runs.db"``, which needs all of
            MLflow, or a folder, ``"file:./mlruns"``, which newer versions take if the environment variable
            MLFLOW_ALLOW_FILE_STORE is true; None for what MLflow is set to.
        run_name: of this run; None lets MLflow choose one.

    Attributes:
        run_id: of the run, once it has begun.

    Raises:
        MissingExtraError: if MLflow is not installed.
    """

    def __init__(
        self, experiment: str = "subgrad", tracking_uri: str | None = None, run_name: str | None = None
    ) -> None:
        try:
            from mlflow import MlflowClient
        except ImportError:
            raise missing_extra("mlflow-skinny", "mlflow", "logging to MLflow") from None
        self.experiment, self.run_name, self.run_id = experiment, run_name, ""
        self._client: Any = MlflowClient(tracking_uri)

    def on_train_begin(self) -> None:
        """See `Callback`."""
        found = self._client.get_experiment_by_name(self.experiment)
        place = self._client.create_experiment(self.experiment) if found is None else found.experiment_id
        self.run_id = self._client.create_run(place, run_name=self.run_name).info.run_id
        run = self.run
        settings = {
            "model": type(run.model).__name__, "epochs": run.epochs, "batch_size": run.batch_size, "seed": run.seed,
            "accumulate": run.accumulate, "parameters": sum(p.size for p in run.model.parameters()),
            **{f"optimizer.{key}": json.dumps(value) for key, value in run.optimizer.config().items()},
        }  # fmt: skip
        for name, value in settings.items():
            self._client.log_param(self.run_id, name, str(value)[:500])

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """See `Callback`."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [Metric(_plain(name), value, now, epoch) for name, value in logs.items() if not math.isnan(value)]
        self._client.log_batch(self.run_id, metrics=metrics)

    def on_train_end(self) -> None:
        """See `Callback`."""
        self._client.set_terminated(self.run_id, "KILLED" if self.run.history.stopped == "interrupted" else "FINISHED")


def _plain(name: str) -> str:
    """A name of letters that MLflow takes."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)
