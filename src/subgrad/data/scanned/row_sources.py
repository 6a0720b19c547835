"""Where scanned rows come from: files or a lazy frame of polars, in blocks that can be read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from subgrad.data.kinds.category import MOST_CATEGORIES
from subgrad.data.lazy_polars import pl
from subgrad.data.scanned.files import Piece, RowsFile, errors, files_of
from subgrad.errors import DataError, FileError

IN_MEMORY = 16
"""Of the memory that rows may take, a block as it stands in its file is one part of so many."""
LEAST = 64  # rows that a block has, whatever they take
LOTS = 4  # the rows that are mixed at a time take one part of so many; two lots are there
_TEXT = 24  # bytes that a text takes, about


class Block(NamedTuple):
    """Rows that are read at once: a piece of a file, and the number that its first row has among all rows."""

    file: int
    piece: Piece
    first: int


class Files:
    """The rows of files, in the order of their names.

    Attributes:
        blocks: all of them.
        schema: the types of the columns.
        notes: what a user should know of how they are read, a sentence each.
        semicolons: whether these part the values of a text.
        in_any_order: whether blocks can be had in any order as well.
        units: a number for each block: those with the same one are read together, if they follow each other.
    """

    in_any_order = True

    def __init__(self, source: Any, memory: int) -> None:
        self._files: list[RowsFile] = files_of(source)
        self._states = [_state(file.path) for file in self._files]
        first_file = self._files[0]
        self.schema, self.notes, self.semicolons = first_file.schema, first_file.notes, first_file.semicolons
        most, size = rows_at_once(self.schema, memory), max(memory // (4 * IN_MEMORY), 1 << 12)
        self.blocks: list[Block] = []
        first = 0
        for i, file in enumerate(self._files):
            with errors(file.path):
                for piece in file.pieces(most, size, most * IN_MEMORY // LOTS):
                    self.blocks.append(Block(i, piece, first))
                    first += piece.rows
        if not first:
            raise DataError(f"{self.name} has no rows")
        own = [(block.file, block.piece.whole or block.piece.start) for block in self.blocks]
        self.units = np.cumsum([0, *(a != b for a, b in pairwise(own))]).tolist()

    @property
    def name(self) -> str:
        """What errors call it."""
        first = str(self._files[0].path)
        return first if len(self._files) == 1 else f"{first} and {len(self._files) - 1:,} more"

    def name_of(self, block: int) -> str:
        """Where a block is, for messages."""
        return str(self._files[self.blocks[block].file].path)

    def frames(
        self, blocks: Sequence[int], columns: Sequence[str], enough: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Some columns of blocks, one after the other; of each so many rows are enough, where not all are wanted."""
        held: list[pl.DataFrame] = []  # what is read no more is not held on to: it may be large
        for i, after in zip(blocks, [*blocks[1:], None], strict=True):
            block, (start, length, _, whole) = self.blocks[i], self.blocks[i].piece
            if whole is None or enough is not None:
                yield self._read(block, columns, enough)
                continue
            if not held:
                held.append(self._read(block._replace(piece=Piece(*whole, whole[1])), columns, None))
            again = after is not None and self.units[after] == self.units[i]
            yield (held[0] if again else held.pop()).slice(start - whole[0], length)

    def _read(self, block: Block, columns: Sequence[str], enough: int | None) -> pl.DataFrame:
        file = self._files[block.file]
        with errors(file.path):
            try:
                return file.read(block.piece, columns, enough)
            finally:
                if _state(file.path) != self._states[block.file]:  # whatever was read of it, or said about it
                    raise FileError(f"cannot read {file.path}: it has changed since its rows were counted")

    def digest(self) -> list[Any]:
        """What tells these rows from others, without reading them."""
        return [[file.path.name, file.path.stat().st_size] for file in self._files]


class Frame:
    """The rows of a lazy frame, whose plan runs again for each epoch: they come in one order; see `Files`."""

    in_any_order, semicolons = False, False
    notes: ClassVar[list[str]] = []

    def __init__(self, frame: pl.LazyFrame, memory: int) -> None:
        self._frame = frame
        with errors("the LazyFrame"):
            self.schema = dict(frame.collect_schema())
            rows = frame.select(pl.len()).collect(engine="streaming").item()
        if not rows:
            raise DataError("the LazyFrame has no rows")
        most = rows_at_once(self.schema, memory)
        parts = -(-rows // most)
        ends = [rows * i // parts for i in range(parts + 1)]
        self.blocks = [Block(0, Piece(a, b - a, b - a), a) for a, b in pairwise(ends)]
        self.units = [*range(parts)]
        self.name = "the LazyFrame"

    def name_of(self, block: int) -> str:
        """See `Files`."""
        return f"the LazyFrame, from row {self.blocks[block].first + 1:,} on"

    def frames(
        self, blocks: Sequence[int], columns: Sequence[str], enough: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """See `Files`. The plan runs once for blocks that follow each other, which therefore are read to their ends."""
        at, batches, rest = -1, iter(()), pl.DataFrame()
        for i in blocks:
            piece = self.blocks[i].piece
            if piece.start != at:
                batches, rest = self._batches(piece.start, piece.length, columns), pl.DataFrame()
            while rest.height < piece.length:
                with errors("the LazyFrame"):
                    more = next(batches, None)
                if more is None:
                    raise DataError("the LazyFrame gives fewer rows than before")
                rest = pl.concat([rest, more]) if rest.height else more
            at = piece.start + piece.length
            yield rest.head(piece.length)
            rest = rest.slice(piece.length)

    def _batches(self, start: int, size: int, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        return iter(self._frame.slice(start).select(pl.selectors.by_name(columns)).collect_batches(
            chunk_size=size, maintain_order=True, lazy=True, engine="streaming"))  # fmt: skip

    def digest(self) -> list[Any]:
        """See `Files`."""
        return [[name, str(kind)] for name, kind in self.schema.items()]


Origin = Files | Frame


def _state(path: Path) -> tuple[int, int]:
    """By what a file shows that it has been written to."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def rows_in(origin: Origin) -> int:
    """All rows, whether their target is known or not."""
    return sum(block.piece.rows for block in origin.blocks)


def origin_of(source: Any, memory: int) -> Origin:
    """The rows of a lazy frame, or of files."""
    return Frame(source, memory) if isinstance(source, pl.LazyFrame) else Files(source, memory)


def rows_at_once(schema: dict[str, Any], memory: int) -> int:
    """How many rows a block has, by what its columns take as they are and as features."""
    return max(memory // IN_MEMORY // max(sum(map(_bytes, schema.values())), 8), LEAST)


def rows_to_look_at(schema: dict[str, Any], memory: int, most: int) -> int:
    """How many rows may be kept as they are while all are looked at: ``most`` if an eighth of the memory holds them."""
    texts = sum(kind in (pl.String, pl.Categorical, pl.Enum) for kind in schema.values())
    return min(most, max(memory // 8 // (8 * (len(schema) - texts) + _TEXT * texts), LEAST * 16))


def _bytes(kind: Any) -> int:
    """What a value takes, at most about: as it is read and, if that is more, as features."""
    if kind in (pl.String, pl.Categorical, pl.Enum):
        return max(_TEXT, MOST_CATEGORIES * np.dtype("f4").itemsize)
    if kind == pl.Float32 or (kind.is_integer() and kind not in (pl.Int64, pl.UInt64, pl.Int128)):
        return 4
    return 8 if kind.is_numeric() or kind == pl.Boolean else 64


__all__ = ["IN_MEMORY", "LOTS", "Origin", "origin_of", "rows_at_once", "rows_in", "rows_to_look_at"]
