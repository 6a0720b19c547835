"""The page is made once."""

import pytest

import subgrad as sg
from subgrad.playground import write_page
from subgrad.playground.compiled import Compiled, compiled
from subgrad.playground.family import Sizes


@pytest.fixture(scope="session")
def code() -> Compiled:
    """The page's routines, compiled."""
    return compiled(Sizes())


@pytest.fixture
def write(code, monkeypatch, tmp_path):
    """Writes the page with what it is given, without compiling it anew, and returns its path."""

    def written(**given):
        monkeypatch.setattr(write_page, "compiled", lambda sizes: code)
        return sg.playground(path=tmp_path / "page.html", **given)

    return written
