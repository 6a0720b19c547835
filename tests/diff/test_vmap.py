"""vmap against a loop over the members: every op, derivatives, nesting, random draws, errors."""

import numpy as np
import pytest

import subgrad as sg
from samples import COLUMNS, KINKS, ROWS, SMOOTH
from subgrad.graph.op import TABLE, apply
from subgrad.graph.order import toposort
from subgrad.ops.indexing import scatter_add

N = 3
SCALES = np.array([1.0, -0.5, 2.0])


def members(x):
    """N variants of a point: on a kink at 0 like the point itself, and elsewhere."""
    return np.stack([x * s if (x < 0).any() else x * abs(s) for s in SCALES])


def mapped_choices():
    """Every sample with every non-empty choice of its arguments that the members do not share."""
    for group, samples in (("smooth", SMOOTH), ("kinks", KINKS)):
        for name, cases in samples.items():
            for k, (f, *xs) in enumerate(cases):
                for choice in range(1, 2 ** len(xs)):
                    axes = tuple(0 if choice >> i & 1 else None for i in range(len(xs)))
                    yield pytest.param(f, xs, axes, id=f"{group}-{name}-{k}-{axes}")


MAPPED = list(mapped_choices())


def one(xs, axes, i):
    return [x if axis is None else np.take(x, i, axis) for x, axis in zip(xs, axes, strict=True)]


def loop(f, xs, axes):
    """What vmap should give, by N calls."""
    return np.stack([f(*map(sg.tensor, one(xs, axes, i))).numpy() for i in range(N)])


def close(found, expected):
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("f", "xs", "axes"), MAPPED)
def test_every_op_equals_a_loop_over_the_members(f, xs, axes):
    with sg.using_dtype("float64"):
        given = [x if axis is None else members(x) for x, axis in zip(xs, axes, strict=True)]
        close(sg.vmap(f, axes)(*map(sg.tensor, given)), loop(f, given, axes))


@pytest.mark.parametrize(("f", "xs", "axes"), MAPPED)
def test_gradients_outside_and_inside_of_vmap_equal_a_loop(f, xs, axes):
    with sg.using_dtype("float64"):
        given = [sg.tensor(x if axis is None else members(x)) for x, axis in zip(xs, axes, strict=True)]

        def weighted(*points):
            y = f(*points)
            return (y * sg.tensor(np.cos(np.arange(y.size)).reshape(y.shape))).sum()

        def slopes(*points):
            return sg.grad(weighted(*points), list(points))

        inside = sg.vmap(slopes, axes)(*given)
        outside = sg.grad(sg.vmap(weighted, axes)(*given).sum(), given)
        alone = [slopes(*map(sg.tensor, one(given, axes, i))) for i in range(N)]
        for within, around, axis, each in zip(inside, outside, axes, zip(*alone, strict=True), strict=True):
            expected = np.stack([g.numpy() for g in each])
            close(within, expected)
            close(around, expected.sum(0) if axis is None else expected)


@pytest.mark.parametrize("name", ["equal", "not_equal", "less", "less_equal"])
def test_comparisons(name):
    x, y = members(np.array([0.0, 1.0, 2.0])), np.array([0.0, -0.5, 2.0])
    op = TABLE[name]
    assert sg.vmap(op, (0, None))(x, y).tolist() == loop(op, [x, y], (0, None)).tolist()


@pytest.mark.parametrize("f", [sg.isnan, sg.isfinite, lambda x: ~(x > 0) & (x < 1) | (x > 2)])
def test_predicates_and_logic(f):
    x = np.array([[0.5, np.nan], [np.inf, -1.0], [3.0, 0.0]])
    assert sg.vmap(f)(x).tolist() == loop(f, [x], (0,)).tolist()


INDICES = [
    sg.argmax, sg.argmin, lambda x: sg.argmax(x, 0), lambda x: sg.one_hot(x.argmax(1), 4), sg.argsort,
    lambda x: sg.argsort(x, 0, descending=True), lambda x: sg.argsort(x, None), lambda x: sg.topk(x, 2, 0)[1],
]  # fmt: skip


