"""Integers and bools in every op: native code against the NumPy reference, bit for bit."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import ops
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.errors import CheckError, DTypeError
from subgrad.graph.op import apply
from subgrad.graph.tensor import placeholder
from subgrad.ops.indexing import scatter_add

INTEGERS = {"bool": (0, 2), "uint8": (0, 256), "int32": (-9, 10), "int64": (-9, 10)}
DTYPES = [*INTEGERS, "float32", "float64"]

ONE = [
    lambda x: -x,
    sg.abs,
    sg.sign,
    sg.relu,
    sg.square,
    *[lambda x, t=t: x.astype(t) for t in DTYPES],
    lambda x: sg.clip(x, 0, 7),
    lambda x: sg.clip(x, 3),
    lambda x: sg.clip(x, None, 3),
    lambda x: sg.clip(x, 0.5, 3),
    sg.isnan,
    sg.isfinite,
    lambda x: x > 1,
    lambda x: ~(x != 1),
    lambda x: sg.where(x > 1, x, 0),
    *[lambda x, a=a: sg.sum(x, a) for a in ((), 0, (0, 1))],
    *[lambda x, a=a: sg.max(x, a) for a in ((), 0, (0, 1))],
    *[lambda x, a=a: sg.min(x, a) for a in ((), 1, (0, 1))],
    lambda x: x.mean(1),
    lambda x: sg.cumsum(x, 0),
    lambda x: sg.cumsum(x, 1, reverse=True),
    lambda x: sg.fold(sg.windows(x, 2), x.shape[-1]),
    lambda x: x.argmax(1),
    lambda x: x.argmin(),
    lambda x: sg.pad(x, 1, 1),
    lambda x: sg.concatenate([x, x.T.reshape(x.shape)]),
    lambda x: sg.one_hot(x, 4, "uint8"),
    lambda x: ops.windows(x, 3).max(-1),
    lambda x: ops.fold(ops.windows(x, 3, 2), 11, 2),
    lambda x: apply(scatter_add, (x, sg.tensor([1, 0, 1])), {"axes": (0,), "shape": (2, 11)}),
    lambda x: sg.scan(lambda c, r: (sg.maximum(c, r), c + r), x[0], x)[1],
    lambda x: sg.vmap(lambda r: r.sum())(x),
    lambda x: sg.arange(300)[x.astype("uint8")] + sg.arange(11, dtype=x.dtype),
]

TWO = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (y + 10),
    sg.maximum,
    sg.minimum,
    lambda x, y: x == y,
    lambda x, y: x < y,
    lambda x, y: x >= y,
    lambda x, y: sg.where(x > y, x, y),
    lambda x, y: sg.concatenate([x, y]),
    lambda x, y: sg.clip(x, y, None),
    lambda x, y: (x * y).sum(0),
]


def values(dtype):
    rng = np.random.default_rng(0)
    return rng.integers(*INTEGERS[dtype], (3, 11)).astype(dtype)


def allowed(functions, *inputs):
    """What those functions give that take such dtypes."""
    for f in functions:
        try:
            yield f(*inputs).node
        except DTypeError:
            assert "bool" in {i.dtype.name for i in inputs}


def same(inputs, outputs, arrays):
    expected, found = Interpreter(inputs, outputs)(arrays), Program(inputs, outputs)(arrays)
    for k, (e, n) in enumerate(zip(expected, found, strict=True)):
        assert n.dtype == e.dtype == outputs[k].dtype
        if e.dtype.kind == "f":
            np.testing.assert_allclose(n, e, rtol=1e-6, err_msg=f"output {k}")
        else:
            np.testing.assert_array_equal(n, e, err_msg=f"output {k}")


@pytest.mark.parametrize("dtype", INTEGERS)
def test_ops_of_integers_are_numpy_s(dtype):
    x = placeholder((3, 11), dtype)
    outputs = list(allowed(ONE, x))
    assert len(outputs) >= len(ONE) - 3
    same([x], outputs, [values(dtype)])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_meet_one_another_as_in_numpy(dtype):
    inputs = [placeholder((3, 11), d) for d in (dtype, *INTEGERS)]
    x, *others = inputs
    outputs = [o for y in others for o in allowed(TWO, x, y)]
    same(inputs, outputs, [values(dtype), *[np.roll(values(d), 5) for d in INTEGERS]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_cut_off_towards_zero(dtype):
    x = placeholder((40,), dtype)
    outputs = [x.astype(d).node for d in INTEGERS if d != "uint8"] + [sg.abs(x).astype("uint8").node]
    same([x], outputs, [np.linspace(-200, 200, 40).astype(dtype)])


@pytest.mark.parametrize("value", [-1, 300, 2.5, True])
def test_constants_are_cast_as_numbers_are(value):
    """The compiler casts them while it simplifies, numbers that the new dtype cannot hold exactly too."""
    x = sg.full((3,), value)
    outputs = [x.astype(d).astype("int64").node for d in (*INTEGERS, "float32")]
    same([], outputs if value in (2.5, True) else outputs[:1] + outputs[2:], [])


@pytest.mark.parametrize("n", [5, 9, 17, 33, 65])
def test_a_cast_of_what_is_left_over_writes_one_element(n):
    """One lane of a narrowed vector: LLVM stores it as wide as it was, over what is behind the result."""
    for dtype in DTYPES:
        x, expected = placeholder((n,), dtype), np.arange(n) % 2
        same([x], [x.astype(d).node for d in DTYPES], [expected.astype(dtype)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_zeros_have_the_signs_that_they_have_in_numpy(dtype):
    functions = [
        sg.sign, sg.abs, sg.relu, sg.sqrt, sg.square, sg.sin, sg.tan, sg.asin, sg.atan, sg.sinh, sg.tanh, sg.asinh,
        sg.atanh, sg.expm1, sg.log1p, sg.erf, sg.erfinv, sg.floor, sg.round, sg.trunc, lambda x: -x, lambda x: 3 * x,
        lambda x: sg.remainder(x, 2.0), lambda x: sg.leaky_relu(x, 0.5), lambda x: sg.pad(x, 1, -0.0),
    ]  # fmt: skip
    with sg.using_dtype(dtype):
        x = np.array([0.0, -0.0], dtype)
        found = sg.compile(lambda x: [f(x) for f in functions])(x)
        for f, y in zip(functions, found, strict=True):
            np.testing.assert_array_equal(np.signbit(y), np.signbit(f(sg.tensor(x)).numpy()))


def test_an_expand_of_another_dtype_or_shape_is_refused():
    """Code for it would write as much as it likes behind a result of another size."""
    sg.defop(name="wrongly expanded", expand=lambda x: x.sum())(np.sin)
    x = placeholder((3,), "float32")
    op = sg.graph.op.TABLE.pop("wrongly expanded")
    with pytest.raises(CheckError, match=r"wrongly expanded.*float32\(\).*float32\(3,\)"):
        Program([x], [apply(op, (x,), {})])
