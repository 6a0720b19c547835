"""The page by keyboard alone, and what axe says of it."""

from importlib import resources

import pytest
from browser import browser

from chromium import needs_browser

pytestmark = needs_browser


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened
        assert opened.problems() == []


FOCUSED = "document.activeElement.id || document.activeElement.closest('[id]').id"


def test_everything_is_reached_by_tab_and_shows_where_it_is(write, tab):
    tab.show(write(), "net=plain&start=random")
    seen = []
    for _ in range(60):
        tab.key("Tab")
        seen.append(tab.run(FOCUSED))
        if seen[-1] == "numbers":
            break
    wanted = ["play", "step", "reset", "set-data", "surface", "tap", "kinks", "clear", "csv", "network", "sample"]
    assert [name for name in seen if name in wanted] == wanted
    assert {"walk-back", "walk-on", "link", "python", "weights", "numbers"} <= {*seen}
    tab.run("document.getElementById('surface').focus()")
    assert tab.run("getComputedStyle(document.activeElement).outlineWidth") == "2px"


def test_a_weight_is_chosen_and_set_without_a_pointer(write, tab):
    tab.show(write(), "start=hand")
    tab.run("document.querySelector('#network [tabindex=\"0\"]').focus()")
    for name in ("ArrowRight", "ArrowDown", "Enter"):
        tab.key(name)
    picked = "[playground.selected.from?.unit, playground.selected.to?.unit, playground.selected.to?.layer]"
    assert tab.run(picked) == [0, 1, 0]
    tab.key("Enter")
    assert tab.run(picked) == [1, 1, 0]
    assert "x₂ → h₁₂: gradient" in tab.run("document.getElementById('picked-text').textContent")
    before = tab.run("playground.training.last.loss")
    tab.run("document.getElementById('weight').select(); document.getElementById('weight').focus()")
    for name in "7":
        tab.key(name)
    tab.key("Enter")
    assert tab.run("playground.model.state.first_weight[3]") == 7
    assert tab.run("playground.training.last.loss") != before


def test_points_are_added_and_steps_taken_by_keys(write, tab):
    tab.show(write(), "net=plain&start=random")
    tab.run("document.getElementById('tap').value = '1'; document.getElementById('surface').focus()")
    for name in ("ArrowRight", "ArrowRight", "ArrowUp", "Enter"):
        tab.key(name)
    assert tab.run("playground.data.points.at(-1)") == [0.2, 0.1]
    tab.run("document.getElementById('step').focus()")
    for name in ("Enter", " ", "Enter"):
        tab.key(name)
    assert tab.run("playground.training.step") == 3


AXE = """
axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
  violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`))
"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(write, tab, width, dark):
    pytest.importorskip("axe_core_python", reason="axe-core-python, which has axe in it, is not installed")
    script = resources.files("axe_core_python").joinpath("axe.min.js")
    tab.show(write(), "net=plain&start=hand&held=20&data=xor", width=width, dark=dark)
    tab.run("document.getElementById('settings').open = document.getElementById('numbers').open = true")
    tab.click("#walk-on")
    tab.run(script.read_text(encoding="utf-8") + "; 0")
    assert tab.run(AXE) == []
