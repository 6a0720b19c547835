"""polars, imported by its first use: ``import subgrad`` must not wait for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
else:
    from subgrad.errors import DataError

    class _Lazy:
        _used = _lost = False

        def __getattr__(self, name: str) -> Any:
            if self._lost:
                raise DataError(
                    "tables cannot be used in a process that was forked after one was made: the threads of polars did "
                    "not come along; start it by multiprocessing.get_context('spawn')"
                )
            import polars

            self._used = True
            return getattr(polars, name)

        def _forked(self) -> None:
            """In the child nobody would ever do what polars asks its threads for."""
            self._lost = self._used

    pl = _Lazy()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=pl._forked)


_IGNORE = "POLARS_IGNORE_TIMEZONE_PARSE_ERROR"


@contextmanager
def any_time_zone() -> Iterator[None]:
    """Inside, polars reads times whose zone is an offset such as +05:30, as Arrow and pandas write them."""
    before = os.environ.get(_IGNORE)
    os.environ[_IGNORE] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_IGNORE, None)
        else:
            os.environ[_IGNORE] = before


__all__ = ["any_time_zone", "pl"]
