"""polars, imported by its first use: ``import subgrad`` must not wait for it."""

from __future__ import annotations

import os
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

__all__ = ["pl"]
