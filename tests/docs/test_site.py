"""The built pages: links lead somewhere, and a browser shows them whole, without the network and without complaints."""

from __future__ import annotations

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from doc_pages import ROOT

from chromium import needs_browser, screenshot

pytest.importorskip("mkdocs", reason="the pages are built by mkdocs-material, which is not installed")
from mkdocs.commands.build import build
from mkdocs.config import load_config
from site_in_browser import looked_at

from subgrad.playground import write_page
from subgrad.playground.compiled import Compiled


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The pages without the reference, whose docstrings take five times as long as all the rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        code = Compiled(b"", "export async function load() {}\n", {})  # tests/playground has the whole page
        patch.setattr(write_page, "compiled", lambda sizes: code)
        folder = tmp_path_factory.mktemp("site")
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), plugins=["search"]))
    return folder


class _Links(HTMLParser):
    def __init__(self, page: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        self.loaded += [given[key] for key in ("src", "href") if tag != "a" and given.get(key)]


@pytest.fixture(scope="module")
def links(site) -> dict[Path, _Links]:
    return {page: _Links(page) for page in site.rglob("index.html")}


def test_links_lead_to_pages_and_places(site, links):
    wrong = []
    for page, found in links.items():
        for link in (*found.links, *found.loaded):
            where = urlsplit(link)
            if where.scheme:
                continue
            target = (page.parent / unquote(where.path)).resolve() if where.path else page
            target = target / "index.html" if target.is_dir() else target
            there = links[target].places if target in links else {where.fragment}  # settings of the playground
            if not target.exists() or (where.fragment and where.fragment not in there):
                wrong.append((page.relative_to(site).as_posix(), link))
    assert wrong == []


def test_nothing_is_loaded_from_elsewhere(links):
    foreign = [(page, link) for page, found in links.items() for link in found.loaded if urlsplit(link).scheme]
    assert foreign == []


def test_formulas_are_mathml(site):
    page = (site / "maths" / "losses" / "index.html").read_text(encoding="utf-8")
    assert page.count("<math") > 40
    assert not re.search(r"arithmatex|\\\(|\\frac", page)


@needs_browser
def test_a_browser_shows_every_page_whole(site, links, tmp_path):
    names = [page.parent.relative_to(site).as_posix().removeprefix(".") for page in links]
    paths = [f"/{name}/".replace("//", "/") for name in names if not name.startswith("api")]
    seen = looked_at(site, paths, [1280, 390], tmp_path / "profile")
    assert len(seen) == len(paths) > 20
    assert {path: page["said"] for path, page in seen.items() if page["said"]} == {}
    assert {path: page["foreign"] for path, page in seen.items() if page["foreign"]} == {}
    for width in (1280, 390):
        wide = {path: page["wide"][str(width)]["page"] for path, page in seen.items()}
        assert {path: pixels for path, pixels in wide.items() if pixels > width} == {}
    cut = {path: page["wide"]["1280"]["cut"] for path, page in seen.items()}
    assert {path: code for path, code in cut.items() if code} == {}


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_start_page_on_a_screen(site, tmp_path, width):
    """There are letters, and a picture, which has colours."""
    seen = screenshot(site / "index.html", tmp_path / "start.png", width, 1400)
    assert seen.shape[1] == width
    body = seen[60:]  # below the bar at the top
    assert 0.02 < np.mean(np.ptp(body, axis=2) > 0.04) < 0.5
    assert 0.01 < np.mean(body.max(axis=2) < 0.6) < 0.4


def test_figures_of_the_chapters_are_made_by_their_script(tmp_path, monkeypatch):
    monkeypatch.delenv("SUBGRAD_CHECK", raising=False)
    spec = importlib.util.spec_from_file_location("figures", ROOT / "docs" / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(tmp_path)
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    for name in script.FIGURES:
        made, kept = ((folder / f"{name}.svg").read_text(encoding="utf-8") for folder in (tmp_path, script.IMAGES))
        assert f"images/{name}.svg" in text
        assert made.count("<path") == pytest.approx(kept.count("<path"), rel=0.2)  # versions of matplotlib differ
