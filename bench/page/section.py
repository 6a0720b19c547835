"""Sections of the page that programs of their own write, between markers."""

from __future__ import annotations

from bench import store
from bench.page.report import PAGE


def put(name: str, text: str) -> None:
    """Put the section of that name into the page, in the place of the one before or at its end."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(begin)
    after = rest.partition(end)[2].strip()
    store.write_text(PAGE, f"{before.rstrip()}\n\n{begin}\n{text}\n{end}\n\n{after}".rstrip() + "\n")
