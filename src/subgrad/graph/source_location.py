"""Where a node comes from: the user's source line, and the module that was running."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from types import FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NAME = __name__.partition(".")[0]
_LIBRARIES = tuple(os.path.join(os.sep, name, "") for name in ("site-packages", "dist-packages"))
_STANDARD = tuple(os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "platstdlib"))
_PROGRAMS = os.path.join(sysconfig.get_path("scripts"), "")


class Site(NamedTuple):
    """A line of the user's code."""

    file: str
    line: int

    def __str__(self) -> str:
        if not self.file:
            return "no line of yours"
        cell = _cell(self.file)
        return f"{cell}, line {self.line}" if cell else f"{os.path.basename(self.file)}:{self.line}"

    def after(self, message: str) -> str:
        """The message with the line behind it, if there is one.

        >>> Site("/home/me/net.py", 7).after("wrong"), NOWHERE.after("wrong")
        ('wrong (at net.py:7)', 'wrong')
        """
        return f"{message} (at {self})" if self.file else message


NOWHERE = Site("", 0)
"""In the place of a line where no code of the user runs: a command, or a thread that a library has started."""


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
    """The innermost line outside of this package and of libraries that call it, or the line that `inherit` has set."""
    if _state.site is not None:
        return _state.site
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        users = _users.get(file)
        if users is None:
            users = _users[file] = _is_users(file, frame.f_globals)
        if users:
            return Site(file, frame.f_lineno)
        frame = frame.f_back
    return NOWHERE


_users: dict[str, bool] = {}


def _is_users(file: str, names: dict[str, Any]) -> bool:
    """Whether a file is the user's: no library, or one that uses this package.

    Others call it without knowing it: a framework calls a command, or a pipeline an estimator.
    """
    if file.startswith((_PACKAGE, _PROGRAMS, "<frozen ")):
        return False
    if any(part in file for part in _LIBRARIES):
        return any(_is_ours(value) for value in names.values())
    return not file.startswith(_STANDARD)


def _is_ours(value: object) -> bool:
    if isinstance(value, ModuleType):
        name = value.__name__
    else:
        name = value.__module__ if isinstance(value, (type, FunctionType)) else type(value).__module__
    return str(name).partition(".")[0] == _NAME


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
