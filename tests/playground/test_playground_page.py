"""The page: alone, small, and as a browser shows it."""

import io
import json
import re

import numpy as np
import pytest
from browser import browser
from matplotlib.image import imread

import subgrad as sg
from chromium import needs_browser
from subgrad import nn
from subgrad.errors import ArgumentError, FileError

rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened
        assert opened.problems() == []  # whatever the tests below have done


def test_it_is_one_small_file_that_loads_nothing(write):
    text = write().read_text(encoding="utf-8")
    assert len(text.encode()) < 150_000
    assert text.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in text
    assert not re.search(r"https?://(?!www\.w3\.org/)|@import|url\(", text)
    assert not re.search(r"^(?:import|export) ", text, flags=re.MULTILINE)
    assert set(re.findall(r'(?:src|href)="([^"]*)"', text)) == {"data:,"}


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_xor_is_stuck_without_a_hidden_layer_and_learnt_with_one(write, tab, width):
    tab.show(write(), width=width)
    assert "the gradient is 0" in tab.run("document.getElementById('story').textContent")
    for _ in range(3):
        tab.click("#step")
    assert tab.run("[playground.training.step, playground.training.last.loss]") == [3, pytest.approx(np.log(2))]
    tab.click("#next button")
    assert tab.run("location.hash") == "#net=plain&start=random"
    tab.click("#play")
    enough = "playground.training.last.loss < 0.1"
    tab.run(f"new Promise((done) => {{ const look = () => ({enough} ? done() : setTimeout(look, 20)); look(); }})")
    tab.click("#play")
    assert tab.run("[playground.playing, playground.training.quality().right]") == [False, 4]
    assert tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    shown = imread(io.BytesIO(tab.picture()))[:, :, :3]
    assert shown.std() > 0.1


@needs_browser
def test_it_is_dark_where_that_is_preferred(write, tab):
    page = write()
    tones = []
    for dark in (False, True):
        tab.show(page, dark=dark)
        tones.append(imread(io.BytesIO(tab.picture()))[5, 5, :3].mean())
    assert tones[1] < 0.2 < 0.8 < tones[0]


@needs_browser
def test_a_point_on_two_kinks_shows_the_whole_interval_and_what_is_chosen(write, tab):
    tab.show(write(), "start=hand")
    for _ in range(7):
        tab.click("#walk-on")
    said = tab.run("document.getElementById('walk').textContent")
    slope = 2 / (1 + np.exp(2))  # of ln(1 + exp(-2yf)) at y = f = -1
    assert f"in [0, {slope:.3f}] is right. The one of least norm is taken, 0." in said
    assert "used 3 times" in said
    tab.click("#walk-on")
    assert "took 10 products" in tab.run("document.getElementById('walk').textContent")


@needs_browser
def test_both_kinks_together_are_a_box(write, tab):
    tab.show(write(), "start=hand")
    for _ in range(9):
        tab.click("#walk-on")
    said = tab.run("document.getElementById('walk').textContent")
    slope = 2 / (1 + np.exp(2))
    sides = tab.run("playground.training && [...document.querySelectorAll('#walk .plane .area')].length")
    assert sides == 1
    assert "the whole subdifferential, a box" in said
    assert f"{slope:.3f}" in said
    assert "its point of least norm, (0, 0)" in said


@needs_browser
@pytest.mark.parametrize("settings", ["data=circles", "data=waves&loss=huber", "data=blobs&classes=3"])
def test_points_that_are_held_out_have_a_loss_of_their_own(write, tab, settings):
    """The same as a compiled step gives for these points alone."""
    page, hidden = write(), "&noise=0.3&net=plain&start=random&samples=40"
    tab.show(page, settings + hidden + "&held=20")
    tab.run("playground.training.run(20)")
    assert tab.run("[playground.data.points.length, playground.data.held.points.length]") == [32, 8]
    loss = tab.run("playground.training.held")
    assert loss == tab.run("playground.training.curve.held.at(-1)")
    wanted = tab.run("""(() => {
        const { training, data } = playground;
        Object.assign(training.data, { ...data.held, held: undefined });
        training.measure();
        return training.last.loss;
    })()""")
    assert loss == pytest.approx(wanted, rel=1e-5)


