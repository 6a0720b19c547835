"""Pictures: what stands in the DOT text, and that Graphviz takes it."""

import json
import re
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, FileError, GradientError, MissingExtraError
from subgrad.explain import draw, picture
from subgrad.graph import source_location

needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")


def residual_network():
    body = sg.nn.Sequential(sg.nn.Linear(4, 4), sg.nn.ReLU(), sg.nn.Linear(4, 4))
    return sg.nn.Sequential({"stem": sg.nn.Linear(2, 4), "block": sg.nn.Residual(body), "act": sg.nn.ReLU()})


def statements(drawing):
    """The nodes by id and the arrows of a drawing, as lines of DOT."""
    nodes = dict(re.findall(r"^ *(n\d+) \[(.*)\];$", str(drawing), re.MULTILINE))
    arrows = re.findall(r"^ *(n\d+) -> (n\d+) \[(.*)\];$", str(drawing), re.MULTILINE)
    return nodes, arrows


def text_of(attributes):
    """The label without its markup; empty if there is none."""
    label = re.search("label=<(.*)>", attributes)
    return re.sub(r"<[^<>]*>", "", label[1]) if label else ""


def parse(drawing, form="dot_json"):
    """The drawing as Graphviz reads it; with places as "json"."""
    done = subprocess.run(["dot", f"-T{form}"], input=str(drawing).encode(), capture_output=True, check=True)
    assert done.stderr == b""
    return json.loads(done.stdout)


def test_constants_repeats_and_reshapes_are_no_nodes():
    x, b = sg.tensor(np.ones((4, 2))), sg.Parameter([1.0, 2.0])
    nodes, arrows = statements(draw(((x + b) * 3).reshape(-1).sum()))
    assert {text_of(label) for label in nodes.values()} == {"+", "w12", "x14×2", "Σ", "× 3"}
    assert {text_of(label) for *_, label in arrows} == {"", " 4×2 ", " 4×2 → 8 ", " → 4×2 "}


def test_parameters_data_and_kinks_look_different():
    x, w = sg.tensor([1.0, 2.0]), sg.Parameter([1.0, 2.0])
    nodes, _ = statements(draw(sg.relu(x * w), {"w": w}))
    looks = {text_of(label): label for label in nodes.values()}
    assert "shape=ellipse" in looks["x12"]
    assert "shape=box" in looks["w2"]
    assert "has a kink" in looks["relu ∠"]
    assert "has a kink" not in looks["×"]


def test_only_the_shortcut_of_a_residual_block_is_heavy():
    _, arrows = statements(draw(residual_network(), input_shape=(3, 2)))
    assert len([label for *_, label in arrows if "penwidth" in label]) == 1
    x, w = sg.tensor([1.0]), sg.Parameter([1.0])
    _, arrows = statements(draw(sg.exp(x) + sg.exp(sg.exp(w))))  # two ways of unequal length, and no shortcut
    assert not any("penwidth" in label for *_, label in arrows)


@needs_graphviz
def test_frames_are_nested_as_the_modules_are():
    parsed = parse(draw(residual_network(), input_shape=(3, 2)))
    frames = {item["_gvid"]: item for item in parsed["objects"] if item["name"].startswith("cluster")}
    labels = {gvid: re.sub("<[^>]*>", "", item["label"]) for gvid, item in frames.items()}
    inside = {labels[gvid]: sorted(labels[s] for s in item.get("subgraphs", [])) for gvid, item in frames.items()}
    layers = ["0 Linear", "2 Linear"]  # a lone relu has no frame
    assert inside == {"stem": [], "block": ["body"], "body": layers, "0 Linear": [], "2 Linear": []}


@needs_graphviz
def test_graphviz_finds_the_nodes_and_arrows_of_the_graph():
    parsed = parse(draw(residual_network(), input_shape=(3, 2)))
    nodes = [item for item in parsed["objects"] if not item["name"].startswith("cluster")]
    # 1 argument; 3 layers of 2 parameters, a product and a sum; 2 relus; the join
    assert len(nodes) == 1 + 3 * 4 + 2 + 1
    assert len(parsed["edges"]) == 3 * 4 + 2 + 2


