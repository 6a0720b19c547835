"""The first passes: values stay, equal nodes become one, identities go, and the graph stays sound."""

import numpy as np
import pytest

import subgrad as sg
from samples import KINKS, SMOOTH
from subgrad.compile.codegen.lower import LOWER
from subgrad.compile.passes.simplify import Merger, expand, rewrite
from subgrad.compile.pipeline import simplify
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.graph.op import TABLE
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, placeholder
from subgrad.graph.verify_graph import check_graph

OURS = {name: op for name, op in TABLE.items() if op.ref.__module__.startswith("subgrad.")}
COMPOUND = [name for name, op in OURS.items() if LOWER.way(op) == "expand"]
SAMPLES = SMOOTH | {  # and compound ops without a derivative
    "argsort": [
        (sg.argsort, np.array([2.0, 0.5, 2.0, np.nan, -1.0])),
        (lambda x: sg.argsort(x, 0), np.array([[1.0, 3.0], [1.0, -2.0], [0.0, 3.0]])),
        (lambda x: sg.argsort(x, None, descending=True), np.array([[1.0, 3.0], [1.0, -2.0], [0.0, 3.0]])),
    ]
}


def traced(f, xs, dtype="float64"):
    arrays = [np.asarray(x, dtype) for x in xs]
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    return inputs, arrays, f(*inputs)


def ops_of(outputs):
    return [n.op.name for n in toposort(outputs) if n.op not in (CONST, INPUT)]


@pytest.mark.parametrize("name", COMPOUND)
def test_a_compound_op_is_what_its_expansion_computes(name):
    with sg.using_dtype("float64"):
        for f, *xs in SAMPLES[name] + KINKS.get(name, []):
            inputs, arrays, y = traced(f, xs)
            expanded = rewrite([y], expand)
            check_graph(expanded)
            assert not set(COMPOUND) & set(ops_of(expanded))
            found, expected = Interpreter(inputs, expanded)(arrays), Interpreter(inputs, [y])(arrays)
            np.testing.assert_allclose(found[0], expected[0], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("f", "xs"), [(f, xs) for table in (SMOOTH, KINKS) for s in table.values() for f, *xs in s])
def test_each_pass_keeps_values_and_invariants(f, xs):
    with sg.using_dtype("float64"):
        inputs, arrays, y = traced(f, xs)
        outputs = [y, *sg.grad(y.sum(), inputs)]
        expected = Interpreter(inputs, outputs)(arrays)
        for step in (expand, Merger()):
            outputs = rewrite(outputs, step)
            check_graph(outputs)
            for e, n in zip(expected, Interpreter(inputs, outputs)(arrays), strict=True):
                np.testing.assert_allclose(n, e, rtol=1e-12, atol=1e-13)


def test_equal_nodes_become_one():
    x = placeholder((3,), "float32")
    found = simplify([sg.exp(x) * 2, 2 * sg.exp(x), sg.exp(x) + sg.exp(x)])
    assert ops_of(found).count("exp") == 1


def test_nodes_that_differ_in_an_attribute_stay_apart():
    x = placeholder((3, 3), "float32")
    first, second = simplify([x.sum(0), x.sum(1)])
    assert first is not second


def test_merging_goes_through_the_gradient():
    x = placeholder((4,), "float32")
    y = sg.tanh(x).sum()
    assert ops_of(simplify([y, *sg.grad(y, [x])])).count("tanh") == 1


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 1,
        lambda x: 1 * x,
        lambda x: x / 1,
        lambda x: sg.neg(sg.neg(x)),
        lambda x: x.reshape(x.shape),
        lambda x: x.reshape(6).reshape(2, 3),
        lambda x: sg.broadcast_to(x, x.shape),
        lambda x: sg.transpose(x, 0, 1),
        lambda x: x.sum(()),
    ],
)
def test_identities_go(f):
    x = placeholder((2, 3), "float32")
    assert simplify([f(x)]) == [x]


@pytest.mark.parametrize("f", [lambda x: x + 0, lambda x: x * 0, lambda x: x - x, lambda x: 0 - x])
def test_what_is_no_identity_for_every_float_stays(f):
    """-0 + 0 is 0, and 0 times inf, and inf - inf, are NaN: none of these can be dropped."""
    x = placeholder((4,), "float32")
    array = np.array([-0.0, np.inf, np.nan, 2.0], np.float32)
    with np.errstate(invalid="ignore"):
        expected, found = Interpreter([x], [f(x)])([array])[0], Interpreter([x], simplify([f(x)]))([array])[0]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


def test_constants_are_folded_at_the_precision_of_their_dtype():
    found = simplify([sg.full((2,), 1.0) / 3 + sg.full((2,), 0.1)])[0]
    assert found.op.name == "full"
    np.testing.assert_array_equal(found.numpy(), np.full(2, np.float32(1) / np.float32(3) + np.float32(0.1)))


def test_a_product_over_nothing_is_zero():
    a, b = placeholder((2, 0), "float32"), placeholder((0, 3), "float32")
    found = simplify([a @ b])[0]
    assert (found.op.name, found.shape, found.attrs["value"]) == ("full", (2, 3), 0)


def test_the_module_and_the_line_of_a_node_survive():
    net = sg.nn.Sequential(sg.nn.Linear(3, 2))
    outputs = [net(placeholder((4, 3), "float32")) * 2 - 1]
    assert {n.scope for n in toposort(simplify(outputs))} >= {n.scope for n in toposort(outputs) if n.scope}


def test_what_is_even_along_a_sum_is_taken_out_of_it():
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s) for s in [(3, 4, 5), (4, 1), (5,), (3, 1, 1)]]
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    x, a, b, c = inputs
    outputs = [sg.sum(a * (x * b) * c, axis=0), sg.sum(x * a * b, axis=(1, 2)), sg.sum(sg.scale(sg.scale(x, c), b))]
    found = simplify(outputs)
    expected = Interpreter(inputs, outputs)(arrays)
    for e, n in zip(expected, Interpreter(inputs, found)(arrays), strict=True):
        np.testing.assert_allclose(n, e, rtol=1e-13, atol=1e-14)
    (whole,) = [n for n in toposort(found[:1]) if n.op is TABLE["sum"]]
    assert set(ops_of([whole.inputs[0]])) == {"mul", "broadcast_to"}
    assert whole.inputs[0].inputs[0] is x  # of its factors only c changes along axis 0


def test_the_gradient_of_a_normalisation_adds_up_each_channel_twice():
    x, g = (placeholder((8, 3, 6, 6), "float32") for _ in range(2))
    weight, bias = (placeholder((3, 1, 1), "float32") for _ in range(2))
    y = sg.standardize(x, axis=(0, 2, 3)) * weight + bias
    grads = sg.grad((y * g).sum(), [x, weight, bias])
    forward = ops_of(simplify([y])).count("sum")
    assert ops_of(simplify(grads)).count("sum") == forward + 2 * 2  # each in two stages
