"""Ops without bounds, and those that jump: they are run, and never an error or a proof."""

import numpy as np
import pytest
from typer.testing import CliRunner

import subgrad as sg
from subgrad.bounds import Case, Unreachable, Verdict
from subgrad.cli import app

BOX = [(-1, 1), (0, 1)]


def halved(x):
    return sg.right_shift((8 * x[:, 1:]).astype("int64"), 1)


def test_a_run_shows_what_bounds_cannot():
    """From 0 to 4; nothing is proven."""
    found = sg.verify(halved, Unreachable([Case(BOX, [[-1]], [-3])]), budget=400)
    assert found.status == "refuted"
    assert found.outputs[0] >= 3
    found = sg.verify(halved, Unreachable([Case(BOX, [[-1]], [-5])]), budget=400)
    assert (found.status, found.unbounded) == ("unknown", ("right_shift",))


def test_places_of_the_largest():
    scores = lambda x: sg.concatenate([x, 0.3 - x], 1)  # noqa: E731
    place = lambda x: sg.argmax(scores(x), 1)[:, None]  # noqa: E731
    x = np.random.default_rng(0).uniform([-1, 0], [1, 1], (5000, 2))
    y = place(sg.tensor(x, "float64")).numpy()
    for k in range(4):
        found = sg.verify(place, Unreachable([Case(BOX, [[1], [-1]], [k, -k])]), budget=3000)
        assert (found.status == "refuted") == bool((y == k).any())
    assert sg.verify(place, Unreachable([Case(BOX, [[-1]], [-4])])).status == "proven"
    one = lambda x: sg.take_along_axis(scores(x), sg.argmax(scores(x), 1)[:, None], 1)  # noqa: E731
    assert sg.verify(one, Unreachable([Case(BOX, [[1]], [-1])]), budget=200).status != "refuted"


@pytest.mark.parametrize("slope", [-0.5, 0.25, 1.5])
def test_choices_by_sign_are_kinks(slope):
    """PReLU is exact on both sides: one box decides what lies between its chord and its sides."""
    choose = lambda x: sg.where(x < 0, slope * x, x)  # noqa: E731
    turned = lambda x: sg.where(x > 0, -x, slope * x)  # noqa: E731
    x = np.linspace(-1, 1, 2001)
    for f, y in ((choose, np.where(x < 0, slope * x, x)), (turned, np.where(x > 0, -x, slope * x))):
        for sign in (-1, 1):
            least = (sign * y).min()
            row = [[sign]]
            first = lambda x, f=f: f(x[:, :1])  # noqa: E731
            assert sg.verify(first, Unreachable([Case(BOX, row, [least - 1e-6])]), budget=60).status == "proven"
            assert sg.verify(first, Unreachable([Case(BOX, row, [least + 1e-6])]), budget=60).status == "refuted"


def test_the_command_answers_unknown_and_says_why(tmp_path, monkeypatch):
    onnx = pytest.importorskip("onnx")
    node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes, ends = [node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)], ([info("x", 1, [1, 2])], [info("y", 7, [1])])
    graph = onnx.helper.make_graph(nodes, "g", *ends)
    path, prop = tmp_path / "net.onnx", tmp_path / "prop.vnnlib"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)
    text = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)" + "".join(
        f"(assert (>= X_{i} 0))(assert (<= X_{i} 1))" for i in range(2)
    )
    for limit, code, first in (("1", 3, "sat"), ("2", 0, "unsat")):
        prop.write_text(f"{text}(assert (>= Y_0 {limit}))")
        done = CliRunner().invoke(app, ["verify", str(path), str(prop)])
        assert (done.exit_code, done.stdout.split("\n")[0]) == (code, first)
    given = {"status": "unknown", "bound": np.inf, "value": -1.0, "witness": None, "stuck": None, "boxes": 1}
    without = Verdict("a claim", **given, seconds=0.1, unbounded=("right_shift",))
    monkeypatch.setattr("subgrad.bounds.verify", lambda *_, **__: without)
    done = CliRunner().invoke(app, ["verify", str(path), str(prop)])
    assert (done.exit_code, done.stdout) == (4, "unknown\n")
    assert done.stderr == "there are no bounds for the op right_shift\n"
