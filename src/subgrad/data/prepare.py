"""From a table to the arrays a network is trained on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from subgrad.data.column_names import listed
from subgrad.data.formats import NumberFormat
from subgrad.data.kinds import Kind, fit_column, kind_from_plain
from subgrad.data.kinds.encoding import Encoding
from subgrad.data.kinds.number import NumberColumn
from subgrad.data.kinds.totals import Totals
from subgrad.data.kinds.useless import why_useless
from subgrad.data.lazy_polars import pl
from subgrad.data.table import Table
from subgrad.data.target import TARGETS, ClassTarget, Label, NumberTarget, Target, labels
from subgrad.data.task import Task, drop_unlabelled, task_of_counts
from subgrad.errors import ArgumentError, DataError, NotFittedError
from subgrad.graph.tensor import Tensor
from subgrad.ops import concatenate


class Prepared(NamedTuple):
    """Features, float32 (n, d), and sentences about what of a table was unknown to its preparation."""

    features: np.ndarray
    remarks: list[str]


class TablePreprocessor:
    """Learns from a table how to turn such tables into arrays, says what it did, and can be stored as JSON.

    What a column is and how it is written, see `Table`, was decided by the whole table that the rows fitted on came
    from; later tables are read the same way, each row for itself. Numbers are standardised: mean 0, standard deviation
    1 over the rows fitted on. Missing and infinite ones become the median, and a further feature marks them. Truth
    values become 1 and -1. Dates become time, standardised, and their place in the year, the week and the day. Text
    becomes one feature of 0 and 1 for each of its 50 most frequent categories; rarer ones share the feature "other",
    and values unknown to it give 0 everywhere. Columns that are empty, have one value only, number the rows, or are
    identifiers, of which each value occurs once, are left out.

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

    _fit_column = staticmethod(fit_column)  # a subclass may make other kinds of the columns
    _kind_from_plain = staticmethod(kind_from_plain)
    _of_numbers: type[Kind] = NumberColumn
    _became = "standardised to mean 0 and deviation 1"

    def __init__(self) -> None:
        self._columns: list[Kind] = []
        self._left_out: list[str] = []
        self._target: Target | None = None
        self._sentences: list[str] = []
        self._encoding: Encoding | None = None

    def fit(self, table: Table, target: str, task: Task | None = None, keep: Collection[str] = ()) -> Self:
        """Learn from a table whose column ``target`` is to be predicted; ``task`` overrules `infer_task`.

        Rows without a target are left out. Columns in ``keep`` are used although they look like row numbers or
        identifiers. Returns itself. Raises `DataError` if the target is not in the table, is never known, has one value
        only, or does not suit the task, and if no column is left to learn from; `ArgumentError` for another task.
        """
        target = str(target)  # as the columns of a frame are called, which may be numbers
        table, sentences = drop_unlabelled(table, target)
        return self._learn(table, target, _Found.of(table, target), task, keep, sentences)

    def fit_sample(
        self, sample: Table, target: str, labels: Mapping[Label, int], totals: Mapping[str, Totals],
        task: Task | None = None, keep: Collection[str] = (), sentences: Sequence[str] = (),
    ) -> Self:  # fmt: skip
        """As `fit` on a table that is never in memory as a whole.

        Args:
            sample: some of its rows, chosen at random, of which the target is known.
            target, task, keep: as for `fit`.
            labels: how often each value of the target occurs.
            totals: of each column, of all rows whose target is known.
            sentences: what is to be said of the table before all else.
        """
        return self._learn(sample, target, _Found(labels, totals), task, keep, list(sentences))

    def _learn(
        self, table: Table, target: str, found: _Found, task: Task | None, keep: Collection[str], sentences: list[str]
    ) -> Self:
        if task is not None and (not isinstance(task, str) or task not in TARGETS):
            raise ArgumentError(f"task is one of {', '.join(TARGETS)}, got {task!r}")
        inferred, reason = task_of_counts(found.labels, task)
        task = task or inferred
        sentences.append(reason if task == inferred else f"{task.capitalize()}, as was asked for.")
        encoder = found.target(table, target, task)
        sentences += encoder.describe()
        useless = _useless(table, target, keep)
        useless = {name: why for name, why in useless.items() if not found.varies(table, name)}
        sentences += [f"Column '{name}' was left out: {why}." for name, why in useless.items()]
        self._columns = [found.column(self._fit_column(name, table.series(name), table.format(name)))
                         for name in table if name not in {target, *useless}]  # fmt: skip
        if not self._columns:
            raise DataError(f"no column is left to learn '{target}' from. {' '.join(sentences[:8])}")
        sentences += _describe_notations(self._columns)
        for column in self._columns:
            sentences += column.describe()
        self._target, self._left_out, self._encoding = encoder, list(useless), None
        self._sentences = sentences + self._describe_numbers()
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
    def columns(self) -> list[Kind]:
        """What became of each column that is learnt from."""
        self._fitted()
        return list(self._columns)

    @property
    def feature_names(self) -> list[str]:
        """What each column of the transformed array holds."""
        return [name for column in self.columns for name in column.features]

    def transform(self, table: Table, out: np.ndarray | None = None) -> np.ndarray:
        """Features of each row, float32 (n, d), for the columns named by `feature_names`; always finite.

        They are put into ``out``, if there is such an array.

        The target need not be there; further columns do not matter. A value that a column does not know counts as
        missing. Raises `DataError` if a column is missing, or none of its values is of its kind.
        """
        return self.prepare(table, out).features

    def prepare(self, table: Table, out: np.ndarray | None = None) -> Prepared:
        """As `transform`, with a sentence about values that are unknown and columns that are not used.

        >>> prepared = TablePreprocessor().fit(Table({"c": list("abab"), "y": [0, 1, 1, 0]}), "y")
        >>> prepared.prepare(Table({"c": ["b", "new"], "d": [1, 2]})).remarks
        ["Unknown from the training, and taken as missing: 'c' in 1 row ('new'). Not used: 'd'."]
        """
        encoding = self._encoding_of(table)
        features = np.empty((table.rows, encoding.width), np.float32) if out is None else out
        unknown = encoding.encode(table, features)
        used = {self.target_name, *(column.name for column in self._columns), *self._left_out}
        remarks = [*_about_unknown(unknown, table), *_about_unused([name for name in table if name not in used])]
        return Prepared(features, [" ".join(remarks)] if remarks else [])

    def _encoding_of(self, table: Table) -> Encoding:
        """That of the table before, which is mostly of the same form."""
        self._fitted()
        found = self._encoding  # other threads may prepare tables, too
        if found is None or not found.fits(table):
            found = self._encoding = Encoding(self._columns, self._places(), table)
        return found

    def _places(self) -> np.ndarray:
        """Where the features of the columns, one column after the other, are among all."""
        return np.arange(sum(len(column.features) for column in self._columns))

    def of_numbers(self, rows: Tensor) -> Tensor:
        """`transform` as nodes of a graph, for a network that leaves Python together with its preparation.

        Args:
            rows: float64 (n, columns), the columns in the order of `columns`: numbers as they are, 1 and 0 for true and
                false, the place of a category among ``categories``; NaN where a value is missing.

        Returns:
            float32 (n, d).

        Raises:
            DataError: if there is a column of dates.
        """
        features = [column.of_numbers(rows[:, i]).astype("float32") for i, column in enumerate(self.columns)]
        return concatenate(features, 1)

    def target(self, table: Table) -> np.ndarray:
        """The target of each row (n,): the place of its class, int64, or the standardised number, float32.

        Raises `DataError` if the column is not there, a row has no target (see `drop_unlabelled`) or an
        unknown class.
        """
        target = self._fitted()
        table.require([target.name])
        return target.encode(table.series(target.name))

    def restore_target(self, y: np.ndarray) -> np.ndarray:
        """The inverse of `target`: labels (n,) of places among the classes, or numbers (n,) in their unit."""
        return self._fitted().restore(y)

    def describe(self) -> list[str]:
        """What was done to the table, a sentence each."""
        self._fitted()
        return list(self._sentences)

    def to_json(self) -> str:
        """Everything learnt, as JSON."""
        content = {
            "task": self.task,
            "target": self._fitted().to_plain(),
            "columns": [column.to_plain() for column in self._columns],
            "left_out": self._left_out,
            "sentences": self._sentences,
        }
        return json.dumps(content, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The preprocessor that `to_json` described. Raises `DataError` if the text does not describe one."""
        prepared = cls()
        try:
            content = json.loads(text)
            prepared._target = TARGETS[content["task"]].from_plain(content["target"])
            prepared._columns = [cls._kind_from_plain(column) for column in content["columns"]]
            prepared._left_out = _texts(content.get("left_out", []))
            prepared._sentences = _texts(content["sentences"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"this is not the JSON of a TablePreprocessor: {error!r}") from error
        return prepared

    def _describe_numbers(self) -> list[str]:
        """What became of the columns of numbers together, in a sentence."""
        names = [column.name for column in self._columns if isinstance(column, self._of_numbers)]
        if not names:
            return []
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
        subject = "1 column of numbers was" if len(names) == 1 else f"{len(names):,} columns of numbers were"
        return [f"{subject} {self._became}: {shown}."]

    def _fitted(self) -> ClassTarget | NumberTarget:
        if self._target is None:
            raise NotFittedError("this TablePreprocessor was not fitted; call fit(table, target) first")
        return self._target


def _texts(found: object) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise TypeError(f"texts are a list of them, got {found!r}"[:200])
    return found


@dataclass(frozen=True)
class _Found:
    """What is known of all rows, where a preparation is learnt from some of them.

    Attributes:
        labels: how often each value of the target occurs.
        totals: of each column; None if the rows are all there are.
    """

    labels: Mapping[Label, int]
    totals: Mapping[str, Totals] | None = None

    @classmethod
    def of(cls, table: Table, target: str) -> _Found:
        table.require([target])
        return cls(Counter(label for label in labels(table.series(target), table.format(target)) if label is not None))

    def target(self, table: Table, name: str, task: Task) -> Target:
        """How the target becomes numbers."""
        if self.totals is None:
            return TARGETS[task].fit(name, table.series(name), table.format(name))
        if task == "classification":
            return ClassTarget.of_labels(name, self.labels, table.format(name))
        return NumberTarget.of_all(name, self.totals[name], table.format(name))

    def column(self, learnt: Kind) -> Kind:
        """What became of a column."""
        return learnt if self.totals is None else learnt.of_all(self.totals[learnt.name])

    def varies(self, table: Table, name: str) -> bool:
        """Whether a column has several values, although these rows have one."""
        return self.totals is not None and self.totals[name].varies and table.series(name).drop_nulls().n_unique() == 1


def _useless(table: Table, target: str, keep: Collection[str]) -> dict[str, str]:
    """Why columns are left out; those that only look useless are not, if there are no others."""
    names = [name for name in table if name != target]
    numbers = table.row_numbers
    found = {name: why_useless(name, table.series(name), table.format(name), name in numbers) for name in names}
    whys = {name: useless for name, useless in found.items() if useless and (useless.surely or name not in keep)}
    if len(whys) == len(names):
        whys = {name: useless for name, useless in whys.items() if useless.surely}
    return {name: useless.why for name, useless in whys.items()}


def _about_unknown(unknown: dict[str, np.ndarray], table: Table) -> list[str]:
    if not unknown:
        return []
    counted = [f"'{name}' in {(n := int(where.sum())):,} {'row' if n == 1 else 'rows'} "
               f"({listed(map(str, table.series(name).filter(pl.Series(where)).unique(maintain_order=True)), 2)})"
               for name, where in list(unknown.items())[:5]]  # fmt: skip
    more = f" and {len(unknown) - 5:,} more columns" if len(unknown) > 5 else ""
    return [f"Unknown from the training, and taken as missing: {', '.join(counted)}{more}."]


def _about_unused(names: list[str]) -> list[str]:
    return [f"Not used: {listed(names)}."] if names else []


def _describe_notations(columns: list[Kind]) -> list[str]:
    """How numbers are written where not as Python does, a sentence for each way."""
    ways: dict[str, list[str]] = {}
    for column in columns:
        if isinstance(column.format, NumberFormat) and (how := column.format.describe()):
            ways.setdefault(how, []).append(column.name)
    return [f"Column{'s' if len(names) > 1 else ''} {listed(names)}: {how}." for how, names in ways.items()]
