"""The network in integers as a function of numbers, and what `certify` proves of it, against all of its inputs."""

import itertools

import numpy as np
import pytest
from exported_code import routines

import subgrad as sg
from subgrad.bounds import ball
from subgrad.compile.runtime.fallback import runnable
from subgrad.errors import ShapeError
from subgrad.export.integer.quantize import quantized

RNG = np.random.default_rng(0)


def numbers_of(made, codes):
    """What the integers come to of each row of codes, a call for each."""
    (routine,) = made.each
    program = runnable(routine.interface.inputs, routine.interface.outputs, stepped=(0,), measured=(0,))
    (found,) = program([codes[:, None]], len(codes))
    return routine.results[0].grid.numbers(found)[:, 0]


@pytest.fixture(scope="module", params=["relu", "tanh"])
def small(request):
    """A network of two inputs, its integers, what is said of them, and all of its codes."""
    net = sg.models.mlp(2, 5, 1, activation=request.param, seed=0)
    rows = RNG.uniform(-1, 1, (200, 2)).astype(np.float32)
    codes = np.stack(np.meshgrid(np.arange(256), np.arange(256)), axis=-1).reshape(-1, 2).astype(np.uint8)
    return net, *quantized(routines(net, rows[:1]), rows), codes


def in_reals(net, x):
    """The network in float64."""
    weights = [p.numpy().astype(float) for p in (net.hidden1.weight, net.hidden1.bias, net.out.weight, net.out.bias)]
    hidden = x @ weights[0].T + weights[1]
    hidden = np.tanh(hidden) if hasattr(net, "tanh1") else np.maximum(hidden, 0)
    return hidden @ weights[2].T + weights[3]


def test_it_is_what_the_integers_come_to(small):
    _, made, report, codes = small
    x = report.network.grid.numbers(codes)
    np.testing.assert_allclose(report.network(x).numpy(), numbers_of(made, codes), rtol=0, atol=1e-12)


def test_certify_bounds_how_far_it_is_from_the_network(small):
    """At the corners of all inputs that become one code: there the difference is largest, but for what bends."""
    net, made, report, codes = small
    integers, grid = report.network, report.network.grid
    low, high = integers.box.T
    answers, largest = numbers_of(made, codes), 0.0
    for corner in itertools.product([-0.5, 0.5], repeat=2):
        x = np.clip(grid.numbers(codes) + np.array(corner) * grid.scale, low, high)
        largest = max(largest, np.abs(in_reals(net, x) - answers).max())
    found = sg.certify(net, integers, integers.box, budget=4000)
    assert found.status == "proven"
    assert largest <= found.bound < min(4 * largest, report.proven / 2)
    refuted = sg.certify(net, integers, integers.box, 0.8 * largest)
    assert refuted.status == "refuted"
    x = refuted.counterexample[None]
    difference = np.abs(in_reals(net, x) - numbers_of(made, grid.codes(x)))
    assert difference.item() > 0.8 * largest


def test_rows_of_other_shapes():
    net = sg.models.mlp(3, 4, 2, seed=0)
    rows = RNG.normal(size=(12, 3)).astype(np.float32)
    _, report = quantized(routines(net, rows[:4]), rows)
    assert report.network.box.shape == (3, 2)
    assert report.network(rows).shape == (12, 2)
    np.testing.assert_allclose(report.network(rows).numpy(), net.predict(rows), atol=report.proven)
    for shape in ((5, 3), (4, 2), (4, 3, 1)):
        with pytest.raises(ShapeError, match=r"rows of shape \(3,\), a multiple of 4, got"):
            report.network(np.zeros(shape))


def test_a_proof_of_it_is_checked(small, tmp_path):
    checker = pytest.importorskip("subgrad.bounds.checker")
    net, _, report, _ = small
    found = sg.certify(net, report.network, ball([0.3, -0.2], 0.01), budget=100)
    assert found.bound < report.proven / 3
    found.save(tmp_path / "proof.safetensors")
    assert checker.check(tmp_path / "proof.safetensors").startswith("the error is at most 0.0")
