"""One generic test over the whole table of ops: values, derivatives of order 1 and 2, kinks."""

import numpy as np
import pytest

import subgrad as sg
from samples import FLAT, KINKS, SMOOTH
from subgrad.graph.op import TABLE
from subgrad.graph.order import toposort

BUILT_IN = {name: op for name, op in TABLE.items() if op.ref.__module__.startswith("subgrad.")}


def cases(samples):
    return [pytest.param(f, xs, id=f"{name}-{i}") for name, s in samples.items() for i, (f, *xs) in enumerate(s)]


def test_every_op_has_samples():
    assert set(BUILT_IN) == set(SMOOTH) | FLAT


def test_every_kinked_op_has_samples_on_its_kink():
    assert {name for name, op in BUILT_IN.items() if op.kink} == set(KINKS)


@pytest.mark.parametrize("name", SMOOTH)
def test_samples_use_their_op(name):
    with sg.using_dtype("float64"):
        for f, *xs in SMOOTH[name]:
            y = f(*[sg.tensor(x) for x in xs])
            used = toposort([y, *sg.vjp(f, *[sg.tensor(x) for x in xs])[1](sg.ones(y.shape))])
            if any(node.op.name == name for node in used):
                return
    pytest.fail(f"no sample of {name} uses it")


@pytest.mark.parametrize(("f", "xs"), cases(SMOOTH))
def test_derivatives_of_order_one_and_two(f, xs):
    assert sg.check(f, *xs).kinks == 0


@pytest.mark.parametrize(("f", "xs"), cases(KINKS))
def test_one_sided_derivatives_and_hulls_at_kinks(f, xs):
    assert sg.check(f, *xs).kinks > 0


@pytest.mark.parametrize(("f", "xs"), [*cases(SMOOTH), *cases(KINKS)])
def test_float32_agrees_with_float64(f, xs):
    low = f(*[sg.tensor(x, "float32") if x.dtype == float else sg.tensor(x) for x in xs])
    with sg.using_dtype("float64"):
        high = f(*[sg.tensor(x) for x in xs])
    np.testing.assert_allclose(low.numpy(), high.numpy(), rtol=2e-5, atol=2e-6)


ELEMENTWISE = [n for n, op in BUILT_IN.items() if op.elementwise and n not in FLAT | {"where", "power", "clip"}]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_passes_through_and_extremes_raise_nothing(name):
    op = BUILT_IN[name]
    arity = 2 if name in {"add", "sub", "mul", "div", "pow", "maximum", "minimum", "scale", "atan2", "remainder"} else 1
    for value in (np.nan, np.inf, -np.inf, 1e-45, 3e38, -3e38, 0.0, -0.0):
        y = op(*[sg.tensor([value])] * arity).numpy()
        assert y.dtype == np.float32
        assert np.isnan(y[0]) or not np.isnan(value)


def least_norm(low, high):
    return np.where((low <= 0) & (high >= 0), 0, np.where(np.abs(low) < np.abs(high), low, high))


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "abs", "clip"])
def test_the_pick_at_a_kink_is_the_element_of_least_norm(name):
    for f, x in KINKS[name]:
        x = sg.tensor(x, "float64")
        y = f(x)
        op, attrs = y.op, y.attrs
        on = op.kink.at(x.numpy(), **attrs)
        low, high = op.kink.hull(x.numpy(), **attrs)[0]
        picked = sg.grad(y.sum(), x).numpy()
        np.testing.assert_allclose(picked[on], least_norm(low, high)[on])


def test_ties_share_evenly():
    a, b = sg.tensor([1.0]), sg.tensor([1.0])
    assert [g.tolist() for g in sg.grad(sg.maximum(a, b).sum(), [a, b])] == [[0.5], [0.5]]
    assert [g.tolist() for g in sg.grad(sg.minimum(a, b).sum(), [a, b])] == [[0.5], [0.5]]
    x = sg.tensor([2.0, 2.0, 2.0, 1.0])
    np.testing.assert_allclose(sg.grad(x.max(), x).numpy(), [1 / 3, 1 / 3, 1 / 3, 0], rtol=1e-6)
