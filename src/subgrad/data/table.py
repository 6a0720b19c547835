"""Tables: named columns of equal length, and how each writes its values."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.data.column_names import listed, suggestion
from subgrad.data.column_values import as_columns, as_series
from subgrad.data.formats import Format, NumberFormat, TextFormat, decide_formats, is_text
from subgrad.data.identifiers import counts_rows
from subgrad.data.lazy_polars import pl
from subgrad.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt


class Table(Mapping[str, np.ndarray]):
    """Columns by name, in order; a mapping, so ``len(table)`` counts columns and ``table.rows`` rows.

    A column comes as numbers or as text, `series` has it as it came. What a text means, and how it is written, its
    `format`, is decided once, by the whole column: numbers, also with decimal commas, thousands, currency, percent
    and units; dates in many shapes; truth values; text. A format has to fit 9 of 10 values: others count as missing.
    The table of some rows, by `take`, keeps the formats of the whole.

    By its name a column is what it means: numbers are float64 (n,) with NaN where a value is missing, everything else
    is text, object (n,) of ``str`` with ``None`` where it is missing. ``notes`` says what a user should know of how
    the table was read, a sentence each.

    Raises `DataError` for columns that differ in length, are not one-dimensional, or hold anything else.

    >>> table = Table({"age": [31, 45, None], "price": ["1,5", "12,25", "n.d."], "smokes": [True, None, False]})
    >>> table.rows, table["age"], table["smokes"]
    (3, array([31., 45., nan]), array(['true', None, 'false'], dtype=object))
    >>> table["price"], table.format("price").describe()
    (array([ 1.5 , 12.25,   nan]), "',' is the decimal comma")
    """

    def __init__(
        self, columns: Mapping[str, npt.ArrayLike | pl.Series], notes: Sequence[str] = (), semicolons: bool = False
    ) -> None:
        check_unique(map(str, columns), "the table")
        series = as_columns({str(name): values for name, values in columns.items()})
        self._semicolons = semicolons
        self._decided: Mapping[str, Format] | None = None
        self._numbered: frozenset[str] | None = None
        self._as_given = False  # whether floats still are as they came, and are cleaned when somebody looks
        self.notes = list(notes)
        lengths = {name: len(values) for name, values in series.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"the columns of a table need equal lengths; these have {_lengths(lengths)}")
        self._frame = pl.DataFrame(series)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self._frame.height

    @property
    def schema(self) -> Mapping[str, Any]:
        """The types of the columns as they came, by their names, in order."""
        return self._frame.schema

    @cached_property
    def _series(self) -> dict[str, pl.Series]:
        return dict(zip(self._frame.columns, self._frame.get_columns(), strict=True))

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: without what is in the frame anyway."""
        return {name: value for name, value in vars(self).items() if name != "_series"}

    def __getitem__(self, name: str) -> np.ndarray:
        series = self.series(name)
        how = self.format(name)
        return (how if isinstance(how, NumberFormat) else TextFormat()).read(series)

    def __iter__(self) -> Iterator[str]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)

    def __contains__(self, name: object) -> bool:
        return name in self._series

    def __repr__(self) -> str:
        kinds = [f"{name}: {self.format(name).kind}" for name in list(self)[:20]]
        more = [f"and {len(self) - 20:,} more"] if len(self) > 20 else []
        return f"Table({self.rows} rows; {', '.join(kinds + more)})"

    def _repr_html_(self) -> str:
        from subgrad.data.table_head import head

        return head(self)

    def series(self, name: str) -> pl.Series:
        """A column as it came: integers, float64 or text, null where nothing was."""
        series = self._series[name]
        return as_series(series, name) if self._as_given and series.dtype.is_float() else series

    def frame(self) -> pl.DataFrame:
        """All columns as they came."""
        return self._frame

    def format(self, name: str) -> Format:
        """How a column writes its values."""
        return self._formats()[name]

    def _formats(self) -> Mapping[str, Format]:
        if self._decided is None:
            self._decided = decide_formats(self._series, self._semicolons)
        return self._decided

    @property
    def row_numbers(self) -> frozenset[str]:
        """The columns that number the rows, of the whole table if this is a part of one."""
        if self._numbered is None:
            formats = {name: self.format(name) for name in self}
            numbers = [name for name, how in formats.items() if isinstance(how, NumberFormat)]
            self._numbered = frozenset(n for n in numbers if counts_rows(n, self.series(n), formats[n]))
        return self._numbered

    def take(self, rows: npt.ArrayLike) -> Table:
        """The table of some rows: their indices, or a mask of truth values (n,).

        >>> Table({"x": [1, 2, 3]}).take([2, 0])["x"]
        array([3., 1.])
        """
        chosen = np.asarray(rows)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return self._with(self._frame.select(pl.all().gather(chosen)))  # in one call: there may be 20,000 columns

    def slice(self, start: int, length: int) -> Table:
        """The table of rows that follow each other, which are not copied; fewer at the end.

        >>> Table({"x": [1, 2, 3]}).slice(1, 5)["x"]
        array([2., 3.])
        """
        return self._with(self._frame.slice(start, length))

    def came_as_numbers(self, name: str) -> bool:
        """Whether a column did not come as text."""
        return not is_text(self._series[name])

    def plain_numbers(self) -> list[str]:
        """The columns that came as numbers and are read as such."""
        kinds, text = self.schema, pl.String
        return [name for name, how in self._formats().items()
                if isinstance(how, NumberFormat) and kinds.get(name, text) != text]  # fmt: skip

    def matrix(self, names: Sequence[str]) -> np.ndarray:
        """Several of `plain_numbers`, (n, k), NaN where a value is missing: float32 if they all came so, else float64.

        >>> Table({"x": [1, 2], "y": [0.5, None]}).matrix(["y", "x"]).tolist()
        [[0.5, 1.0], [nan, 2.0]]
        """
        frame = self._frame[:, [*names]]
        short = {*frame.dtypes} == {pl.Float32}
        return (frame if short else frame.cast(pl.Float64)).to_numpy(order="fortran")

    def numbers(self, names: Sequence[str]) -> list[np.ndarray]:
        """Several of `plain_numbers`, (n,) each, NaN where a value is missing: float32 or float64 as they came, others
        as float64. What came as a float, in one piece and without missing values, is not copied.

        >>> [x.dtype.name for x in Table({"x": [1, 2], "y": [0.5, None]}).numbers(["y", "x"])]
        ['float64', 'float64']
        """
        series = self._frame[:, [*names]].get_columns()
        return [(s if s.dtype in (pl.Float32, pl.Float64) else s.cast(pl.Float64)).to_numpy() for s in series]

    def in_place(self) -> int:
        """Of how many columns `numbers` makes no copies.

        >>> Table({"x": [1.0, 2.0], "y": [0.5, None], "z": [1, 2]}).in_place()
        1
        """
        frame = self._frame
        missing, pieces = frame.null_count().row(0) if frame.width else (), frame.n_chunks("all")
        facts = zip(frame.dtypes, missing, pieces, strict=True)
        return sum(kind in (pl.Float32, pl.Float64) and n == 0 and m == 1 for kind, n, m in facts)

    def only(self, names: Iterable[str]) -> Table:
        """The table of some columns. Raises `DataError` if one is not there.

        >>> list(Table({"x": [1], "y": [2], "z": [3]}).only(["z", "x"]))
        ['x', 'z']
        """
        wanted = set(names)
        self.require(wanted)
        return self._with(self._frame[:, [name for name in self if name in wanted]])

    def with_column(self, name: str, series: pl.Series) -> Table:
        """The table with other values in a column, read in the format that the column has.

        >>> table = Table({"price": ["1,5", "2,5"], "y": [0, 1]})
        >>> table.with_column("price", table.series("price").reverse())["price"]
        array([2.5, 1.5])
        """
        self.require([name])
        if len(series) != self.rows:
            raise DataError(f"column '{name}' needs {self.rows:,} values, it got {len(series):,}")
        return self._with(self._frame.with_columns(series.alias(name)))

    def in_formats(self, formats: Mapping[str, Format]) -> Table:
        """The table with these columns read in other formats, those of a table before it.

        >>> Table({"x": ["1.5"]}).in_formats({"x": TextFormat()})["x"]
        array(['1.5'], dtype=object)
        """
        table = self._with(self._frame)
        table._decided = {**self._formats(), **{name: how for name, how in formats.items() if name in self}}
        return table

    @classmethod
    def decided(cls, frame: pl.DataFrame, formats: Mapping[str, Format], row_numbers: Iterable[str] = ()) -> Table:
        """The table of a frame for whose columns it was decided before what their formats are, and which of them number
        the rows. Of its numbers no copies are made.

        >>> Table.decided(pl.DataFrame({"x": ["1,5"]}), {"x": NumberFormat(",")})["x"]
        array([1.5])
        """
        others = [name for name, kind in frame.schema.items() if not (kind.is_float() or kind.is_integer())]
        read = as_columns({name: frame[name] for name in others})
        table = cls({})
        table._frame, table._as_given = frame.with_columns([series.alias(name) for name, series in read.items()]), True
        table._decided, table._numbered = formats, frozenset(row_numbers)
        return table

    def cleaned(self) -> Table:
        """The same with all floats cleaned at once, for those who look at each column several times."""
        table = self._with(pl.DataFrame(as_columns(self._series)))
        table._as_given = False
        return table

    def _with(self, frame: pl.DataFrame) -> Table:
        """Other rows or columns, in the formats of this table."""
        table = Table({}, self.notes)
        table._frame, table._decided, table._numbered = frame, self._formats(), self.row_numbers
        table._as_given = self._as_given
        return table

    def require(self, names: Iterable[str]) -> None:
        """Raise `DataError` unless the table has all these columns; the message has the first that it has not.

        >>> Table({"Species": ["a"]}).require(["species"])
        Traceback (most recent call last):
        ...
        subgrad.errors.DataError: the table has no column 'species' (did you mean 'Species'?); it has 1:
        'Species'
        """
        missing = [name for name in names if name not in self]
        if not missing:
            return
        named = [f"'{name}'{suggestion(name, self)}" for name in missing[:5]]
        more = f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""
        left_out = [note for note in self.notes for name in missing[:5] if note.startswith(f"Column '{name}' ")]
        raise DataError(
            f"the table has no {'column' if len(missing) == 1 else 'columns'} {', '.join(named)}{more}; "
            f"it has {len(self):,}: {listed(self)}{''.join(f'. {note}' for note in left_out).removesuffix('.')}"
        )


