"""scikit-learn's callbacks, told of the epochs of a run."""

from __future__ import annotations

import copy
from typing import Any

from subgrad.fit import History
from subgrad.nn.module import Module


class Told:
    """A callback of `subgrad.fit` that passes an epoch on as a task of the estimator's fit.

    A callback that asks for the estimator as it is then gets a copy with the parameters of that epoch.
    """

    def __init__(self, estimator: Any, context: Any, module: Module, epochs: int, **data: Any) -> None:
        self._estimator, self._context, self._module, self._epochs = estimator, context, module, epochs
        self._data = data
        self._task: Any = self._begun()

    def __call__(self, history: History) -> bool:
        stop = bool(self._task.call_on_fit_task_end(estimator=self._estimator, **self._data, **self._now()))
        self._task = self._begun() if len(history) < self._epochs and not stop else None
        return stop

    def close(self) -> None:
        """End what was begun: the run stopped before its last epoch."""
        if self._task is not None:
            self._task.call_on_fit_task_end(estimator=self._estimator)

    def _begun(self) -> Any:
        """The task of the next epoch."""
        task = self._context.subcontext(task_name="epoch")
        task.call_on_fit_task_begin(estimator=self._estimator, **self._data, **self._now())
        return task

    def _now(self) -> dict[str, Any]:
        return {"reconstruction_attributes": lambda: {"module_": copy.deepcopy(self._module)}}
