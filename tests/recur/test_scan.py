"""`scan` against the same steps written out in Python, and against finite differences."""

import numpy as np
import pytest

import subgrad as sg
from recur.recurrences import CASES, objective
from subgrad.graph.order import toposort
from subgrad.graph.tree import leaves
from subgrad.graph.verify_graph import check_graph
from subgrad.recur.loop import loop
from subgrad.recur.unroll import unrolled


@pytest.fixture(autouse=True)
def double():
    with sg.using_dtype("float64"):
        yield


def given(arrays):
    return [sg.tensor(a) for a in arrays]


def steps(f, carry, xs, reverse=False):
    """What scan means, in Python."""
    ys = []
    for x in reversed(list(xs)) if reverse else xs:
        carry, y = f(carry, x)
        ys.append(y)
    return carry, sg.stack(ys[::-1] if reverse else ys)


@pytest.mark.parametrize("reverse", [False, True])
def test_it_means_the_steps_one_after_the_other(reverse):
    rng = np.random.default_rng(0)
    w, h, xs = (sg.tensor(rng.normal(size=s)) for s in ((3, 3), (2, 3), (5, 2, 3)))

    def f(h, x):
        new = sg.tanh(h @ w + x)
        return new, new * h

    for got, wanted in zip(sg.scan(f, h, xs, reverse=reverse), steps(f, h, xs, reverse), strict=True):
        np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-14)


@pytest.mark.parametrize(("f", "arrays"), CASES.values(), ids=CASES)
def test_written_out_it_has_the_same_values_and_gradients(f, arrays):
    xs = given(arrays)
    outputs = [o.node for o in leaves(f(*xs))]
    check_graph(outputs)
    apart = unrolled(outputs)
    assert not any(n.op is loop for n in toposort(apart))
    for a, b in zip(outputs, apart, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12, atol=1e-12)
    floats = [x for x in xs if x.dtype.kind == "f"]
    slopes = zip(sg.grad(objective(outputs), floats), sg.grad(objective(apart), floats), strict=True)
    for a, b in slopes:
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("f", "arrays"), CASES.values(), ids=CASES)
def test_derivatives_of_order_one_and_two(f, arrays):
    assert sg.check(lambda *xs: objective(leaves(f(*xs))), *arrays).kinks == 0


def test_the_graph_does_not_grow_with_the_number_of_steps():
    def size(n):
        w = sg.tensor(np.eye(3))
        h, _ = sg.scan(lambda h, x: (sg.tanh(h @ w + x), None), sg.zeros((2, 3)), sg.ones((n, 2, 3)))
        return len(toposort([sg.grad(h.sum(), w)]))

    assert size(3) == size(1000)


def test_products_with_the_weight_wait_until_after_the_loop():
    w = sg.tensor(np.eye(3))
    h, _ = sg.scan(lambda h, x: (sg.tanh(h @ w + x @ w), None), sg.zeros((2, 3)), sg.ones((7, 2, 3)))
    order = toposort([sg.grad(h.sum(), w)])
    inside = [m for n in order if n.op is loop for m in toposort(n.attrs["body"].outputs)]
    assert not any(m.shape == w.shape and m.inputs for m in inside)  # no gradient of the weight is added up in a loop
    assert not any(m.op.name == "contract" and h.shape not in [i.shape for i in m.inputs] for m in inside)


def test_one_sided_derivatives_see_kinks_in_the_body():
    def f(a):
        return sg.scan(lambda c, x: (sg.relu(c - x), None), a, [1.0, 1.0])[0]

    x = sg.tensor([2.0, 3.0])
    assert sg.kinks(f, x).count == 1
    for direction, slope in (([1.0, 0.0], [1.0, 0.0]), ([-1.0, 0.0], [0.0, 0.0])):
        assert sg.directional_derivative(f, x, direction).tolist() == slope


