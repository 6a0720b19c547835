"""The documentation is true: code prints what it shows, links lead somewhere, nothing public is left out."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
from doc_pages import ROOT, agree, pages, run

import subgrad as sg

DOCS = ROOT / "docs"
EVERY_PAGE = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder to work in, and a terminal of a known width; pages may choose a number of threads."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    yield
    sg.set_threads(None)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("page", pages(), ids=_name)
def test_code_prints_what_the_page_shows(page):
    for block, shown, printed, numbers in run(page):
        if not agree(shown, printed, numbers):
            pytest.fail(f"{_name(page)}:{block.line} shows\n{shown}\nand it prints\n{printed}")


@pytest.mark.parametrize("page", EVERY_PAGE, ids=_name)
def test_relative_links_lead_to_files(page):
    prose = re.sub(r"```.*?```|\$[^$]+\$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose)
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert missing == []


def test_every_page_is_in_the_navigation():
    listed = re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    written = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert sorted(listed) == sorted(written)


def _documented() -> set[int]:
    """The objects that the reference pages describe: those they name, and the public ones of modules they name."""
    found: list[object] = []
    for page in (DOCS / "api").glob("*.md"):
        for path in re.findall(r"^::: ([\w.]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
            thing = _import(path)
            own = getattr(thing, "__all__", vars(thing)) if inspect.ismodule(thing) else ()
            found += [thing, *(getattr(thing, name) for name in own if not name.startswith("_"))]
    return {id(thing) for thing in found}


def _import(path: str) -> object:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        parent, _, name = path.rpartition(".")
        return getattr(_import(parent), name)


@pytest.mark.parametrize("module", [sg, sg.nn, sg.models, sg.optim, sg.optim.step, sg.data], ids=lambda m: m.__name__)
def test_the_reference_has_every_public_name(module):
    documented = _documented()
    names = getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]
    public = {name: getattr(module, name) for name in names}
    left_out = [n for n, x in public.items() if callable(x) and id(x) not in documented]
    assert left_out == []