def usable(columns: Mapping[str, Any]) -> tuple[dict[str, pl.Series], list[str]]:
    """The columns that a table takes, and a sentence for each other one.

    >>> usable({"x": [1, 2], "y": [1, 2j]})[1]
    ["Column 'y' was left out: it holds complex."]
    """
    with contextlib.suppress(DataError):
        return as_columns(columns), []
    found, notes = {}, []
    for name, values in columns.items():
        try:
            found[name] = as_series(values, name)
        except DataError as error:
            holds = str(error).removeprefix(f"column '{name}' ").partition(";")[0]
            notes.append(f"Column '{name}' was left out: it {holds}.")
    return found, notes


def is_number(column: np.ndarray) -> bool:
    """Whether a column of a `Table` holds numbers (else it holds text)."""
    return column.dtype.kind == "f"


def missing_mask(column: np.ndarray) -> np.ndarray:
    """Truth values (n,): where a column of a `Table` has no value.

    >>> missing_mask(np.array(["a", None], dtype=object)).tolist()
    [False, True]
    """
    return np.isnan(column) if is_number(column) else np.array([text is None for text in column], dtype=bool)


def check_unique(names: Iterable[str], source: object) -> None:
    """Raise `DataError` if two columns have the same name."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(f"{source} has more than one column named {listed(repeated)}")


def _lengths(lengths: Mapping[str, int]) -> str:
    """The lengths that there are, each with a column that has it."""
    first = {length: name for name, length in reversed(list(lengths.items()))}
    shown = [f"'{name}' {length:,}" for length, name in sorted(first.items(), reverse=True)[:5]]
    return ", ".join(shown) + (", ..." if len(first) > 5 else "")
