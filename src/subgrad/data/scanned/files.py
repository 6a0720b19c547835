"""Files of rows that can be read in pieces, from any place on."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from subgrad.data.lazy_polars import any_time_zone, pl
from subgrad.data.readers.columnar import names_in
from subgrad.data.readers.csv import check_header, first_row_ends, frame_of_rows, names_of_columns, without_units
from subgrad.data.readers.csv_dialect import Layout, decode, layout_of
from subgrad.data.readers.raw import GZIP_MAGIC, ZSTD_MAGIC
from subgrad.data.scanned.parquet_footer import row_groups
from subgrad.errors import ArgumentError, DataError, FileError
from subgrad.io.atomic import require_regular

_HEAD = 1 << 20  # bytes of a text that show how it writes its table


class Piece(NamedTuple):
    """A part of a file: where it starts and how long it is, in rows, of a text in bytes; how many rows it has, of a
    text at most; and start and length of what is read with it, as it costs no more, if that is more than itself."""

    start: int
    length: int
    rows: int
    whole: tuple[int, int] | None = None


class RowsFile(Protocol):
    """A file of rows.

    Attributes:
        path: where it is.
        schema: the types of its columns by their names, which are those that `subgrad.data.read_table` gives them.
        notes: what a user should know of how it is read, a sentence each.
        semicolons: whether these part its values.
    """

    path: Path
    schema: dict[str, Any]
    notes: list[str]
    semicolons: bool

    def pieces(self, most: int, size: int, whole: int) -> Iterator[Piece]:
        """The file in pieces of so many rows at most, or of about so many bytes where it has no places of rows.

        What is unpacked together, whatever part of it is read, is one piece up to ``whole`` rows.
        """
        ...

    def read(self, piece: Piece, columns: Sequence[str], enough: int | None = None) -> pl.DataFrame:
        """Some columns of the rows of a piece: of so many at least, where not all are wanted."""
        ...


class _TypedFile:
    """A file whose columns have types."""

    semicolons = False

    def __init__(self, path: Path, schema: Mapping[str, Any]) -> None:
        own, self.notes = names_in(schema)
        self.path, self._own = path, {name: of_file for of_file, name in own.items()}
        self.schema = {name: schema[of_file] for of_file, name in own.items()}

    def _named(self, scan: pl.LazyFrame, piece: Piece, columns: Sequence[str], enough: int | None) -> pl.DataFrame:
        names = {self._own[name]: name for name in columns}
        rows = scan.slice(piece.start, _length(piece, enough)).select(pl.selectors.by_name([*names])).collect()
        return rows.rename(names)


class ParquetFile(_TypedFile):
    """A Parquet file. Row groups are pieces, small ones together, and large ones in parts: each part takes as long to
    read as its whole group, which is read with it if it is not twice as large as a piece may be."""

    def __init__(self, path: Path) -> None:
        with errors(path):
            self._groups = row_groups(path)
            super().__init__(path, pl.scan_parquet(path, glob=False, hive_partitioning=False).collect_schema())

    def pieces(self, most: int, size: int, whole: int) -> Iterator[Piece]:
        start = 0
        for rows in _together(self._groups, most):
            parts = -(-rows // max(most, whole))
            group = (start, rows) if parts == 2 else None
            for i in range(parts):
                first, end = rows * i // parts, rows * (i + 1) // parts
                yield Piece(start + first, end - first, end - first, group)
            start += rows

    def read(self, piece: Piece, columns: Sequence[str], enough: int | None = None) -> pl.DataFrame:
        scan = pl.scan_parquet(self.path, glob=False, hive_partitioning=False)
        return self._named(scan, piece, columns, enough)


class ArrowFile(_TypedFile):
    """An Arrow IPC file, which is mapped and not copied."""

    def __init__(self, path: Path) -> None:
        with errors(path):
            self._scan = pl.scan_ipc(path, glob=False, hive_partitioning=False)
            super().__init__(path, self._scan.collect_schema())
            self._rows = self._scan.select(pl.len()).collect().item()

    def pieces(self, most: int, size: int, whole: int) -> Iterator[Piece]:
        for start in range(0, self._rows, most):
            rows = min(most, self._rows - start)
            yield Piece(start, rows, rows)

    def read(self, piece: Piece, columns: Sequence[str], enough: int | None = None) -> pl.DataFrame:
        return self._named(self._scan, piece, columns, enough)


class TextFile:
    """A CSV file, see `read_csv`: not packed, in an encoding whose line ends are single bytes."""

    def __init__(self, path: Path) -> None:
        require_regular(path)
        self.path = path
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith((GZIP_MAGIC, ZSTD_MAGIC)):
            raise FileError(f"{path} is packed, and rows are read from places in the middle: unpack it first")
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise FileError(f"{path} is UTF-16: write it as UTF-8, or as Parquet")
        whole = head if len(head) < _HEAD else head[: _last_record(head)]
        if not whole:
            raise FileError(f"{path} is {'empty' if not head else 'no CSV: its first line has a million bytes'}")
        text = decode(whole, path)[0]
        self._layout = layout = layout_of(text, path)
        check_header(layout.names, path)
        rows, units = without_units(frame_of_rows(text, layout, path))
        names, renamed = names_of_columns(rows, layout)
        self.notes, self.semicolons = [*layout.notes, *units, *renamed], layout.delimiter == ";"
        self._labelled = len(names) > len(layout.names)
        self._places = {name: str(i) for i, name in enumerate(names) if name}
        self.schema = dict.fromkeys(self._places, pl.String())
        self._body = _after_lines(head, first_row_ends(text, layout) if units else layout.lines)

    def pieces(self, most: int, size: int, whole: int) -> Iterator[Piece]:
        start = self._body
        with self.path.open("rb") as file:
            file.seek(start)
            rest = b""
            while part := file.read(size):
                content = rest + part
                end = _last_record(content)
                if end:
                    yield Piece(start, end, content.count(b"\n", 0, end))
                start, rest = start + end, content[end:]
            if rest.strip():
                yield Piece(start, len(rest), 1 + rest.count(b"\n"))

    def read(self, piece: Piece, columns: Sequence[str], enough: int | None = None) -> pl.DataFrame:
        with self.path.open("rb") as file:
            file.seek(piece.start)
            content = file.read(piece.length)
        text = decode(content, self.path)[0]
        layout = Layout(self._layout.delimiter, self._layout.names, 0, self._layout.comments)
        what = f"{self.path}, in lines from byte {piece.start:,} on"
        frame = frame_of_rows(text, layout, what) if text.strip() else pl.DataFrame()
        if not frame.width:
            return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        if not self._labelled and frame.to_series(-1).null_count() < frame.height:
            raise FileError(f"{what}: there are more values than the header names columns")
        return frame.select(pl.col(self._places[name]).alias(name) for name in columns)


def _length(piece: Piece, enough: int | None) -> int:
    """How many rows of a piece are read where so many are enough."""
    return piece.length if enough is None else min(piece.length, enough)


_KINDS: dict[str, type[ParquetFile] | type[ArrowFile] | type[TextFile]] = {
    ".parquet": ParquetFile, ".pq": ParquetFile, ".arrow": ArrowFile, ".feather": ArrowFile, ".ipc": ArrowFile,
    ".csv": TextFile, ".tsv": TextFile, ".txt": TextFile,
}  # fmt: skip


def files_of(source: str | os.PathLike[str] | Sequence[Any]) -> list[RowsFile]:
    """The files that a path, a pattern with ``*``, a folder, or a list of these means, in the order of their names.

    Raises `FileError` if there are none, for one whose ending is not known, and if one has not the first one's columns;
    `ArgumentError` for what is no path.
    """
    given = source if isinstance(source, Sequence) and not isinstance(source, str) else [source]
    for own in given:
        if not isinstance(own, (str, os.PathLike)):
            raise ArgumentError(
                "rows that are read in pieces are files, a folder, a pattern, a list of these, or a LazyFrame, got "
                f"{type(own).__name__}; what is in memory is for fit itself"
            )
    paths = [path for own in given for path in _paths(Path(own))]
    if not paths:
        raise FileError("there are no files: the list is empty")
    found: list[RowsFile] = [_KINDS[path.suffix.lower()](path) for path in paths]
    for own in found[1:]:
        _check_same(own, found[0])
    return found


def _paths(given: Path) -> list[Path]:
    if given.is_dir():
        found = sorted(path for path in given.rglob("*") if path.suffix.lower() in _KINDS and _is_seen(path, given))
        if not found:
            raise FileError(f"the folder {given} has no rows in it: there is no file that ends with {_endings()}")
        return found
    if glob.has_magic(str(given)) and not given.exists():
        found = sorted(map(Path, glob.glob(str(given), recursive=True)))
        if not found:
            raise FileError(f"no file is called {given}")
    else:
        found = [given]
        require_regular(given)
    for path in found:
        if path.suffix.lower() not in _KINDS:
            raise FileError(f"{path}: rows are read piece by piece from files that end with {_endings()}")
    return found


def _is_seen(path: Path, folder: Path) -> bool:
    """Whether it is no folder and no hidden file, nor one of those that Spark puts beside the rows."""
    return not path.is_dir() and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)


def _endings() -> str:
    return ", ".join(_KINDS)


def _check_same(file: RowsFile, first: RowsFile) -> None:
    for other, one in ((first, file), (file, first)):
        missing = [name for name in other.schema if name not in one.schema]
        if missing:
            more = f" and {len(missing) - 3:,} more" if len(missing) > 3 else ""
            names = ", ".join(map(repr, missing[:3]))
            raise FileError(f"{one.path} has no column {names}{more}, which {other.path} has: all files need the same "
                            "columns")  # fmt: skip
    for name, kind in file.schema.items():
        own, expected = _family(kind), _family(first.schema[name])
        if own != expected and "nothing" not in (own, expected):
            raise FileError(f"{file.path}: column '{name}' holds {own} ({kind}), and in {first.path} it holds "
                            f"{expected} ({first.schema[name]})")  # fmt: skip


def _family(kind: Any) -> str:
    if kind.is_numeric() or kind == pl.Duration:
        return "numbers"
    if kind == pl.Boolean:
        return "truth values"
    if kind.is_temporal():
        return "times" if kind == pl.Time else "dates"
    if kind in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    return "nothing" if kind == pl.Null else str(kind)


@contextmanager
def errors(what: Any) -> Iterator[None]:
    """Inside, what polars raises becomes a `FileError` that begins with what was read."""
    try:
        with any_time_zone():
            yield
    except (FileError, DataError):
        raise
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
        raise FileError(f"cannot read {what}: {line}") from error


def _together(groups: Sequence[int], most: int) -> Iterator[int]:
    """Row groups, small ones that follow each other in one."""
    waiting = 0
    for rows in groups:
        if waiting and waiting + rows > most:
            yield waiting
            waiting = 0
        waiting += rows
    if waiting:
        yield waiting


def _after_lines(content: bytes, lines: int) -> int:
    """Where the text after so many lines begins."""
    start = 0
    for _ in range(lines):
        start = content.find(b"\n", start) + 1 or len(content)
    return start


def _last_record(content: bytes) -> int:
    """Where the last record ends that is whole: at a line end with an even number of quotes before it."""
    end, quotes = len(content), content.count(b'"')
    while (line := content.rfind(b"\n", 0, end)) >= 0:
        quotes -= content.count(b'"', line, end)
        if quotes % 2 == 0:
            return line + 1
        end = line
    return 0


__all__ = ["ParquetFile", "Piece", "RowsFile", "errors", "files_of"]
