"""Deep and wide graphs, their orders, and their invariants."""

import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import CheckError
from subgrad.graph import source_location
from subgrad.graph.op import apply
from subgrad.graph.order import dependents, toposort
from subgrad.graph.tensor import Tensor, constant
from subgrad.graph.verify_graph import check_graph


def test_a_chain_of_ten_thousand_backpropagates():
    x = sg.tensor(1.0, "float64")
    y = x
    for _ in range(10_000):
        y = y * 1.0001
    assert float(sg.grad(y, x)) == pytest.approx(1.0001**10_000, rel=1e-9)


def test_a_chain_deeper_than_any_stack_is_valued_and_freed():
    y = sg.tensor(1.0)
    for _ in range(300_001):
        y = apply(sg.neg, (y,), {})
    freed = weakref.ref(y.inputs[0])
    assert float(y) == -1
    del y
    assert freed() is None


def test_a_ladder_of_diamonds_calls_each_vjp_once():
    calls = []

    def vjp(g, y, a, b):
        calls.append(y)
        return 0.5 * g, 0.5 * g

    average = sg.defop(lambda a, b: (a + b) / 2, name="average", vjp=vjp)
    x = sg.tensor(3.0)
    y = x
    for _ in range(200):
        y = average(y, y)
    assert float(sg.grad(y, x)) == 1.0  # 2^200 paths, each of weight 2^-200
    assert len(calls) == len(set(calls)) == 200


def test_a_diamond_of_two_sides_calls_each_vjp_once():
    calls = []

    def vjp(g, y, x):
        calls.append(y)
        return (g,)

    same = sg.defop(lambda x: x, name="same_counted", vjp=vjp)
    x = sg.tensor(3.0)
    y = x
    for _ in range(200):
        y = 0.5 * (same(y) + same(y))
    assert float(sg.grad(y, x)) == 1.0
    assert len(calls) == len(set(calls)) == 400


def test_toposort_gives_each_node_once_after_its_inputs():
    x = sg.tensor([1.0, 2.0])
    y = x * x
    z = (y + x).sum() * y.sum()
    order = toposort([z, y])
    place_of = {node: i for i, node in enumerate(order)}
    assert len(place_of) == len(order) == 6
    assert all(place_of[i] < place_of[node] for node in order for i in node.inputs)


def test_toposort_stops_at_leaves():
    x = sg.tensor(1.0)
    y = x + x
    z = y * y
    assert toposort([z], is_leaf=lambda n: n is y) == [y, z]


def test_dependents():
    x, w = sg.tensor(1.0), sg.tensor(2.0)
    a, b = x * 2, w * 3
    c = a + b
    assert dependents(toposort([c]), [w]) == {w, b, c}


# Invariants


def node(op, inputs, attrs, shape, dtype):
    return Tensor(op, tuple(inputs), attrs, shape, np.dtype(dtype), source_location.user_site())


def test_a_sound_graph_passes():
    x = sg.tensor(np.ones((2, 3)))
    y = sg.softmax(x @ x.T)[0, ::-1].sum()
    check_graph([y, sg.grad(y, x)])
    y.numpy()
    check_graph([y])


def test_a_node_with_another_shape_than_its_rule():
    x = sg.tensor([1.0, 2.0])
    broken = node(sg.exp, [x], {}, (3,), "float32")
    with pytest.raises(CheckError, match=r"exp \(at test_orders.py:\d+\) is float32\(3,\), its rule says .*\(2,\)"):
        check_graph([broken + 1])


def test_a_node_with_another_dtype_than_its_rule():
    broken = node(sg.exp, [sg.tensor([1.0])], {}, (1,), "float64")
    with pytest.raises(CheckError, match="its rule says float32"):
        check_graph([broken])


def test_a_node_with_a_dtype_that_tensors_do_not_have():
    broken = node(sg.exp, [sg.tensor([1.0])], {}, (1,), "float16")
    with pytest.raises(CheckError, match="has the dtype float16"):
        check_graph([broken])


def test_a_value_that_does_not_fit_its_node():
    broken = sg.exp([1.0])
    broken._value = np.ones(2)
    with pytest.raises(CheckError, match=r"is float32\(1,\) but its value is float64\(2,\)"):
        check_graph([broken])


def test_a_cycle():
    a = sg.exp(sg.tensor([1.0]))
    b = sg.exp(a)
    a.inputs = (b,)
    with pytest.raises(CheckError, match="comes before its input exp"):
        check_graph([b])


def test_constants_are_sound():
    check_graph([constant(np.zeros((0, 2), np.uint8)), sg.full((2,), 1, "int32"), sg.arange(3)])


# The import


def test_import_is_light():
    code = "import sys, subgrad; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    loaded = set(loaded.split())
    assert {"subgrad", "numpy"} <= loaded
    assert not {"llvmlite", "rich", "typer", "pandas", "polars", "matplotlib", "scipy"} & loaded
