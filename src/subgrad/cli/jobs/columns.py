"""Which columns of a table are learnt from, as the options say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import typer

from subgrad.data import Table


@dataclass(frozen=True)
class Columns:
    """Columns to leave out, and the only ones to use; empty for what is of use."""

    drop: Sequence[str] = ()
    only: Sequence[str] = ()

    def check(self) -> None:
        """Raise a usage error if both are given."""
        if self.drop and self.only:
            raise typer.BadParameter("say which to drop, or which are the only ones", param_hint="'--only'")

    def of(self, table: Table, *needed: str | None) -> Table:
        """The table of these columns and of those that are needed anyway. Raises `DataError` for unknown ones."""
        table.require([*self.drop, *self.only])
        if needed_and_dropped := [name for name in needed if name in self.drop]:
            raise typer.BadParameter(f"'{needed_and_dropped[0]}' is needed", param_hint="'--drop'")
        if self.only:
            return table.only([*self.only, *(name for name in needed if name is not None)])
        return table.only(name for name in table if name not in self.drop)


__all__ = ["Columns"]