@pytest.mark.parametrize("f", INDICES)
def test_indices_of_extrema_and_orders_and_one_hot(f):
    x = np.random.default_rng(0).normal(size=(N, 5, 4))
    assert sg.vmap(f)(x).tolist() == loop(f, [x], (0,)).tolist()


INDEXED = {
    "in front": (lambda x, i: x[i], (4, 5)),
    "behind": (lambda x, i: x[:, i], (5, 4)),
    "between": (lambda x, i: x[:, i, 1:], (2, 4, 3)),
    "two neighbours": (lambda x, i: x[:, i, i], (2, 4, 4)),
    "two apart": (lambda x, i: x[i, 1:, i], (4, 3, 4)),
    "two apart, last axes": (lambda x, i: x[:, i, :, i], (2, 4, 3, 4)),
}


@pytest.mark.parametrize("case", INDEXED)
@pytest.mark.parametrize("shape", [(2,), (3, 2), ()])
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_indexing_with_data_or_indices_or_both_mapped(case, shape, axes):
    f, of = INDEXED[case]
    rng = np.random.default_rng(0)
    x = rng.normal(size=of if axes[0] is None else (N, *of))
    i = rng.integers(-3, 3, size=shape if axes[1] is None else (N, *shape))
    with sg.using_dtype("float64"):
        close(sg.vmap(f, axes)(x, i), loop(f, [x, i], axes))
        x = sg.tensor(x)
        slope = sg.grad((sg.vmap(f, axes)(x, i) ** 2).sum(), x)
        each = [sg.grad(lambda x, i: (f(x, i) ** 2).sum())(*one([x, i], axes, m)).numpy() for m in range(N)]
        close(slope, np.sum(each, axis=0) if axes[0] is None else np.stack(each))


@pytest.mark.parametrize("axes", [(None, 0), (0, 0), (0, None)])
def test_scatter_with_data_or_indices_or_both_mapped(axes):
    def f(x, i):
        return apply(scatter_add, (x.node, i.node), {"axes": (1,), "shape": (2, 4, 2)})

    x = np.random.default_rng(0).normal(size=(2, 2, 2, 2) if axes[0] is None else (N, 2, 2, 2, 2))
    i = ROWS if axes[1] is None else np.stack([ROWS, ROWS + 1, ROWS[::-1]])
    with sg.using_dtype("float64"):
        close(sg.vmap(f, axes)(sg.tensor(x), sg.tensor(i)), loop(f, [x, i], axes))


def test_compiled_it_gives_what_the_references_give():
    def f(w, x, i):
        hidden = sg.tanh(x @ w.T)
        return sg.log_softmax(hidden[:, i] + hidden.max(1, keepdims=True)).sum(), sg.cumsum(hidden, 1)

    w, x = np.random.default_rng(0).normal(size=(N, 4, 2)), np.random.default_rng(1).normal(size=(5, 2))
    i = np.stack([COLUMNS, COLUMNS + 1, COLUMNS + 2])
    every = sg.vmap(f, (0, None, 0))
    with sg.using_dtype("float64"):
        for found, expected in zip(sg.compile(every)(w, x, i), every(w, x, i), strict=True):
            np.testing.assert_allclose(found, expected.numpy(), rtol=1e-12)


def test_a_batched_product_is_one_contraction():
    y = sg.vmap(lambda w, x: sg.relu(x @ w), (0, None))(sg.ones((64, 2, 8)), sg.ones((4, 2)))
    assert [n.op.name for n in toposort([y])] == ["full", "full", "contract", "relu"]


