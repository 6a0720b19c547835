"""A hook of MkDocs: formulas become MathML when the pages are built, so that a browser needs no script for them."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\s*\\[(\[](.*?)\\[)\]]\s*</\1>', re.DOTALL)
_IN_TITLE = re.compile(r"\\\((.*?)\\\)")


def mathml(latex: str, block: bool = False) -> str:
    """A formula of LaTeX, escaped as in HTML, as an element of MathML in one of HTML."""
    tag = "div" if block else "span"
    made = convert(html.unescape(latex).strip(), display="block" if block else "inline")
    return f'<{tag} class="formula">{made}</{tag}>'


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """Called by MkDocs for the HTML of each page: its formulas, and those in its table of contents."""
    pending = list(page.toc)
    while pending:
        heading = pending.pop()
        heading.title = _IN_TITLE.sub(lambda m: mathml(m[1]), heading.title)
        pending += heading.children
    return _FORMULA.sub(lambda m: mathml(m[2], block=m[1] == "div"), content)
