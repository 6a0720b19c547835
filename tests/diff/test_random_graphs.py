"""Gradients of random DAGs (sharing, reuse, broadcasting, moving, contracting) against finite differences."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import subgrad as sg
from subgrad.graph.verify_graph import check_graph

steady = settings(deadline=None, derandomize=True, max_examples=60)
SHAPES = [(), (3,), (1, 3), (2, 1), (2, 3), (2, 2, 3), (2, 1, 5), (1, 2, 3, 3)]

UNARY = [
    sg.tanh,
    sg.sin,
    sg.cos,
    sg.sigmoid,
    sg.softplus,
    sg.gelu,
    sg.erf,
    lambda x: sg.exp(sg.sin(x)),
    lambda x: sg.log1p(x * x),
    lambda x: sg.sqrt(1 + x * x),
    lambda x: 1 / (2 + sg.cos(x)),
    lambda x: (1 + x * x) ** 0.7,
    lambda x: 0.1 * x**3,
    lambda x: x * sg.stop_gradient(sg.ones_like(x)),
    lambda x: sg.softmax(x.flatten()).reshape(x.shape),
    lambda x: sg.logsumexp(x),
    lambda x: x.mean(),
    lambda x: sg.norm(x.flatten() + 5),
    lambda x: sg.var(x),
    lambda x: sg.cumsum(x.flatten()),
    lambda x: x.reshape(-1),
    lambda x: x.T,
    lambda x: sg.pad(x, 1, 0.5),
    lambda x: sg.concatenate([x.flatten(), x.flatten()]),
]
FROM_ONE_AXIS = [
    lambda x: x.sum(0),
    lambda x: x.mean(-1, keepdims=True),
    lambda x: sg.logsumexp(x, 0, keepdims=True),
    lambda x: sg.log_softmax(x, -1),
    lambda x: x[0],
    lambda x: x[::-1],
    lambda x: x[..., None, :1],
    lambda x: x[[0, -1, 0]],
    lambda x: sg.std(x + np.arange(x.shape[-1]) ** 2, -1, keepdims=True) if x.shape[-1] > 1 else x,
]
FROM_TWO_AXES = [
    lambda x: 0.3 * (x @ x.swapaxes(-1, -2)),
    lambda x: 0.3 * sg.einsum("...ij,...ij->...i", x, sg.sin(x)),
    lambda x: x[:, 0],
    lambda x: x[0, :, ..., None],
    lambda x: x.max(0) - x.min(1).sum(),  # untied almost surely
]


def ramp(x):
    """x without ties: of copies, such as repeats and paddings, one is a little larger."""
    return x + np.arange(x.size).reshape(x.shape) * 0.01


def transposed(x):
    """The transposed convolution of images with themselves as kernels, from every second place."""
    kernel = x.swapaxes(0, 1)[..., :2]
    sizes = [2 * n - 2 + k for n, k in zip(x.shape[2:], kernel.shape[2:], strict=True)]
    return 0.3 * sg.convolve_input(x, kernel, sizes, 2)


FROM_IMAGES = [  # (N, C, ...): convolved with themselves, pooled, normalised
    lambda x: 0.3 * sg.convolve(x, x[..., :2], padding=1),
    lambda x: 0.3 * sg.convolve(x, sg.sin(x), stride=2, padding=1),
    lambda x: 0.3 * sg.convolve(x, x[0][:, None][..., :2], padding=2, dilation=2, groups=x.shape[1]),
    transposed,
    lambda x: sg.max_pool(ramp(x), 2, 1, 1),
    lambda x: sg.max_pool(ramp(x), x.shape[2:], ceil_mode=True),
    lambda x: sg.avg_pool(x, 2, 1, 1, count_include_pad=False),
    lambda x: sg.fold(sg.stack([x, sg.sin(x)], -1), x.shape[-1] + 1),
    lambda x: sg.windows(x, x.shape[-1:]).mean(-1) if x.shape[-1] < 3 else sg.windows(x, 2, 2).sum(-2),
    lambda x: sg.standardize(x, (0, 2), 0.1),
]
BINARY = [
    lambda a, b: a + b,
    lambda a, b: a - sg.tanh(b),
    lambda a, b: 0.5 * a * b,
    lambda a, b: a / (2 + sg.sin(b)),
    lambda a, b: (1.5 + sg.sin(a)) ** sg.tanh(b),
    lambda a, b: sg.where(np.arange((a + b).size).reshape((a + b).shape) % 2 == 0, a * b, a),
    lambda a, b: sg.maximum(a, b + 0.0123),
]


def broadcast(a, b):
    try:
        return np.prod(np.broadcast_shapes(a.shape, b.shape)) <= 36
    except ValueError:
        return False


@st.composite
def graphs(draw):
    """A function of tensors that evaluates a random DAG, and the shapes of its arguments."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    example = [sg.zeros(s, "float64") for s in shapes]
    steps = []
    for _ in range(draw(st.integers(2, 8))):
        i = draw(st.integers(0, len(example) - 1))
        partners = [j for j, b in enumerate(example) if broadcast(example[i], b)]
        table = UNARY + FROM_ONE_AXIS * (example[i].ndim > 0) + FROM_TWO_AXES * (example[i].ndim > 1)
        table = table + 2 * FROM_IMAGES * (example[i].ndim in (3, 4))
        if partners and draw(st.booleans()):
            step = draw(st.sampled_from(BINARY)), i, draw(st.sampled_from(partners))
        elif example[i].size <= 36:
            step = draw(st.sampled_from(table)), i
        else:
            continue
        steps.append(step)
        example.append(step[0](*[example[k] for k in step[1:]]))

    def f(*xs):
        values = list(xs)
        for op, *inputs in steps:
            values.append(op(*[values[k] for k in inputs]))
        return sum(sg.sin(v + k).mean() for k, v in enumerate(values))

    return f, shapes


