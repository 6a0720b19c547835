"""For the reference pages: doctests become fenced code blocks; Markdown would take them for quotations."""

from __future__ import annotations

import re
from typing import Any

import griffe

_DOCTEST = re.compile(r"^(?P<indent> *)>>> .*(?:\n(?P=indent)(?!\s*$).*)*", re.MULTILINE)


def fenced(text: str) -> str:
    """``text`` with a fence around each run of doctest lines up to an empty line."""
    return _DOCTEST.sub(lambda m: f"{m['indent']}```pycon\n{m[0]}\n{m['indent']}```", text)


class Doctests(griffe.Extension):
    """Applies `fenced` to every docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
