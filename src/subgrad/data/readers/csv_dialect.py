"""How a text file writes a table: its encoding, the delimiter, where the header is."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from subgrad.data.formats.words import stands_for_none
from subgrad.errors import FileError

DELIMITERS = ",;\t|"
RARE = "~^:!\x01\x1e\x1f"  # that part values where none of the others does
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "'|'", " ": "spaces"}
_SNIFFED = 100_000  # characters that are looked at, at least
_RECORDS = 100
_TITLES = 10  # lines above the header that may hold a title
_RULE = re.compile(r"^ *(?=[^\r\n]*[|+])(?=[^\r\n]*--)[-+|:= ]+(?=\r?$)|^\(\d+ rows?\)(?= *\r?$)", re.MULTILINE)

_Path = str | os.PathLike[str]
Record = tuple[int, list[str]]


@dataclass(frozen=True)
class Layout:
    """How a file writes a table.

    Attributes:
        delimiter: between the values.
        names: of the columns, stripped; empty where the header has none.
        lines: how many lines come before the first row, the header included.
        comments: whether lines that begin with ``#`` are comments.
        notes: what of it a user should know, a sentence each.
    """

    delimiter: str
    names: list[str]
    lines: int
    comments: bool = False
    notes: list[str] = field(default_factory=list)


def decode(content: bytes, path: _Path) -> tuple[str, list[str]]:
    """The text of a file, and a sentence if it is not UTF-8."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            try:
                return _cleaned(content[len(mark) :].decode(encoding), path), []
            except UnicodeDecodeError as error:
                raise FileError(f"{path} is damaged: its mark says {encoding}, which it is not") from error
    try:
        return _cleaned(content.decode(), path), []
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = _cleaned(content.decode("cp1252", errors="replace"), path)
        return text, [f"Line {line} is not UTF-8: the file was read as Windows-1252."]


def _cleaned(text: str, path: _Path) -> str:
    """Without the lines that only rule the table, as Markdown and databases write them: they are blank then.

    Raises `FileError` for zero bytes.
    """
    if "\0" in text[:_SNIFFED]:
        raise FileError(f"{path} is no text: it has zero bytes")
    first = text[:_SNIFFED].splitlines()[:3]
    return _RULE.sub("", text) if any(map(_RULE.match, first)) else text


def layout_of(text: str, path: _Path) -> Layout:
    """How a text writes its table. Raises `FileError` if it has no header."""
    start = text[: max(_SNIFFED, 20 * (text.find("\n") + 1))]  # some lines, of whatever length
    whole = len(start) == len(text)
    told, skipped = _told_delimiter(start)
    comments = start.lstrip("\n\r").startswith("#")
    delimiter = told or _likeliest(start, comments, whole)
    records = list(_sample(start, delimiter, comments, whole))[skipped:]
    if not records:
        raise FileError(f"{path} is empty; expected a first line with the names of the columns")
    titles = titles_above([record for _, record in records])
    notes = [f"The {titles} lines above the header were left out." if titles > 1
             else "The line above the header was left out."] if titles else []  # fmt: skip
    lines, header = records[titles]
    names = [name.strip() for name in header]
    if all(map(is_numeric, names)) and (commented := _commented_header(start, delimiter, len(names))):
        return Layout(delimiter, commented, lines - 1, comments, notes)
    if delimiter not in ",;\t":
        notes.append(f"Its columns are parted by {NAMES.get(delimiter, repr(delimiter))}.")
    return Layout(delimiter, names, lines, comments, notes)