@needs_graphviz
@pytest.mark.parametrize(
    "name", ['"]; evil [', "<b>&amp;</i>", "back\\slash\\n", "new\nline", "{a|b}", "\x00\x1b", "Ω 中"]
)
def test_hostile_names_are_only_text(name, tmp_path):
    w = sg.Parameter([1.0])
    with source_location.enter(name):
        y = sg.relu(w * 2)
    drawing = draw(y.sum(), {name: w}, backward=True)
    assert len([o for o in parse(drawing)["objects"] if not o["name"].startswith("cluster")]) == 4
    drawing.save(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


def test_the_way_back_shows_local_derivatives_where_gradients_go():
    x, w = sg.tensor([1.0, 2.0]), sg.Parameter([1.0, 2.0])
    drawing = draw((sg.tanh(w) * x).sum(), {"w": w}, backward=True)
    labels = [(text_of(label), "dir=both" in label) for *_, label in statements(drawing)[1]]
    assert set(labels) == {(" 2 ", True), (" 2  × x2 ", True), (" × (1 - x1²) ", True), ("", False)}


def test_the_way_back_from_an_output_that_is_no_scalar():
    drawing = draw(residual_network(), input_shape=(3, 2), backward=True)
    assert "dir=both" in str(drawing)
    assert "g @ weight" in str(drawing)
    assert "used 2×" in str(drawing)


def test_a_deep_graph_is_drawn():
    y = sg.tensor(1.0)
    for _ in range(5000):
        y = y + y
    assert len(statements(draw(y))[0]) == 5001


def test_saving_text(tmp_path):
    drawing = draw(sg.tensor(1.0) * 2)
    drawing.save(tmp_path / "net.dot")
    assert (tmp_path / "net.dot").read_text(encoding="utf-8") == drawing.dot == str(drawing)
    assert [p.name for p in tmp_path.iterdir()] == ["net.dot"]
    assert ".save(" in repr(drawing)


@needs_graphviz
@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_saving_pictures(suffix, start, tmp_path):
    draw(sg.tensor(1.0) * 2).save(tmp_path / f"net.{suffix}")
    assert (tmp_path / f"net.{suffix}").read_bytes().startswith(start)


@needs_graphviz
def test_notebooks_get_an_svg():
    svg = draw(sg.tensor(1.0) * 2)._repr_svg_()
    assert svg is not None
    assert "</svg>" in svg


def test_without_graphviz(monkeypatch, tmp_path):
    monkeypatch.setattr(picture.shutil, "which", lambda _: None)
    drawing = draw(sg.tensor(1.0) * 2)
    assert drawing._repr_svg_() is None
    with pytest.raises(MissingExtraError, match="apt install graphviz"):
        drawing.save(tmp_path / "net.svg")
    drawing.save(tmp_path / "net.gv")
    assert [p.name for p in tmp_path.iterdir()] == ["net.gv"]


@needs_graphviz
def test_what_graphviz_says_is_passed_on(tmp_path):
    with pytest.raises(FileError, match="syntax error"):
        picture.Drawing("digraph {").save(tmp_path / "net.svg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: draw(3.0), ArgumentError, "draw takes a tensor or a module, got float"),
        (lambda: draw(sg.nn.Linear(2, 1)), ArgumentError, "input_shape=(1, 2)"),
        (lambda: draw(sg.tensor(1) + 1, backward=True), GradientError, "only floats"),
        (lambda: draw(sg.tensor(1.0)).save("net.jpg"), ArgumentError, "net.jpg"),
        (lambda: draw(sg.tensor(1.0)).save("no/such/place/net.dot"), FileError, "cannot write"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def boxes(picture):
    return re.findall(r"label=<<b>(\w+)</b><br/><font[^>]*>(\w+)</font>>", str(picture))


def test_modules_close_at_a_depth():
    net = sg.models.resnet(8, channels=1)
    assert [name for name, _ in boxes(sg.draw(net, input_shape=(2, 1, 8, 8), depth=1))] == [
        "conv1", "bn1", "layer1", "layer2", "layer3", "pool", "fc",
    ]  # fmt: skip
    inside = boxes(sg.draw(net, input_shape=(2, 1, 8, 8), depth=2))
    assert [kind for _, kind in inside if kind == "ResidualBlock"] == ["ResidualBlock"] * 3
    layers = boxes(sg.draw(net, input_shape=(2, 1, 8, 8), depth=3))
    assert len([kind for _, kind in layers if kind in ("Conv2d", "BatchNorm2d")]) == 14


def test_branches_that_meet_inside_of_a_module_are_one_box():
    net = nn.Sequential(nn.Inception(2, 2, (2, 2), (1, 2), 2), nn.Flatten(), nn.Linear(8 * 9, 2))
    picture = sg.draw(net, input_shape=(1, 2, 3, 3), depth=1)
    assert boxes(picture) == [("0", "Inception"), ("2", "Linear")]
    assert str(picture).count("->") == 2


def test_two_calls_of_one_module_are_two_boxes_and_no_circle():
    class Twice(nn.Module):
        def __init__(self):
            self.step = nn.Sequential(nn.Linear(3, 3), nn.Tanh())

        def forward(self, x):
            return self.step(sg.relu(self.step(x)))

    picture = str(sg.draw(Twice(), input_shape=(1, 3), depth=1))
    assert boxes(picture) == [("step", "Sequential")] * 2
    assert len(re.findall(r"shape=box, style=filled", picture)) == 2  # weight and bias, which both calls use


def test_a_shortcut_around_boxes_stays_an_arrow():
    class Block(nn.Module):
        def __init__(self):
            self.body = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))

        def forward(self, x):
            return x + self.body(x)

    picture = str(sg.draw(nn.Sequential(Block(), Block()), input_shape=(1, 3), depth=2))
    assert boxes(picture) == [("body", "Sequential")] * 2
    assert picture.count("penwidth=1.6];") == 2  # the two shortcuts leap


def test_large_networks_close_by_themselves_and_backward_passes_do_not():
    net = sg.models.resnet20(channels=1)
    whole = str(sg.draw(net, input_shape=(2, 1, 8, 8)))
    assert 0 < len(boxes(whole)) < 100
    before = net.state_dict()["bn1.running_mean"]
    sg.draw(net, input_shape=(2, 1, 8, 8))
    np.testing.assert_array_equal(net.state_dict()["bn1.running_mean"], before)
    with pytest.raises(ArgumentError, match="depth=1 and backward=True"):
        sg.draw(net, input_shape=(2, 1, 8, 8), depth=1, backward=True)
    with pytest.raises(ArgumentError, match="depth is a whole number of 1 or more, got 0"):
        sg.draw(net, input_shape=(2, 1, 8, 8), depth=0)
    with pytest.raises(ArgumentError, match="depth is a whole number of 1 or more, got 1.5"):
        sg.draw(net, input_shape=(2, 1, 8, 8), depth=1.5)


def test_branches_have_names_and_come_as_they_were_written():
    net = nn.Sequential(nn.Inception(2, 2, (2, 2), (1, 2), 2), nn.GlobalAvgPool())
    closed = str(draw(net, input_shape=(1, 2, 3, 3), depth=3))
    assert re.findall(r"<b>(paths.\d)</b><br/><font[^>]*>Sequential", closed) == [f"paths.{i}" for i in range(4)]
    opened = str(draw(net, input_shape=(1, 2, 3, 3), depth=5))
    frames = re.findall(r"label=<<b>([\w.]+)</b> ?(?:<font[^>]*>(\w+)</font>)?>;", opened)
    assert frames[0] == ("0", "Inception")
    assert [f for f in frames if f[1] == "Sequential"] == [(f"paths.{i}", "Sequential") for i in range(4)]
    assert ("paths", "") not in frames


class Ways(nn.Module):
    """Branches of several lengths: the second is the longest, and one begins lower than the others."""

    def __init__(self):
        self.ways = [
            nn.Sequential(nn.Linear(3, 4), nn.Tanh()),
            nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)),
            nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4)),
            nn.Sequential(nn.Tanh(), nn.Linear(3, 4)),
        ]

    def forward(self, x):
        return sg.concatenate([way(x) for way in self.ways], axis=1)


