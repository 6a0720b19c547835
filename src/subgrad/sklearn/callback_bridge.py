"""scikit-learn's callbacks, told of the epochs of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from subgrad.fit import History


class Told:
    """A callback of a run that passes each epoch on as a task of the estimator's fit.

    Args:
        estimator, context: as scikit-learn's callbacks get them.
        name: of a task.
        most: how many tasks there are; None if that is not known.
        copied: the attributes of an estimator that predicts as this one does now; None if nobody knows them during the
            run.
        data: what is fitted.
    """

    def __init__(
        self, estimator: Any, context: Any, name: str, most: int | None = None,
        copied: Callable[[], dict[str, Any]] | None = None, **data: Any,
    ) -> None:  # fmt: skip
        self._estimator, self._context, self._name, self._most = estimator, context, name, most
        self._data = {**data, "reconstruction_attributes": copied}
        self._task: Any = self._begun()

    def __call__(self, history: History) -> bool:
        stop = bool(self._task.call_on_fit_task_end(estimator=self._estimator, **self._data))
        more = not stop and (self._most is None or len(history) < self._most)
        self._task = self._begun() if more else None
        return stop

    def close(self) -> None:
        """End what was begun: the run stopped before its last epoch."""
        if self._task is not None:
            self._task.call_on_fit_task_end(estimator=self._estimator)

    def _begun(self) -> Any:
        """The next task."""
        task = self._context.subcontext(task_name=self._name)
        task.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        return task
