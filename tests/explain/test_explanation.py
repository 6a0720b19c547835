"""What `explain` says of a graph: its rows against values and gradients found otherwise, and how it is printed."""

import subprocess
import sys

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, GradientError
from subgrad.explain import explain

POINTS = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
LABELS = np.array([-1.0, 1, 1, -1])


def xor_network(seed=0):
    rng = np.random.default_rng(seed)
    net = {"W": (2, 8), "b": (8,), "v": (8, 1), "c": (1,)}
    return {name: sg.Parameter(rng.normal(size=shape)) for name, shape in net.items()}


def xor_loss(net):
    f = (sg.relu(sg.tensor(POINTS) @ net["W"] + net["b"]) @ net["v"] + net["c"])[:, 0]
    return sg.softplus(-2 * sg.tensor(LABELS) * f).mean()


def by_name(rows):
    return {row.name: row for row in rows}


def test_the_gradients_of_xor_stand_in_the_rows():
    net = xor_network()
    loss = xor_loss(net)
    rows = by_name(explain(loss, net).backward)
    # The gradients by NumPy, from the formulas of the layer-wise backward pass.
    W, b, v, c = (net[k].numpy().astype(float) for k in "Wbvc")
    before = POINTS @ W + b
    hidden = np.maximum(before, 0)
    f = (hidden @ v + c)[:, 0]
    by_f = -2 * LABELS / (1 + np.exp(2 * LABELS * f)) / 4
    by_before = np.outer(by_f, v[:, 0]) * (before > 0)
    expected = {"v": hidden.T @ by_f[:, None], "c": [by_f.sum()], "W": POINTS.T @ by_before, "b": by_before.sum(0)}
    for name, gradient in expected.items():
        np.testing.assert_allclose(rows[name].cotangent, gradient, rtol=1e-4, atol=1e-6)


def test_rows_follow_the_order_of_the_passes():
    story = explain(xor_loss(net := xor_network()), net)
    forward = [row.name for row in story.forward]
    assert forward[-1] == story.backward[0].name == "E"
    place = {name: i for i, name in enumerate(forward)}
    back = [place[row.name] for row in story.backward]
    assert back == sorted(back, reverse=True)
    assert {row.name for row in story.backward if not row.products} == set(net)


def test_each_product_is_the_cotangent_times_the_local_derivative():
    for row in explain(xor_loss(net := xor_network()), net).backward:
        for product in row.products:
            if product.local is not None:
                np.testing.assert_allclose(product.value, row.cotangent * product.local, rtol=1e-6)


def test_a_cotangent_is_the_sum_of_the_products_that_reach_it():
    net = xor_network()
    w = net["W"]
    story = explain((w * w + sg.tanh(w) * w).sum(), {"w": w})
    arriving = [p.value for row in story.backward for p in row.products if p.to == "w"]
    row = by_name(story.backward)["w"]
    assert row.arrivals == len(arriving) == 4
    np.testing.assert_allclose(row.cotangent, np.sum(arriving, axis=0), rtol=1e-6)


def test_uses_count_only_inputs_on_a_way_to_what_is_asked_for():
    x, w = sg.tensor([1.0, 2.0]), sg.Parameter([3.0, 4.0])
    product = x * w
    rows = by_name(explain(product.sum(), {"w": w}).backward)
    assert [row.uses for row in rows.values()] == [1, 1, 0]
    rows = by_name(explain(product.sum(), {"w": w, "x": x}).backward)
    assert rows["x1"].uses == 2


def test_branches_in_which_the_gradient_stops_are_left_out():
    x = sg.tensor(0.5)
    story = explain(x * 3 + sg.tanh(sg.sign(x)), {"x": x})
    assert [row.name for row in story.backward] == ["E", "x1", "x"]
    assert (story.paths, story.multiplications, story.multiplications_without_reuse) == (1, 1, 1)


@pytest.mark.parametrize(
    ("make", "formula", "slopes"),
    [
        (lambda x: sg.tanh(x), "tanh(x)", ["1 - E²"]),
        (lambda x: sg.sqrt(x), "√x", ["1/(2E)"]),
        (lambda x: x / 4, "x / 4", ["1/4"]),
        (lambda x: -2 * x, "(-2)·x", ["(-2)"]),
        (lambda x: sg.exp(x), "exp(x)", ["E"]),
        (lambda x: sg.maximum(x, 0.5), "max(x, 0.5)", ["1[x > 0.5]"]),
    ],
)
def test_notation_has_the_names_filled_in(make, formula, slopes):
    x = sg.tensor(0.25)
    story = explain(make(x), {"x": x})
    assert story.forward[-1].formula == formula
    assert [p.slope for p in story.backward[0].products] == slopes


@pytest.mark.parametrize(
    ("spec", "formula", "by_a", "by_b"),
    [
        ("ij,jk->ik", "a @ b", "g @ bᵀ", "aᵀ @ g"),
        ("ij,kj->ik", "a @ bᵀ", "g @ b", "gᵀ @ a"),
        ("ij,ij->", "Σij a[ij]·b[ij]", "g·b[ij]", "a[ij]·g"),
    ],
)
def test_contractions_read_as_products_of_matrices(spec, formula, by_a, by_b):
    a, b = sg.tensor(np.ones((3, 3))), sg.tensor(np.ones((3, 3)))
    story = explain(sg.einsum(spec, a, b).sum() * 1, {"a": a, "b": b})
    node = next(row for row in story.forward if row.op == "contract")
    assert node.formula == formula
    assert [p.slope for p in by_name(story.backward)[node.name].products] == [by_a, by_b]


