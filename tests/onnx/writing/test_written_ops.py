"""Every op of the table, as ONNX Runtime computes it."""

import numpy as np
import onnxruntime
import pytest
from onnx_runtime import compare, session

import subgrad as sg
from samples import SMOOTH
from subgrad.errors import ArgumentError
from subgrad.onnx.writing.all_rules import ONNX
from subgrad.onnx.writing.save import to_proto
from subgrad.ops.indexing import place


def arrays(xs):
    return [sg.tensor(x).numpy() for x in xs]


@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "loop"])
def test_every_op(name):
    for f, *xs in SMOOTH[name]:
        compare(lambda *given, f=f: f(*given), arrays(xs), [])


OTHERS = {
    "comparisons": lambda x: [x == 1, x != 1, x < 1, x <= 1, (x < 1) & ~(x < 0), (x < 0) | (x > 1)],
    "choices": lambda x: [sg.argmax(x, 1), sg.argmin(x, 0), sg.max(x), sg.min(x, 1, True), sg.sign(x)],
    "numbers that are none": lambda x: [sg.isnan(sg.log(x)), sg.isfinite(1 / (x - 1)), sg.log1p(x - 1), sg.expm1(-x)],
    "sums of bools": lambda x: [sg.sum(x > 0, 1), sg.cumsum(x > 0, 1, reverse=True), sg.cumsum(x, 1)],
    "one-hot": lambda x: sg.one_hot(sg.argmax(x, 1) - 1, 3),
    "places": lambda x: sg.arange(x.shape[0]) + x[:, 0].astype("int64"),
    "places as floats": lambda x: x[:, 0] * sg.arange(x.shape[0], dtype="float32"),
    "filled": lambda x: [sg.full((x.shape[0], 2), 7.0) + x[:, :2], sg.full((2, 2), 1)],
    "mean": lambda x: [sg.mean(x, 0), sg.mean(x)],
    "backwards": lambda x: [sg.ops.flip(x), x[::-2, 1:]],
    "gradients": lambda x: sg.grad(sg.norm(sg.softmax(x * x, 1)[:, 1:]), x),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_ops(name):
    x = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)
    x[1, 2] = 1
    compare(OTHERS[name], [x], [] if name == "gradients" else [[x[:1]], [np.concatenate([x, x])]])


def test_ends_of_expm1_and_log1p():
    x = np.array([-200, -1e-8, 0, 1e-8, 1e-3, 88, 200, np.inf, -np.inf, np.nan], np.float32)
    found = session(to_proto(lambda x: (sg.expm1(x), sg.log1p(x)), x))(x)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found[0], np.expm1(x.astype(float)).astype(np.float32), rtol=1e-6)
        np.testing.assert_allclose(found[1], np.log1p(x.astype(float)).astype(np.float32), rtol=1e-6)


def test_what_lies_apart_and_backwards():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    steps = ((0, 2, 1), (7, None, -3))
    f = lambda x: sg.ops.contract(sg.ones((2, 2)), sg.graph.op.apply(place, (x,), {"steps": steps, "shape": (2, 9)}), spec="ij,jk->ik")  # noqa: E501, E731
    np.testing.assert_allclose(session(to_proto(f, x))(x)[0], f(sg.tensor(x)).numpy())


DOUBLE = ["tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "erf", "leaky_relu", "elu"]


@pytest.mark.parametrize("name", DOUBLE)
def test_a_double_stays_one(name):
    """ONNX Runtime has operators for some of these in float32 alone, and slopes are attributes, which are float32."""
    f, *xs = SMOOTH[name][0]
    with sg.using_dtype("float64"):
        given = [sg.tensor(x) for x in xs]
        (found,), wanted = session(to_proto(f, tuple(arrays(given))))(*arrays(given)), f(*given).numpy()
    assert found.dtype == wanted.dtype == np.float64
    np.testing.assert_allclose(found, wanted, rtol=1e-7 if name == "erf" else 1e-13, atol=1e-14)


@pytest.mark.parametrize("layer", ["Conv1d", "ConvTranspose2d"])
def test_convolutions_of_doubles(layer):
    rng = np.random.default_rng(0)
    with sg.using_dtype("float64"):
        space = int(layer[-2])
        net = getattr(sg.nn, layer)(2, 3, 3, stride=2, padding=1, seed=0)
        x = rng.normal(size=(2, 2, 5, 6)[: 2 + space])
        proto = compare(net, [x], [[np.concatenate([x, x, x])], [x[:1]]])
        (found,) = session(proto)(x)
        np.testing.assert_allclose(found, net(x).numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("length", [0, 1, 5])
def test_loops_of_any_length(length):
    def powers(x):
        first = sg.ones(x.shape[1:])
        return sg.scan(lambda c, row: (c * row, c + x[0]), first, x, reverse=True)

    rng = np.random.default_rng(0)
    compare(powers, [rng.normal(size=(3, 2)).astype(np.float32)], [[rng.normal(size=(length or 2, 2)).astype("f4")]])


def test_a_loop_without_rows_and_one_inside_of_another():
    def nested(x):
        def outer(c, row):
            inner, _ = sg.scan(lambda d, _: (d * 0.5 + row, None), c, length=3)
            return inner, inner.sum()

        return sg.scan(outer, sg.zeros(x.shape[1:]), x)

    x = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    compare(nested, [x], [[x[:1]], [np.concatenate([x, x])]])


def test_what_onnx_has_no_words_for():
    with pytest.raises(ArgumentError, match="uniform cannot be written as ONNX: ONNX has no generator"):
        to_proto(lambda x: x + sg.random.uniform(sg.tensor([0, 1]), x.shape), np.zeros(3, np.float32))
    assert all(ONNX.way(op) == "none" for op in ONNX.unsupported)


def test_an_index_out_of_range_is_an_error_of_the_runtime():
    run = session(to_proto(sg.nn.Embedding(3, 2), np.zeros((1, 2), np.int64)))
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument, match="out of"):
        run(np.full((1, 2), 7))
