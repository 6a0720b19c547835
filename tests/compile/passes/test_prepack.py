"""What depends on parameters alone is computed when they change, and nowhere else."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.passes.prepack import prepack
from subgrad.graph.order import toposort
from subgrad.graph.tensor import placeholder


def names(nodes):
    return [n.op.name for n in toposort(nodes)]


def test_what_needs_parameters_alone_is_taken_out():
    x, w = placeholder((20, 3), "float32"), placeholder((3,), "float32")
    found = prepack([x * sg.exp(w)], [w])
    assert names(found.made) == ["input", "exp"]
    assert names(found.outputs).count("exp") == 0


def test_what_only_moves_elements_or_would_grow_is_not():
    x, w = placeholder((20, 3), "float32"), placeholder((3,), "float32")
    assert prepack([x * w.reshape(1, 3)], [w]).made == []
    assert prepack([x * (sg.broadcast_to(w, (20, 3)) + w)], [w]).made == []


def test_a_result_of_parameters_alone_is_prepared_too():
    w = placeholder((3,), "float32")
    found = prepack([w * 2, w], [w])
    assert found.outputs == [found.places[0], w]


@pytest.mark.parametrize(("rows", "copies"), [(20, 1), (1, 0)])
def test_a_weight_across_whose_lines_many_rows_go_is_transposed_once(rows, copies):
    x, w = placeholder((rows, 30), "float32"), placeholder((5, 30), "float32")
    assert len(prepack([x @ w.T], [w]).made) == copies
    assert prepack([x @ w.T], []).made == []
    assert prepack([placeholder((rows, 5), "float32") @ w], [w]).made == []  # it lies well already


@pytest.mark.parametrize("shape", [(20,), (2, 20), (1,)])
def test_compiled_functions_see_every_new_value_of_a_parameter(shape):
    net = nn.Sequential(nn.Linear(6, 5, seed=1), nn.Tanh(), nn.Linear(5, 3, seed=2))
    scale = sg.Parameter([0.5, 1.0, -2.0])
    f = sg.compile(lambda x: net(x) * sg.exp(scale))
    x = np.random.default_rng(0).standard_normal((*shape, 6)).astype(np.float32)
    for k in range(3):
        np.testing.assert_allclose(f(x), (net(sg.tensor(x)) * sg.exp(scale)).numpy(), rtol=2e-6, atol=1e-6)
        np.testing.assert_allclose(f(x), (net(sg.tensor(x)) * sg.exp(scale)).numpy(), rtol=2e-6, atol=1e-6)
        scale.assign(scale.numpy() + k)
        net[0].weight.assign(net[0].weight.numpy() * -1.5)


def test_a_step_that_writes_a_parameter_reads_its_newest_value():
    w = sg.Parameter(np.ones((3, 30), np.float32))
    fixed = sg.Parameter([2.0])

    @sg.compile
    def step(x):
        out = x @ w.T * sg.exp(fixed)
        w.assign(w + 1)
        return out

    x = np.ones((20, 30), np.float32)
    for k in range(1, 4):
        np.testing.assert_allclose(step(x), 30 * k * np.exp(2), rtol=1e-6)


def test_large_arrays_go_in_and_out_without_a_copy_and_stay_as_they_are():
    f = sg.compile(lambda x: x + 1)
    x = np.zeros((64, 64), np.float32)
    first, strided = f(x), f(np.asfortranarray(x + 2))
    again = f(x + 4)
    assert [set(a.ravel().tolist()) for a in (first, strided, again)] == [{1}, {3}, {5}]
    frozen = x.copy()
    frozen.flags.writeable = False
    assert (f(frozen) == 1).all()
    assert (f(x.astype(">f4")) == 1).all()