def points(shapes, seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s) for s in shapes]


def slope(f, xs, k, v, h=1e-3):
    """The derivative of f along v in argument k: central differences, extrapolated once."""

    def difference(step):
        ends = [f(*[sg.tensor(x + s * v if i == k else x) for i, x in enumerate(xs)]).item() for s in (step, -step)]
        return (ends[0] - ends[1]) / (2 * step)

    return (4 * difference(h / 2) - difference(h)) / 3


@steady
@given(graphs(), st.integers(0, 99))
def test_gradients_agree_with_finite_differences(case, seed):
    f, shapes = case
    with sg.using_dtype("float64"):
        xs = points(shapes, seed)
        tensors = [sg.tensor(x) for x in xs]
        loss = f(*tensors)
        found = sg.grad(loss, tensors)
        check_graph([loss, *found])
        for k, v in enumerate(points(shapes, seed + 1)):
            expected = slope(f, xs, k, v)
            np.testing.assert_allclose(np.sum(found[k].numpy() * v), expected, rtol=1e-6, atol=1e-6)


@settings(steady, max_examples=30)
@given(graphs(), st.integers(0, 99))
def test_second_derivatives_and_transposition(case, seed):
    f, shapes = case
    assert sg.check(f, *points(shapes, seed), tolerance=1e-5).kinks == 0


@settings(steady, max_examples=30)
@given(graphs(), st.integers(0, 99))
def test_accumulated_gradients_are_those_of_the_sum(case, seed):
    f, shapes = case
    with sg.using_dtype("float64"):
        leaves = [sg.Parameter(x) for x in points(shapes, seed)]
        first, second = f(*leaves), f(*[3 * w for w in leaves])
        first.backward()
        second.backward()
        for w, g in zip(leaves, sg.grad(first + second, leaves), strict=True):
            np.testing.assert_allclose(w.grad.numpy(), g.numpy(), rtol=1e-12, atol=1e-12)
