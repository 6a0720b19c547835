"""Every rule against mpmath: the true value at points of a box lies where the model says, rounding errors included."""

import mpmath as mp
import numpy as np
import pytest

import subgrad as sg
from subgrad import errors
from subgrad.bounds import Within
from subgrad.bounds.taylor.rules import taylor_models
from subgrad.bounds.taylor.taylor_model import TaylorModel
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.dtype import using_dtype
from subgrad.graph.tensor import constant, placeholder

mp.mp.dps = 60
D = 3


def spread(f, centre, half, native=False):
    """Centre, slopes and radius of the Taylor model of ``f`` (points (1, D) to one value) on boxes."""
    b = len(centre)
    x = placeholder((1, D), "float64")
    middle, sides = placeholder((b, D), "float64"), placeholder((b, D), "float64")
    with using_dtype("float64"):
        start = TaylorModel(sides, middle.reshape(b, 1, D), constant(np.eye(D).reshape(1, D, 1, D)))
        (model,) = taylor_models([f(x).node.reshape(1)], {x: start}, sides)
        slopes = sg.zeros((1, D, 1)) if model.slopes is None else model.slopes
        radius = sg.zeros((1, 1)) if model.radius is None else model.radius
        run = Program if native else Interpreter
        outputs = [model.centre + sg.zeros((b, 1)), slopes + sg.zeros((b, D, 1)), radius, *model.ends]
        return run([middle, sides], outputs)([centre, half])


def lie_inside(f, true, low=-2.0, high=2.0, native=False, noise=1e-12):
    """Checks ``f`` against ``true``, a function of D mpmath numbers, at corners and inner points of many boxes."""
    rng = np.random.default_rng(0)
    half = np.repeat([0.3, 1e-2, 1e-5, 1e-9, 0.0], 8)[:, None] * rng.uniform(0.2, 1, (40, D))
    centre = rng.uniform(low, high, (40, D))
    centre = np.clip(centre, low + half, high - half) if low + 0.6 < high else centre
    c, s, r, left, right = (np.broadcast_to(p, (40, *p.shape[1:])) for p in spread(f, centre, half, native))
    assert np.isfinite(r).all()
    for k in range(40):
        for t in (*rng.uniform(-1, 1, (3, D)), *rng.choice([-1.0, 1.0], (3, D))):
            delta = [mp.mpf(a) * mp.mpf(h) for a, h in zip(t, half[k], strict=True)]
            y = true(*(mp.mpf(m) + e for m, e in zip(centre[k], delta, strict=True)))
            linear = mp.mpf(c[k, 0]) + sum(mp.mpf(a) * e for a, e in zip(s[k, :, 0], delta, strict=True))
            assert abs(y - linear) <= mp.mpf(r[k, 0]), (k, centre[k], half[k])
            assert mp.mpf(left[k, 0]) <= y <= mp.mpf(right[k, 0])
    thin = r[half[:, 0] == 0]
    assert thin.max() <= noise * (1 + np.abs(c).max())  # a point has nothing but rounding errors


def one(f):
    """A function of the sum x + 2 y - z / 2, so that the argument is a Taylor model itself."""
    return lambda x: f((x @ sg.tensor([[1.0], [2.0], [-0.5]], "float64"))[0])


def one_true(f):
    return lambda x, y, z: f(x + 2 * y - z / 2)