@needs_browser
def test_points_can_be_drawn_and_shared(write, tab):
    page = write()
    tab.show(page)
    tab.run("document.getElementById('tap').value = '1'")
    tab.run("""(() => {
        const surface = document.getElementById("surface"), box = surface.getBoundingClientRect();
        const place = { clientX: box.left + box.width / 4, clientY: box.top + box.height / 4 };
        surface.dispatchEvent(new MouseEvent("click", place));
    })()""")
    drawn, address = tab.run("[JSON.stringify(playground.data), location.hash]")
    assert '[-0.8,0.8]],"targets":[-1,1,1,-1,1]' in drawn
    tab.show(page, address[1:])
    assert tab.run("JSON.stringify(playground.data)") == drawn
    tab.show(page, "data=own&kind=classes&points=1_1_zz&a=1e9&net=none&speed=20&noise=")  # wrong ones are left out
    assert tab.run("[playground.settings.data, playground.settings.a, playground.settings.speed]") == ["xor", 0.2, "20"]


@needs_browser
def test_a_table_of_many_columns_is_shown_by_principal_components(write, tab):
    X = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
    y = np.array(["low", "middle", "high"])[np.digitize(X[:, 0], [-1, 1])]
    tab.show(write(data=(X, y)))
    assert tab.run("[playground.data.kind, playground.settings.loss]") == ["classes", "cross_entropy"]
    assert tab.run("playground.net.outputs") == 3
    assert f"y = {y[0]}," in tab.run("document.getElementById('walk').textContent")
    points = np.array(tab.run("playground.data.points"))
    Z = (X - X.mean(0)) / X.std(0)
    directions = np.linalg.svd(Z, full_matrices=False)[2][:2]
    for axis, direction in enumerate(directions):
        assert abs(np.corrcoef(points[:, axis], Z @ direction)[0, 1]) > 0.999
    tab.run("playground.csv('a;b;c\\n1;2;3,5\\n')")
    assert "cannot be used" in tab.run("document.getElementById('message').textContent")
    table = 'a,"b, c",t\n' + "\n".join(f"{i},{i * i},{i / 3}" for i in range(1, 9))
    tab.run(f"playground.csv({json.dumps(table)})")
    assert tab.run("document.getElementById('message').textContent") == "8 rows; t from a, b, c"
    assert tab.run("[playground.data.kind, playground.settings.loss]") == ["numbers", "squared"]


@needs_browser
def test_a_small_table_is_in_the_link(write, tab):
    page = write()
    tab.show(page)
    table = 'a,"b, c",t\n' + "\n".join(f"{i},{i * i},{['no', 'yes'][i % 2]}" for i in range(1, 9))
    tab.run(f"playground.csv({json.dumps(table)})")
    known = "[playground.data.axes, playground.data.labels, playground.data.points, playground.data.targets]"
    there, address = tab.run(known), tab.run("location.hash")
    assert there[:2] == [["a", "b, c"], ["no", "yes"]]
    tab.show(page, address[1:])
    assert tab.run(known) == there


@needs_browser
def test_a_network_from_python_is_the_one_on_the_page(write, tab):
    second = nn.Residual(nn.Sequential(nn.Linear(5, 5, seed=2), nn.Tanh()))
    net = nn.Sequential(nn.Linear(2, 5, seed=1), nn.Tanh(), second, nn.Linear(5, 3, seed=3))
    tab.show(write(net=net))
    points = tab.run("playground.data.points")
    scores = tab.run("playground.training.scores(playground.data.points).map((f) => [...f])")
    np.testing.assert_allclose(scores, net(np.array(points, np.float32)).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"net": nn.Linear(3, 1)}, "networks of 2 inputs, this one has 3"),
        ({"net": nn.Sequential(nn.Linear(2, 4), nn.GELU(), nn.Linear(4, 1))}, "got Linear then GELU"),
        ({"net": nn.Sequential(nn.Linear(2, 4), nn.ReLU())}, "Sequential that ends in ReLU"),
        ({"net": nn.Linear(2, 9)}, "6 outputs at most"),
        ({"data": (np.zeros((3, 1)), np.zeros(3))}, "two columns of inputs and a target"),
        ({"data": (np.zeros((3, 2)), np.zeros(4))}, r"got \(3, 2\) and \(4,\)"),
        ({"data": 3.5}, "got float"),
    ],
)
def test_what_cannot_be_shown_is_refused(write, tmp_path, given, message):
    with pytest.raises(ArgumentError, match=message):
        write(**given)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_points_that_is_not_there(write):
    with pytest.raises(FileError, match="cannot read points.csv: No such file"):
        write(data="points.csv")


def test_a_page_that_cannot_be_written(tmp_path):
    with pytest.raises(FileError, match="cannot write"):
        sg.playground(path=tmp_path / "none" / "page.html")
