"""From a table to the arrays a network is trained on."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np

from subgrad.data.columns import CategoryColumn, NumberColumn
from subgrad.data.table import Table, is_number, missing_mask
from subgrad.data.target import ClassTarget, Label, NumberTarget
from subgrad.data.task import Task, drop_unlabelled, infer_task
from subgrad.errors import DataError, NotFittedError

_KINDS = {"number": NumberColumn, "category": CategoryColumn}
_TARGETS = {"classification": ClassTarget, "regression": NumberTarget}


class TablePreprocessor:
    """Learns from a table how to turn such tables into arrays, says what it did, and can be stored as JSON.

    Numbers are standardised: mean 0, standard deviation 1 over the rows fitted on. Missing and infinite ones
    become the median, and a further feature marks them. Text becomes one feature of 0 and 1 for each of its
    50 most frequent categories; rarer ones share the feature "other", and values unknown to it give 0
    everywhere. Columns that are empty, have one value only, or are text of which each value occurs once, as
    identifiers do, are left out.

    Fit it on the training rows only, or the test rows are not unseen.

    >>> table = Table({"sex": list("fmfm"), "age": [20, 30, None, 40], "y": ["no", "no", "yes", "yes"]})
    >>> prepared = TablePreprocessor().fit(table, "y")
    >>> prepared.feature_names
    ['sex=f', 'sex=m', 'age', 'age (missing)']
    >>> prepared.transform(table)[2]
    array([1., 0., 0., 1.], dtype=float32)
    >>> prepared.target(table), prepared.classes
    (array([0, 0, 1, 1]), ['no', 'yes'])
    >>> for sentence in prepared.describe():
    ...     print(sentence)
    Classification, because the target is text, with 2 distinct values.
    The target 'y' has 2 classes: no, yes.
    Column 'sex': 2 categories became a column of 0 and 1 each.
    Column 'age': 1 missing value became the median, 30; 'age (missing)' marks where.
    1 column of numbers was standardised to mean 0 and deviation 1: age.
    """

    def __init__(self) -> None:
        self._columns: list[NumberColumn | CategoryColumn] = []
        self._target: ClassTarget | NumberTarget | None = None
        self._sentences: list[str] = []

    def fit(self, table: Table, target: str, task: Task | None = None) -> TablePreprocessor:
        """Learn from a table whose column ``target`` is to be predicted; ``task`` overrules `infer_task`.

        Rows without a target are left out. Returns itself. Raises `DataError` if the target is not in the
        table, is never known, has one value only, or does not suit the task, and if no column is left to
        learn from.
        """
        table, sentences = drop_unlabelled(table, target)
        inferred, reason = infer_task(table[target])
        task = task or inferred
        sentences.append(reason if task == inferred else f"{task.capitalize()}, as was asked for.")
        encoder = _TARGETS[task].fit(target, table[target])
        sentences += encoder.describe()
        useless = {name: why for name in table if name != target and (why := _why_useless(table[name]))}
        sentences += [f"Column '{name}' was left out: {why}." for name, why in useless.items()]
        self._columns = [_fit_column(name, table[name]) for name in table if name not in {target, *useless}]
        if not self._columns:
            raise DataError(f"no column is left to learn '{target}' from. {' '.join(sentences)}")
        for column in self._columns:
            sentences += column.describe()
        self._target = encoder
        self._sentences = sentences + _describe_numbers(self._columns)
        return self

    @property
    def task(self) -> Task:
        """Classification or regression."""
        return "classification" if isinstance(self._fitted(), ClassTarget) else "regression"

    @property
    def target_name(self) -> str:
        """The name of the target column."""
        return self._fitted().name

    @property
    def classes(self) -> list[Label]:
        """The labels of the classes, sorted; empty for regression."""
        target = self._fitted()
        return target.classes if isinstance(target, ClassTarget) else []

    @property
    def feature_names(self) -> list[str]:
        """What each column of the transformed array holds."""
        self._fitted()
        return [name for column in self._columns for name in column.features]

    def transform(self, table: Table) -> np.ndarray:
        """Features of each row, float32 (n, d), for the columns named by `feature_names`; always finite.

        The target need not be there; further columns do not matter. Raises `DataError` if a column is
        missing, or holds text where there were numbers.
        """
        self._fitted()
        table.require(column.name for column in self._columns)
        return np.concatenate([column.transform(table[column.name]) for column in self._columns], axis=1)

    def target(self, table: Table) -> np.ndarray:
        """The target of each row (n,): the place of its class, int64, or the standardised number, float32.

        Raises `DataError` if the column is not there, a row has no target (see `drop_unlabelled`) or an
        unknown class.
        """
        target = self._fitted()
        table.require([target.name])
        return target.encode(table[target.name])

    def restore_target(self, y: np.ndarray) -> np.ndarray:
        """The inverse of `target`: labels (n,) of places among the classes, or numbers (n,) in their unit."""
        return self._fitted().restore(y)

    def describe(self) -> list[str]:
        """What was done to the table, a sentence each."""
        self._fitted()
        return list(self._sentences)

    def to_json(self) -> str:
        """Everything learnt, as JSON."""
        kinds = {cls: kind for kind, cls in _KINDS.items()}
        content = {
            "task": self.task,
            "target": asdict(self._fitted()),
            "columns": [{"kind": kinds[type(column)], **asdict(column)} for column in self._columns],
            "sentences": self._sentences,
        }
        return json.dumps(content, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> TablePreprocessor:
        """The preprocessor that `to_json` described. Raises `DataError` if the text does not describe one."""
        prepared = cls()
        try:
            content = json.loads(text)
            prepared._target = _TARGETS[content["task"]](**content["target"])
            prepared._columns = [_KINDS[column.pop("kind")](**column) for column in content["columns"]]
            prepared._sentences = list(content["sentences"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"this is not the JSON of a TablePreprocessor: {error!r}") from error
        return prepared

    def _fitted(self) -> ClassTarget | NumberTarget:
        if self._target is None:
            raise NotFittedError("this TablePreprocessor was not fitted; call fit(table, target) first")
        return self._target


def _why_useless(column: np.ndarray) -> str | None:
    known = column[np.isfinite(column)] if is_number(column) else column[~missing_mask(column)]
    distinct = len(set(known.tolist()))
    if distinct == 0:
        return "it is empty"
    if distinct == 1 and len(known) == len(column):
        return "it has one value only"
    if not is_number(column) and distinct == len(known) > 1:
        return f"each of its {distinct} texts occurs once, like an identifier"
    return None


def _fit_column(name: str, column: np.ndarray) -> NumberColumn | CategoryColumn:
    return (NumberColumn if is_number(column) else CategoryColumn).fit(name, column)


def _describe_numbers(columns: list[NumberColumn | CategoryColumn]) -> list[str]:
    names = [column.name for column in columns if isinstance(column, NumberColumn)]
    if not names:
        return []
    listed = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    subject = "1 column of numbers was" if len(names) == 1 else f"{len(names)} columns of numbers were"
    return [f"{subject} standardised to mean 0 and deviation 1: {listed}."]