CURVES = {
    "exp": (sg.exp, mp.exp, -2, 2),
    "expm1": (sg.expm1, mp.expm1, -9, 9),
    "log": (sg.log, mp.log, 0.5, 3),
    "log1p": (sg.log1p, mp.log1p, 0.5, 3),
    "sqrt": (sg.sqrt, mp.sqrt, 0.5, 3),
    "softplus": (sg.softplus, lambda z: mp.log1p(mp.exp(z)), -9, 9),
    "tanh": (sg.tanh, mp.tanh, -3, 3),
    "sigmoid": (sg.sigmoid, lambda z: 1 / (1 + mp.exp(-z)), -9, 9),
    "erf": (sg.erf, mp.erf, -2, 2),
    "erfc": (sg.erfc, mp.erfc, -2, 2),
    "far erfc": (sg.erfc, mp.erfc, 2, 9),
    "sin": (sg.sin, mp.sin, -5, 5),
    "cos": (sg.cos, mp.cos, -5, 5),
    "far sin": (lambda z: sg.sin(1e6 * z), lambda z: mp.sin(mp.mpf(1e6) * z), -5, 5),
    "inverse": (lambda z: 1 / z, lambda z: 1 / z, 0.5, 3),
    "quotient": (lambda z: z / (z * z + 1), lambda z: z / (z * z + 1), -3, 3),
    "cube": (lambda z: z**3, lambda z: z**3, -3, 3),
    "minus five": (lambda z: z**-5, lambda z: z**-5, 0.5, 3),
    "steep": (lambda z: (z / 3) ** 67, lambda z: (z / 3) ** 67, -3, 3),
    "steep and even": (lambda z: (z / 3) ** 66, lambda z: (z / 3) ** 66, -3, 3),
    "steep inverse": (lambda z: z**-67, lambda z: z**-67, 0.9, 1.5),
    "power": (lambda z: z**1.5, lambda z: z ** mp.mpf(1.5), 0.5, 3),
    "small power": (lambda z: z**0.3, lambda z: z ** mp.mpf(0.3), 0.5, 3),
    "exponent": (lambda z: sg.pow(z, sg.tanh(z)), lambda z: z ** mp.tanh(z), 0.5, 3),
    "square": (sg.square, lambda z: z * z, -3, 3),
    "relu": (sg.relu, lambda z: max(z, 0), -1, 1),
    "abs": (sg.abs, abs, -1, 1),
    "leaky relu": (lambda z: sg.leaky_relu(z, 0.1), lambda z: max(z, mp.mpf(0.1) * z), -1, 1),
    "elu": (lambda z: sg.elu(z, 2.0), lambda z: z if z > 0 else 2 * mp.expm1(z), -1, 1),
    "clip": (lambda z: sg.clip(z, -0.5, 1), lambda z: min(max(z, mp.mpf(-0.5)), 1), -1, 1),
    "huber": (lambda z: sg.huber(z, 0.5), lambda z: z * z / 2 if abs(z) < 0.5 else (abs(z) - mp.mpf(0.25)) / 2, -1, 1),
    "gelu": (sg.gelu, lambda z: z * mp.ncdf(z), -3, 3),
    "floor": (lambda z: sg.floor(5 * z), lambda z: mp.floor(5 * z), -1, 1),
    "rounded": (lambda z: sg.round(z, 1) - z, lambda z: mp.nint(10 * z) / 10 - z, -1, 1),
    "silu": (sg.silu, lambda z: z / (1 + mp.exp(-z)), -3, 3),
    "root of a square": (lambda z: sg.sqrt(z * z + 0.25), lambda z: mp.sqrt(z * z + mp.mpf(0.25)), -1, 1),
    "sum of roots": (lambda z: sg.sqrt(sg.square(z) + sg.exp(z)), lambda z: mp.sqrt(z * z + mp.exp(z)), -1, 1),
    "tanh of what is positive": (lambda z: sg.tanh(sg.relu(z)), lambda z: mp.tanh(max(z, 0)), -1, 1),
}


@pytest.mark.parametrize("name", CURVES)
def test_curve_lies_inside_its_form(name):
    f, true, low, high = CURVES[name]
    noise = 1e-6 if name == "far sin" else 1e-12
    if low < 0:
        lie_inside(one(f), one_true(true), low, high, noise=noise)
    else:
        lie_inside(lambda x: f(x.sum(1)), lambda x, y, z: true(x + y + z), low, high)