@needs_graphviz
@pytest.mark.parametrize(
    ("net", "shape"),
    [(Ways(), (1, 3)), (nn.Inception(2, 2, (2, 2), (1, 2), 2), (1, 2, 3, 3))],
    ids=["ways", "inception"],
)
def test_open_branches_stand_side_by_side_as_they_were_written(net, shape):
    clusters = [o for o in parse(draw(net, input_shape=shape, depth=9), "json")["objects"] if "bb" in o]
    frames = {re.sub("<.*?>", "", o["label"]): [float(v) for v in o["bb"].split(",")] for o in clusters}
    branches = [frames[f"{name}.{i} Sequential"] for name in ("ways", "paths") for i in range(4)
                if f"{name}.{i} Sequential" in frames]  # fmt: skip
    assert len(branches) == 4
    assert all(before[2] < after[0] for before, after in pairwise(branches))


def test_what_follows_a_branch_is_none():
    class Skip(nn.Module):
        def __init__(self):
            self.first, self.second = (nn.Sequential(nn.Linear(3, 3), nn.Tanh()) for _ in range(2))

        def forward(self, x):
            return self.second(self.first(x) + x) * x

    assert "rank=same" not in str(draw(Skip(), input_shape=(1, 3), depth=9))


def test_the_step_of_a_loop_is_a_level():
    net = nn.Sequential({"embed": nn.Embedding(10, 3), "rnn": nn.RNN(3, 4)})
    outside = str(draw(net, input_shape=(2, 7), depth=1))  # integers, since an embedding takes no floats
    assert "each of" not in outside
    closed = draw(net, input_shape=(2, 7), depth=2)
    assert "<b>each of 7 steps</b>" in str(closed)
    nodes, arrows = statements(draw(net, input_shape=(2, 7), depth=3))
    texts = {key: text_of(label) for key, label in nodes.items()}
    assert [(texts[a], texts[b]) for a, b, label in arrows if "dashed" in label] == [("tanh", "state 12×4")]
    assert list(texts.values()).count("matmul") == 2  # of the inputs of all steps together, and of the state


