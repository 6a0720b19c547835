"""Where a node comes from: the user's source line, and the module that was running."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import NamedTuple

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Site(NamedTuple):
    """A line of the user's code."""

    file: str
    line: int

    def __str__(self) -> str:
        cell = _cell(self.file)
        return f"{cell}, line {self.line}" if cell else f"{os.path.basename(self.file)}:{self.line}"


def _cell(file: str) -> str:
    """What a notebook calls the cell that it keeps under the name of this file, such as ``Cell In[3]``."""
    notebook = sys.modules.get("IPython")
    shell = notebook.get_ipython() if notebook else None
    name = getattr(getattr(shell, "compile", None), "format_code_name", None)
    found = name(file) if name else None
    return " ".join(found) if found else ""


class _State(threading.local):
    scope: str = ""
    site: Site | None = None


_state = _State()


def user_site() -> Site:
    """The innermost line outside this package, or the line that `inherit` has set."""
    if _state.site is not None:
        return _state.site
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_PACKAGE) and frame.f_back is not None:
        frame = frame.f_back
    return Site(frame.f_code.co_filename, frame.f_lineno)


def scope() -> str:
    """The path of the running module, such as ``encoder.hidden``; empty outside of modules."""
    return _state.scope


@contextlib.contextmanager
def enter(name: str) -> Iterator[None]:
    """Nodes made inside belong to the module ``name`` of the module that is running."""
    before = _state.scope
    _state.scope = f"{before}.{name}" if before else name
    try:
        yield
    finally:
        _state.scope = before


class inherit:
    """Nodes made inside come from ``site`` and ``scope``: how backprop's nodes keep the user's line.

    A class, since the compiler enters it once for each node in each pass: a generator takes twice as long.
    """

    __slots__ = ("_before", "_inside")

    def __init__(self, site: Site, scope: str) -> None:
        self._inside = site, scope

    def __enter__(self) -> None:
        self._before = _state.site, _state.scope
        _state.site, _state.scope = self._inside

    def __exit__(self, *_: object) -> None:
        _state.site, _state.scope = self._before