BODIES = {
    "products": (lambda x: (x[:, 0] * x[:, 1] - x[:, 1] * x[:, 2]) * x[:, 0], lambda x, y, z: (x * y - y * z) * x),
    "norm": (lambda x: sg.norm(x + 3, axis=1), lambda x, y, z: mp.sqrt((x + 3) ** 2 + (y + 3) ** 2 + (z + 3) ** 2)),
    "max": (lambda x: sg.max(x, 1), max),
    "min": (lambda x: sg.min(sg.concatenate([x, 2 * x[:, :1]], 1), 1), lambda x, y, z: min(x, y, z, 2 * x)),
    "logsumexp": (lambda x: sg.logsumexp(x, 1), lambda *x: mp.log(sum(map(mp.exp, x)))),
    "softmax": (lambda x: sg.softmax(x)[:, 1], lambda x, y, z: mp.exp(y) / (mp.exp(x) + mp.exp(y) + mp.exp(z))),
    "where": (lambda x: sg.where(x[:, 0] < x[:, 1], x[:, 2], sg.exp(x[:, 0])),
              lambda x, y, z: z if x < y else mp.exp(x)),
    "not": (lambda x: sg.where(~(x[:, 0] <= 0.2) & (x[:, 1] > 0), x[:, 2], 1.0),
            lambda x, y, z: z if x > mp.mpf(0.2) and y > 0 else mp.mpf(1)),
    "form": (lambda x: sg.einsum("ni,ij,nj->n", x, np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]), x),
             lambda x, y, z: x * x + 5 * y * y + 9 * z * z + 6 * x * y + 10 * x * z + 14 * y * z),
    "moved": (lambda x: sg.pad(x, [(0, 0), (1, 0)], 1.0).T[::-1][:2].cumsum(0)[1], lambda x, y, z: z + y),
    "cancelling": (lambda x: (1e8 + x[:, 0]) * 3.0 - 3e8 - x[:, 1] * 3.0,
                   lambda x, y, z: (mp.mpf(1e8) + x) * 3 - mp.mpf(3e8) - y * 3),
    "mean": (lambda x: x.mean(1) / 7.0, lambda x, y, z: (x + y + z) / 21),
    "padded": (lambda x: (sg.pad(sg.relu(4 * x) + 1, [(0, 0), (1, 1)], -3.0) * 2)[:, :2].sum(1),
               lambda x, y, z: -4 + 8 * max(x, 0)),
    "pooled": (lambda x: sg.max_pool(x.reshape(1, 1, 3), 3, 2, 1)[:, 0].sum(1), lambda x, y, z: max(x, y) + max(y, z)),
    "windows": (lambda x: (sg.windows(x, 2) * np.array([1.0, 2.0])).sum((1, 2)), lambda x, y, z: x + 3 * y + 2 * z),
    "scattered": (lambda x: sg.grad((x[:, [0, 0, 1]] ** 2).sum(), x)[:, 0], lambda x, y, z: 4 * x),
    "counted": (lambda x: (x > 0.1).sum(1).astype("float64") * x[:, 0],
                lambda *x: x[0] * sum(v > mp.mpf(0.1) for v in x)),
    "cut off": (lambda x: (3 * x).astype("int64").sum(1).astype("float64"),
                lambda *x: sum(mp.mpf(int(3 * v)) for v in x)),
    "truth": (lambda x: ((x < 0).astype("int64").sum(1).astype("bool") == (x[:, 0] > 9)).astype("float64"),
              lambda *x: mp.mpf(min(x) >= 0)),
    "one hot": (lambda x: (sg.one_hot([2, 0], 3, "float64") @ x[0])[:1] * sg.arange(3).astype("float64")[1:2],
                lambda x, y, z: z),
    "minimum of padded": (lambda x: sg.min(sg.pad(x, [(0, 0), (1, 0)], np.inf), 1), min),
    "constant": (lambda x: sg.full((1,), 0.1) * 3.0, lambda x, y, z: mp.mpf(0.1) * 3),
}  # fmt: skip


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("name", BODIES)
def test_function_lies_inside_its_form(name, native):
    f, true = BODIES[name]
    lie_inside(f, true, native=native, noise=1e-6 if name == "cancelling" else 1e-12)


@pytest.mark.parametrize("f", [lambda x: 1 / x[:, 0], lambda x: sg.log(x[:, 0]), lambda x: sg.sin(sg.sqrt(x[:, 0]))])
def test_nothing_is_known_where_a_function_may_not_exist(f):
    centre, _, radius, *_ = spread(f, np.full((1, D), 0.1), np.full((1, D), 0.2))
    assert not (np.isfinite(radius[0, 0]) and np.isfinite(centre[0, 0]))


FALSE = {  # what is computed with integers and conditions is not what the same with numbers would be
    "cut off": (lambda x: x.astype("int32").astype("float64") - 0.5, (0.5, 0.9)),
    "true": (lambda x: 0.75 - x.astype("bool").astype("float64"), (0.5, 0.7)),
    "steep": (lambda x: 1e150 * sg.relu(-(x**65)) - 1e-3, (-0.01, 0.03)),
    "infinite": (lambda x: 1e200 - x**-66, (-1, 1)),
    "wraps": (lambda x: 100.5 - (x > 0).astype("uint8").astype("float64") * 0 - ((x > 0).astype("uint8") * 200 +
              (x > 0).astype("uint8") * 100).astype("float64"), (1, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_nothing_false_is_proven_of_integers_conditions_and_powers(name):
    f, box = FALSE[name]
    assert sg.verify(f, box, Within(low=0), budget=3000).status != "proven"


def test_an_index_that_depends_on_the_point_is_refused():
    f = lambda x: sg.tensor([1.0, 5.0], "float64")[(x[:, 0] > 0).astype("int64")]  # noqa: E731
    with pytest.raises(errors.ArgumentError, match="an index depends on the point"):
        sg.verify(f, (-1, 1), Within(0, 2))


def test_op_without_bounds_is_named_with_its_line():
    with pytest.raises(errors.ArgumentError, match=r"no bounds for the op argmax \(at .*test_taylor_models.py"):
        spread(lambda x: sg.argmax(x, 1).astype("float64"), np.zeros((1, D)), np.zeros((1, D)))