def test_numbers_that_the_notation_leaves_out_are_added():
    x = sg.tensor([[1.0, 2.0], [3.0, 4.0]])
    formulas = [row.formula for row in explain(sg.huber(x, delta=0.5).sum(axis=1).sum(), x).forward]
    assert any("0.5" in text for text in formulas)
    assert any("axis = 1" in text for text in formulas)


def test_an_op_without_notation_is_written_as_a_call():
    op = sg.defop(lambda a, b: a + b, name="joined_to_explain", vjp=lambda g, y, a, b: (g, g))
    a, b = sg.tensor(1.0), sg.tensor(2.0)
    story = explain(op(a, b), {"a": a, "b": b})
    assert story.forward[-1].formula == "joined_to_explain(a, b)"
    assert [p.slope for p in story.backward[0].products] == ["∂E/∂a", "∂E/∂b"]


def test_elements_on_a_kink_are_counted():
    x = sg.tensor([-1.0, 0.0, 0.0, 2.0])
    story = explain(sg.relu(x).sum(), x)
    assert [row.on_kink for row in story.forward] == [0, 2, 0]
    assert "(2 on the kink)" in str(story)


def test_constants_have_no_row_of_their_own():
    x = sg.tensor([1.0, 2.0])
    assert [row.op for row in explain((3 * x + 1).mean(), x).forward] == ["const", "mul", "add", "sum", "div"]


def test_without_wrt_the_parameters_are_asked_for_and_else_the_data():
    x, w = sg.tensor(2.0), sg.Parameter(3.0)
    assert [row.name for row in explain(x * w).backward] == ["E", "w1"]
    assert [row.name for row in explain(x * x).backward] == ["E", "x1"]


def test_a_parameter_with_an_old_and_a_new_value_has_two_names():
    w = sg.Parameter(2.0)
    old = w * 1.0
    w.assign(5.0)
    assert {"w", "w′"} <= {row.name for row in explain(old * w, {"w": w}).forward}


def test_given_names_are_not_given_twice():
    x1 = sg.tensor(2.0)
    names = [row.name for row in explain(sg.tensor(3.0) * x1, {"x1": x1}).forward]
    assert sorted(names) == ["E", "x1", "x2"]


def test_modules_give_names_and_scopes():
    net = sg.nn.Sequential({"hidden": sg.nn.Linear(2, 3), "out": sg.nn.Linear(3, 1)})
    story = explain(net(sg.tensor(POINTS)).sum(), net)
    assert {name for name, _ in net.named_parameters()} <= {row.name for row in story.forward}
    assert {row.scope for row in story.forward} == {"", "hidden", "out"}
    assert "module" in str(story).splitlines()[2]


def test_long_passes_are_cut_in_the_middle_of_what_is_printed_only():
    x = y = sg.tensor(1.0)
    for _ in range(100):
        y = sg.sin(y)
    story = explain(y, x, max_rows=10)
    assert len(story.forward) == len(story.backward) == 101
    text = str(story)
    assert text.count("91 rows left out") == 2
    assert "x5 " in text
    assert "x50 " not in text
    assert "x100 " in text


def test_a_chain_of_three_thousand_nodes():
    x = y = sg.tensor(1.0)
    for _ in range(3_000):
        y = y + 1
    assert explain(y, x, max_rows=4).backward[-1].cotangent == 1


def test_values_that_are_not_known_yet_are_question_marks():
    from subgrad.graph.tensor import placeholder

    x = placeholder((3,), "float32", "x")
    story = explain((x * x).sum(), x)
    assert all(row.value is None for row in story.forward)
    assert all(row.cotangent is None for row in story.backward)
    assert (story.paths, story.multiplications) == (2, 6)
    assert "?" in str(story)


def test_nan_and_infinity_are_pointed_out():
    x = sg.tensor([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert "1 not finite" in str(explain(sg.log(x).sum(), x))


def test_printing_and_notebooks():
    story = explain(xor_loss(net := xor_network()), net)
    text = str(story)
    assert repr(story) == text
    assert "\x1b" not in text
    assert text.splitlines()[-1] == story.count()
    html = story._repr_html_()
    assert html.count("<table>") == 2
    assert "<td>max(x6, 0)</td>" in html
    assert html.count("<tr>") == 2 + len(story.forward) + sum(max(len(row.products), 1) for row in story.backward)


def test_markup_in_a_name_is_text():
    x = sg.tensor(1.0)
    text = str(explain(x * x, {"[bold]x": x}))
    assert "[bold]x·[bold]x" in text
    assert "&lt;b&gt;x·&lt;b&gt;x" in explain(x * x, {"<b>x": x})._repr_html_()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: explain(3.0), ArgumentError, "explain takes a tensor, such as a loss, got float"),
        (lambda: explain(sg.tensor([1.0, 2.0])), GradientError, "shape (2,)"),
        (lambda: explain(sg.tensor(1)), GradientError, "only floats have gradients"),
        (lambda: explain(sg.tensor(1.0) * 2, sg.tensor(1.0)), GradientError, "no gradient gets from"),
        (lambda: explain(sg.sign(sg.tensor(1.0)) * 2), GradientError, "no gradient gets from"),
        (lambda: explain(sg.tensor(1.0) * 2, max_rows=1), ArgumentError, "max_rows is a whole number of 2"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def test_rich_is_loaded_when_something_is_printed_and_not_before():
    code = "import sys, subgrad.explain; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=_environment()).returncode == 0


def _environment():
    import os

    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