def test_an_op_without_a_rule_is_called_once_for_each_member():
    @sg.defop(shape=lambda x: (x.shape, x.dtype), vjp=lambda g, y, x: (g[::-1],))
    def reversed_rows(x):
        return x[::-1]

    x = sg.tensor([[1.0, 2.0], [3.0, 4.0]])
    y = sg.vmap(reversed_rows)(x)
    assert y.tolist() == [[2.0, 1.0], [4.0, 3.0]]
    weighted = y * sg.tensor([[1.0, 10.0], [100.0, 1000.0]])
    assert sg.grad(weighted.sum(), x).tolist() == [[10.0, 1.0], [1000.0, 100.0]]
    assert sg.vmap(reversed_rows)(sg.zeros((0, 2))).shape == (0, 2)


def test_an_elementwise_op_of_the_user_stays_one_node():
    @sg.defop(vjp=lambda g, y, x: (3 * x * x * g,))
    def cubed(x):
        return x**3

    assert sg.vmap(cubed)([[1.0], [2.0]]).op.name == "cubed"


def test_a_derivative_by_hand_is_kept():
    clipped = sg.custom_vjp(lambda x: x * 2, lambda g, y, x: sg.clip(g, -1, 1))
    x = sg.tensor([[1.0], [2.0]])
    assert sg.grad((5 * sg.vmap(clipped)(x)).sum(), x).tolist() == [[1.0], [1.0]]


# Axes, trees, nesting


def test_axes_other_than_the_first():
    x, y = np.random.default_rng(0).normal(size=(2, 4, N)), np.random.default_rng(1).normal(size=(4, N))
    found = sg.vmap(sg.matmul, (-1, 1))(x, y)
    np.testing.assert_allclose(found.numpy(), np.einsum("ijn,jn->ni", x, y), rtol=1e-6)
    assert sg.vmap(lambda a, b: a + b, 1)(x[0], y).shape == (N, 4)


def test_an_argument_that_is_not_mapped_may_be_anything():
    def f(x, how, scale):
        return (x * scale).sum() if how == "sum" else x

    assert sg.vmap(f, (0, None, None))([[1.0, 2.0], [3.0, 4.0]], "sum", 2).tolist() == [6.0, 14.0]


def test_trees_of_arguments_and_results():
    parameters = {"w": np.ones((N, 2)), "b": [sg.zeros((N,)), sg.ones((N,))], "none": None, "empty": []}
    shapes = []

    def f(p, x):
        shapes.append((p["w"].shape, p["b"][0].shape))
        return {"y": (p["w"] * x).sum() + p["b"][1]}, (x, p["none"])

    found, (x, none) = sg.vmap(f, (0, None))(parameters, sg.tensor([1.0, 2.0]))
    assert shapes == [((2,), ())]
    assert found["y"].tolist() == [4.0] * N
    assert x.tolist() == [[1.0, 2.0]] * N  # the same for all members, repeated
    assert none is None


def test_the_parameters_of_a_module_are_shared_by_all_members():
    net = sg.nn.Linear(3, 2)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    each = sg.vmap(lambda x: sg.grad((net(x) ** 2).sum(), net))(x)
    alone = [sg.grad((net(row) ** 2).sum(), net)["weight"].numpy() for row in x]
    np.testing.assert_allclose(each["weight"].numpy(), np.stack(alone), rtol=1e-5)


def test_nested():
    x, y = np.random.default_rng(0).normal(size=(4, 3)), np.random.default_rng(1).normal(size=(5, 3))
    table = sg.vmap(lambda a: sg.vmap(lambda b: (a * b).sum())(y))(x)
    np.testing.assert_allclose(table.numpy(), x @ y.T, rtol=1e-5)
    cube = np.random.default_rng(2).normal(size=(2, 3, 4, 5))
    found = sg.vmap(sg.vmap(sg.norm, 1))(cube)
    np.testing.assert_allclose(found.numpy(), np.sqrt(np.einsum("nimj,nimj->nm", cube, cube)), rtol=1e-5)


