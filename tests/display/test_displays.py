"""What notebooks show: HTML that is well formed, has what it should, and nothing of the data in its tags."""

import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.data import Table
from subgrad.fit.history import numbers

EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """The texts of the cells of each row, of an HTML whose tags are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def network() -> nn.Sequential:
    return nn.Sequential({"hidden": nn.Linear(2, 3, seed=1), "relu": nn.ReLU(), "out": nn.Linear(3, 1, seed=2)})


def test_a_module_shows_its_parts():
    page = Page(network()._repr_html_())
    assert page.rows[0] == ["Layer", "Arguments", "Parameters"]
    assert page.rows[1:] == [
        ["Sequential", "", "13"], ["  hidden: Linear", "2, 3, seed=1", "9"],
        ["  relu: ReLU", "", "0"], ["  out: Linear", "3, 1, seed=2", "4"],
    ]  # fmt: skip


def test_a_summary_is_text_and_a_table():
    found = network().summary((4, 2))
    assert isinstance(found, str)
    assert found.splitlines()[0].split() == ["Layer", "Output", "Parameters", "FLOPs"]
    assert Page(found._repr_html_()).rows[2] == ["  hidden: Linear", "(4, 3)", "9", "48"]


def test_large_networks_are_cut():
    html = nn.Sequential(*(nn.ReLU() for _ in range(150)))._repr_html_()
    assert len(Page(html).rows) == 101
    assert "and 51 more modules" in html


def test_a_table_shows_its_head_and_escapes_it():
    table = Table({"price": ["1,5", "2,25", None] * 10, f"a{EVIL}": [EVIL, "b" * 100, None] * 10})
    page = Page(html := table._repr_html_())
    assert "script" not in page.tags
    assert page.rows[0] == ["", "price\nnumber", f"a{EVIL}\ntext"]
    assert page.rows[1] == ["0", "1,5", EVIL]
    assert page.rows[2][2] == "b" * 59 + "…"
    assert page.rows[3] == ["2", "", ""]
    assert len(page.rows) == 9
    assert "30 rows, 2 columns" in html


def test_kinks_are_a_table_of_places():
    found = sg.kinks(lambda x: sg.relu(x).sum(), [0.0, 1.0, 0.0])
    op, _, line, kind, *counts = Page(found._repr_html_()).rows[1]
    assert (op, kind, counts) == ("relu", "kink", ["2", "3", "0"])
    assert line.startswith("test_displays.py:")
    assert "every op is smooth" in sg.kinks(sg.exp, 1.0)._repr_html_()


def test_a_compiled_function_and_its_program():
    net = network()
    f = sg.compile(lambda x: net(x).sum())
    assert "nothing is compiled" in f._repr_html_()
    assert repr(f).startswith("compiled test_a_compiled_function_and_its_program")
    f(np.ones((4, 2), np.float32))
    assert Page(f._repr_html_()).rows[1:] == [["argument 0", "float32", "(4, 2)"], ["result 0", "float32", "()"]]
    rows = Page(f.program()._repr_html_()).rows
    assert ["a parameter of shape (3, 2)", "float32", "(3, 2)"] in rows
    assert rows[-1] == ["result 0", "float32", "()"]


def test_an_approximation_shows_what_is_proven():
    found = sg.approximate("x**2", [(0, 1)], eps=0.1)
    rows = dict(Page(found._repr_html_()).rows)
    assert rows["network"] == f"{found.report.n} relu units by exact1d"
    assert rows["proven"].startswith("sup <= ")
    assert Page(found.report._repr_html_()).rows == Page(found._repr_html_()).rows


def test_a_history_is_a_picture(monkeypatch):
    history = sg.History([{"loss": 0.5 / k, "validation_loss": 1 / k, "seconds": 1.0} for k in (1, 2)])
    page = Page(html := history._repr_html_())
    assert {"svg", "path"} <= page.tags
    assert ">loss<" in html
    assert ">validation<" in html
    assert ">seconds<" not in html
    assert "http" not in html.replace("http://www.w3.org", "")
    assert history._repr_html_() == html  # nothing random in it
    assert repr(history) == "History(2 epochs, finished, best epoch 2; the last: loss 0.25, validation 0.5)"
    assert repr(sg.History()) == "History(no epochs yet)"
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install" in history._repr_html_()


def test_numbers_that_were_not_measured_are_left_out():
    assert numbers({"loss": 1.0, "validation_accuracy": 0.5}) == "loss 1"


def test_a_figure_shows_itself():
    history = sg.History([{"loss": 1.0}])
    figure = history.plot()
    assert len(figure.axes) == 1
    assert "currentColor" in figure._repr_html_()
    with pytest.raises(sg.errors.ArgumentError, match="cannot save a figure"):
        history.plot("picture.nothing")