def test_vmap_is_each_member_by_itself():
    rng = np.random.default_rng(1)
    w, h, xs = rng.normal(size=(3, 3)), rng.normal(size=(4, 3)), rng.normal(size=(4, 5, 3))

    def f(w, h, xs):
        (last, count), ys = sg.scan(lambda c, x: ((sg.tanh(c[0] @ w + x), c[1] + 1), c[0] * x), (h, 0.0), xs)
        return last, count, ys, sg.grad((ys**2).sum(), [w, h])

    together = leaves(sg.vmap(f, (None, 0, 0))(sg.tensor(w), h, xs))
    apart = [leaves(f(sg.tensor(w), sg.tensor(a), sg.tensor(b))) for a, b in zip(h, xs, strict=True)]
    for k, got in enumerate(together):
        np.testing.assert_allclose(got.numpy(), np.stack([one[k].numpy() for one in apart]), rtol=1e-12, atol=1e-14)


def test_each_step_draws_its_own_random_numbers():
    _, ys = sg.scan(lambda c, x: (c, sg.random.draw((4,))), 0.0, np.zeros(3))
    assert len(np.unique(ys.numpy())) == 12


def test_no_rows():
    w = sg.tensor(2.0)
    carry, ys = sg.scan(lambda c, x: (c * w + x, c), 1.0, np.zeros(0))
    assert (carry.item(), ys.shape, sg.grad(carry, w).item()) == (1.0, (0,), 0.0)


def test_the_carry_keeps_its_form():
    carry, ys = sg.scan(lambda c, _: ({"a": c["b"], "b": c["a"]}, None), {"a": 1.0, "b": 2.0}, length=3)
    assert ({k: v.item() for k, v in carry.items()}, ys) == ({"a": 2.0, "b": 1.0}, None)


def test_what_cannot_work_raises():
    p = sg.Parameter(1.0)

    def assigns(c, x):
        p.assign(p + x)
        return c, None

    for error, words, call in (
        (sg.errors.ArgumentError, "rows to go through", lambda: sg.scan(lambda c, x: (c, x), 0.0)),
        (sg.errors.ArgumentError, "returned Tensor", lambda: sg.scan(lambda c, x: c, 0.0, [1.0])),
        (sg.errors.ArgumentError, "assigned a parameter", lambda: sg.scan(assigns, 0.0, [1.0])),
        (sg.errors.ShapeError, "got 2, 3", lambda: sg.scan(lambda c, x: (c, None), 0.0, (np.ones(2), np.ones(3)))),
        (sg.errors.ShapeError, "first axis", lambda: sg.scan(lambda c, x: (c, None), 0.0, 1.0)),
        (sg.errors.ShapeError, r"float64\[\]; this one returned float64\[2\]",
         lambda: sg.scan(lambda c, x: (c + x, None), 0.0, np.ones((3, 2)))),
        (sg.errors.NotTraceableError, "if", lambda: sg.scan(lambda c, x: (c if x > 0 else -c, None), 0.0, [1.0])),
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            call()
    assert p.item() == 1.0


LOOPS_ON_KINKS = {  # at 0, with the multiple of the unit matrix that the second derivatives are
    "rows": (lambda x: sg.scan(lambda c, r: (c + abs(r) ** 2, None), sg.tensor(0.0), x)[0], 2),
    "steps": (lambda x: sg.scan(lambda c, t: (c + sg.norm(t * x) ** 2, None), sg.tensor(0.0), [1.0, 2.0])[0], 10),
    "a step inside of a step": (
        lambda x: sg.fori_loop(0, 3, lambda i, c: sg.checkpoint(lambda c: c + sg.norm(x) ** 2)(c), sg.tensor(0.0)), 6,
    ),
    "computed again": (sg.checkpoint(lambda x: sg.norm(x) ** 2), 2),
    "no second derivative": (lambda x: sg.scan(lambda c, r: (c + r * abs(r), None), sg.tensor(0.0), x)[0], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS_ON_KINKS)
def test_hessian_on_kinks_inside_of_a_loop(name):
    f, factor = LOOPS_ON_KINKS[name]
    with sg.using_dtype("float64"):
        for hessian in (sg.hessian(f), sg.compile(sg.hessian(f))):
            np.testing.assert_allclose(hessian(np.zeros(2)), factor * np.eye(2), atol=1e-9)