def records(text: str, delimiter: str, comments: bool = False, strict: bool = True) -> Iterator[Record]:
    """Each record that is no blank line, with the number of its last line.

    Raises ``csv.Error``, of the line and what is wrong there, for quotes that are not closed.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=strict)
    try:
        for record in reader:
            if delimiter == " ":
                record = _without_empty_ends(record)
            blank = len(record) < 2 and not "".join(record).strip()
            if not blank and not (comments and record[0].startswith("#")):
                yield reader.line_num, record
    except csv.Error as error:
        raise csv.Error(reader.line_num, error) from None


def is_numeric(cell: str) -> bool:
    """Whether a cell of a header looks like a number, with a point or a comma."""
    try:
        float(cell.strip().replace(",", ".").replace("_", "x"))
    except ValueError:
        return False
    return cell.strip().lower() not in ("nan", "inf", "infinity")


def _told_delimiter(start: str) -> tuple[str | None, int]:
    """The delimiter that a first line ``sep=;`` names, as Excel writes it, and how many records that takes."""
    line = start.split("\n", 1)[0].strip().strip('"')
    told = line[4:] if line.lower().startswith("sep=") else ""
    return (told, 1) if len(told) == 1 else ("\t", 1) if line.lower() == "sep=" else (None, 0)


def _likeliest(start: str, comments: bool, whole: bool) -> str:
    """The delimiter that parts most lines into as many values as the header, and the header into most names.

    Spaces, and what rarely parts values, come after the others, but before one that makes a title of the first line.
    """

    def score(delimiter: str) -> tuple[bool, float, int, int]:
        return _score(start, delimiter, comments, whole)

    usual = max(DELIMITERS, key=score)
    parts, _, no_titles, _ = score(usual)
    if parts and not no_titles:
        return usual
    found = next((other for other in (" ", *RARE) if score(other)[:3] == (True, 1.0, 0)), usual)
    return " " if found == usual and not parts and score(" ")[0] else found


def _score(start: str, delimiter: str, comments: bool, whole: bool) -> tuple[bool, float, int, int]:
    found = [record for _, record in _sample(start, delimiter, comments, whole)]
    titles = titles_above(found)
    widths = [len(record) for record in found[titles:]]
    if not widths:
        return False, 0.0, 0, 0
    usual = Counter(widths[1:] or widths).most_common(1)[0][0]
    share = sum(width == usual for width in widths) / len(widths)
    if delimiter == " " and not _parted_by_spaces(found[titles:], quoted=start.lstrip().startswith('"')):
        return False, 0.0, 0, 0
    return widths[0] > 1, share, -titles, widths[0]


def _parted_by_spaces(found: Sequence[Sequence[str]], quoted: bool) -> bool:
    """Whether these records are a table's, and no texts of several words.

    Quotes or a column of numbers show it, and so do five rows or more of three words each. ``quoted`` says that the
    header begins with a quote.
    """
    (header, *rows), width = found, len(found[-1])
    if any(len(row) != width for row in rows):
        return False
    numeric = [all(is_numeric(row[i]) or stands_for_none(row[i]) for row in rows) for i in range(width)]
    if len(header) == width - 1:  # R's header has no name for the labels of its rows
        return quoted or all(numeric[1:])
    named = len(header) == width and not any(map(is_numeric, header))
    return named and bool(rows) and (quoted or any(numeric) or (width > 2 and len(rows) > 4))


def _sample(start: str, delimiter: str, comments: bool, whole: bool) -> Iterator[Record]:
    """The first records, without the last one if the text goes on: it may be cut off."""
    waiting: Record | None = None
    try:
        for count, record in enumerate(records(start, delimiter, comments, strict=False)):
            if waiting:
                yield waiting
            waiting = record
            if count == _RECORDS:
                return
    except csv.Error:
        return
    if waiting and (whole or waiting[0] == 1):
        yield waiting


def titles_above(found: Sequence[Sequence[str]]) -> int:
    """How many records come before the header: those with one value, above a table of several columns."""
    usual = Counter(map(len, found[1:])).most_common(1)
    if not usual or usual[0][0] < 2:
        return 0
    filled = [_filled(record) for record in found[: _TITLES + 1]]
    titles = next((i for i, count in enumerate(filled) if count > 1), 0)
    return 0 if titles >= len(found) - 1 or all(map(is_numeric, filter(None, found[titles]))) else titles


def _filled(record: Sequence[str]) -> int:
    """How many cells hold something; row labels need no name, so that ``,colour`` names two columns."""
    count = sum(bool(cell.strip()) for cell in record)
    return count + (count == len(record) - 1 and not record[0].strip())


def _commented_header(start: str, delimiter: str, width: int) -> list[str]:
    """The names in the last comment above the rows, as NumPy's ``savetxt`` writes them; empty if there are none."""
    above = [line for line in start.splitlines()[: _TITLES + 1] if line.startswith("#")]
    if not above:
        return []
    names = [name.strip() for _, record in records(above[-1].lstrip("# "), delimiter) for name in record]
    return names if len(names) == width and all(names) else []


def _without_empty_ends(record: list[str]) -> list[str]:
    first = 1 if record and not record[0] else 0
    last = len(record) - 1 if len(record) > 1 and not record[-1] else len(record)
    return record[first:last]