def test_a_first_state_has_an_arrow_into_the_loop():
    class Decoder(nn.Module):
        def __init__(self):
            self.rnn, self.start = nn.RNN(3, 4), nn.Linear(2, 4)

        def forward(self, x, z):
            return self.rnn(x, sg.expand_dims(self.start(z), 0))[0]

    nodes, arrows = statements(draw(Decoder(), input_shape=[(2, 7, 3), (2, 2)], depth=2))
    texts = {key: text_of(label) for key, label in nodes.items()}
    into = [texts[a] for a, b, label in arrows if texts[b].startswith("state") and "dashed" not in label]
    assert len(into) == 1
    assert {"x12×7×3", "x22×2"} <= set(texts.values())


def test_modules_with_several_outputs():
    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(2, 3), nn.Linear(2, 1)

        def forward(self, x):
            return {"class": self.a(x), "number": self.b(x)}

    nodes, _ = statements(draw(Two(), input_shape=(4, 2)))
    assert sum("matmul" in text_of(label) for label in nodes.values()) == 2
    with pytest.raises(ArgumentError, match="this module returned 2: draw one of them"):
        draw(Two(), input_shape=(4, 2), backward=True)
    with pytest.raises(ArgumentError, match="returns tensors, this one returned str"):
        draw(nn.Lambda(str), input_shape=(4, 2))