def test_the_hessian_by_vmap_over_unit_vectors():
    def f(x):
        return (x**3).sum() + x[0] * x[1]

    x = sg.tensor([1.0, 2.0, 3.0])
    _, pullback = sg.vjp(sg.grad(f), x)
    rows = sg.vmap(lambda u: pullback(u)[0])(np.eye(3))
    np.testing.assert_allclose(rows.numpy(), sg.hessian(f)(x).numpy(), rtol=1e-6)


def test_forward_mode_inside():
    def pushed(x, t):
        return sg.jvp(lambda x: sg.sin(x).sum(), x, t)

    x = np.array([[0.0, 1.0], [2.0, 3.0]])
    y, t = sg.vmap(pushed)(x, sg.ones((2, 2)))
    np.testing.assert_allclose(y.numpy(), np.sin(x).sum(1), rtol=1e-6)
    np.testing.assert_allclose(t.numpy(), np.cos(x).sum(1), rtol=1e-6)


# Random numbers


def test_draws_differ_between_members_and_calls_and_repeat_with_the_seed():
    def f(x):
        return sg.random.draw((4,)) + 0 * x, sg.random.draw((4,))

    def rows():
        found = sg.vmap(f)(sg.zeros((N,)))
        return [tuple(row) for part in found for row in part.tolist()]

    first = rows() + rows()
    assert len(set(first)) == 4 * N
    sg.manual_seed(0)
    assert rows() + rows() == first


def test_draws_of_a_nested_vmap_differ_everywhere():
    def inner(x):
        return sg.vmap(lambda y: sg.random.draw(()) + 0 * y)(sg.zeros((4,))) + 0 * x

    found = sg.vmap(inner)(sg.zeros((N,)))
    assert len(set(found.numpy().ravel().tolist())) == 4 * N


def test_compiled_draws_are_new_in_each_call():
    f = sg.compile(sg.vmap(lambda x: sg.nn.Dropout(0.5)(x)))
    x = np.ones((2, 200), np.float32)
    first, second = f(x), f(x)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, second)


def test_a_seed_of_each_member_draws_what_it_draws_alone():
    seeds = np.array([[1, 0], [2, 0], [1, 5]])
    close_to = [sg.random.uniform(s, (4,)).tolist() for s in seeds]
    assert sg.vmap(lambda s: sg.random.uniform(s, (4,)))(seeds).tolist() == close_to


# Errors


def test_lengths_that_differ():
    with pytest.raises(sg.errors.ShapeError, match="mapped axes have one length, these have 2, 3"):
        sg.vmap(sg.add)(sg.ones((2, 4)), sg.ones((3, 4)))


def test_an_axis_that_is_not_there():
    with pytest.raises(sg.errors.ShapeError, match="axis 0 does not exist in a tensor of 0 axes"):
        sg.vmap(sg.exp)(1.0)


@pytest.mark.parametrize("in_axes", [None, (None, None), ()])
def test_nothing_mapped(in_axes):
    with pytest.raises(sg.errors.ArgumentError, match="needs an argument with an axis to map over"):
        sg.vmap(sg.add, in_axes)


def test_no_tensors_to_map():
    with pytest.raises(sg.errors.ArgumentError, match="needs a tensor to map over, got none"):
        sg.vmap(lambda p: p)({})


def test_axes_that_do_not_fit_the_arguments():
    with pytest.raises(sg.errors.ArgumentError, match="needs one entry for each argument, there are 1"):
        sg.vmap(sg.exp, (0, 0))(sg.ones(2))
    with pytest.raises(sg.errors.ArgumentError, match="an axis or None for each argument, got 'x'"):
        sg.vmap(sg.exp, ("x",))


def test_what_is_no_function():
    with pytest.raises(sg.errors.ArgumentError, match="vmap takes a function of tensors, got Tensor"):
        sg.vmap(sg.ones(2))


def test_a_value_that_is_not_known_yet():
    with pytest.raises(sg.errors.NotTraceableError, match="the value of a mapped argument is not known"):
        sg.vmap(lambda x: x if x > 0 else -x)([1.0, 2.0])
