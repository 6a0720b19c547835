"""Inputs for every op of the table: ``SMOOTH`` off the kinks, ``KINKS`` on them. A new op adds its line here.

Each sample is a function of tensors and the points at which to look at it; the generic tests do the rest.
"""

import numpy as np

import subgrad as sg
from subgrad.graph.op import apply
from subgrad.ops.indexing import place, scatter_add
from subgrad.ops.smooth import scale
from subgrad.ops.window import slide

_rng = np.random.default_rng(7)


def normal(*shape):
    """Normal numbers, none nearer to 0 than 0.05, so that finite differences do not step over a kink at 0."""
    x = _rng.standard_normal(shape)
    return np.where(np.abs(x) < 0.05, 0.05, x)


def positive(*shape):
    return _rng.uniform(0.3, 3.0, shape)


def slid(x, axes, sizes, strides, dilations):
    return apply(slide, (x,), {"axes": axes, "sizes": sizes, "strides": strides, "dilations": dilations})


ROWS = np.array([[0, 2], [1, 1]])
COLUMNS = np.array([1, 0])
INNER = np.array([-0.9, 0.1, 0.6])
BETWEEN = np.array([-1.3, 0.3, 2.7])
MASK = np.array([[True, False, True], [False, False, True]])

SMOOTH = {
    "add": [(sg.add, normal(3), normal(3)), (sg.add, normal(2, 3), normal(3)), (sg.add, normal(2, 1), normal(1, 3))],
    "sub": [(sg.sub, normal(3), normal(2, 3))],
    "mul": [(sg.mul, normal(3), normal(3)), (sg.mul, normal(4, 1, 3), normal(2, 1))],
    "div": [(sg.div, normal(3), positive(2, 3))],
    "neg": [(sg.neg, normal(3))],
    "scale": [(scale, normal(3), normal(3))],
    "exp": [(sg.exp, normal(2, 3))],
    "expm1": [(sg.expm1, normal(2, 3))],
    "log": [(sg.log, positive(2, 3))],
    "log1p": [(sg.log1p, positive(2, 3))],
    "sin": [(sg.sin, normal(2, 3))],
    "cos": [(sg.cos, normal(2, 3))],
    "tanh": [(sg.tanh, normal(2, 3))],
    "sigmoid": [(sg.sigmoid, normal(2, 3))],
    "softplus": [(sg.softplus, normal(2, 3)), (sg.softplus, np.zeros(2))],
    "erf": [(sg.erf, normal(2, 3)), (sg.gelu, normal(3)), (sg.silu, normal(3))],
    "erfc": [(sg.erfc, normal(2, 3))],
    "tan": [(sg.tan, normal(3) / 2)],
    "asin": [(sg.asin, INNER)],
    "acos": [(sg.acos, INNER)],
    "atan": [(sg.atan, np.array([-3.0, 0.2, 0.6, 1.0]))],
    "atan2": [(sg.atan2, normal(3), normal(2, 3))],
    "sinh": [(sg.sinh, normal(3))],
    "cosh": [(sg.cosh, normal(3))],
    "asinh": [(sg.asinh, normal(3)), (sg.sinc, np.array([0.0, 0.05, 1.3]))],
    "acosh": [(sg.acosh, 1 + positive(3))],
    "atanh": [(sg.atanh, INNER)],
    "log2": [(sg.log2, positive(3))],
    "log10": [(sg.log10, positive(3)), (sg.rsqrt, positive(3)), (sg.reciprocal, positive(3))],
    "lgamma": [(sg.lgamma, np.array([-2.5, 0.4, 1.5, 2.6, 9.0]))],
    "digamma": [(sg.digamma, np.array([-2.4, 0.4, 1.5, 2.6, 9.0]))],
    "erfinv": [(sg.erfinv, np.array([-0.9, 0.1, 0.6]))],
    "floor": [(lambda x: x * sg.floor(x) * sg.ceil(x), BETWEEN)],
    "round": [(lambda x: x * sg.round(x) + sg.trunc(x), BETWEEN)],
    "remainder": [(sg.remainder, BETWEEN, np.array([1.1, -0.7, 2.3])), (lambda x: x % 1.5 * x, BETWEEN)],
    "softsign": [(sg.softsign, normal(3)), (sg.mish, normal(3)), (sg.hardswish, normal(3)), (sg.glu, normal(4))],
    "square": [(sg.square, normal(2, 3))],
    "sqrt": [(sg.sqrt, positive(2, 3))],
    "power": [(lambda x: x**3, normal(3)), (lambda x: x**-1.5, positive(3)), (lambda x: x**0, normal(3))],
    "pow": [(sg.pow, positive(3), normal(2, 3))],
    "norm": [(sg.norm, normal(4)), (lambda x: sg.norm(x, (0, 2)), normal(2, 3, 2)), (sg.std, normal(5))],
    "relu": [(sg.relu, normal(2, 3))],
    "leaky_relu": [(sg.leaky_relu, normal(2, 3)), (lambda x: sg.leaky_relu(x, 2.0), normal(3))],
    "elu": [(sg.elu, normal(2, 3)), (lambda x: sg.elu(x, 0.5), normal(3))],
    "abs": [(sg.abs, normal(2, 3))],
    "sign": [(lambda x: x * sg.sign(x), normal(3))],
    "maximum": [(sg.maximum, normal(3), normal(2, 3))],
    "minimum": [(sg.minimum, normal(3), normal(2, 3))],
    "clip": [(lambda x: sg.clip(x, -0.5, 0.5), np.array([-2.0, -0.1, 0.2, 3.0])), (lambda x: sg.clip(x, 0), normal(3))],
    "huber": [(sg.huber, np.array([-3.0, -0.5, 0.2, 4.0])), (lambda x: sg.huber(x, 0.3), normal(3))],
    "where": [(lambda a, b: sg.where(a > b, a * b, b), normal(2, 3), normal(3))],
    "sum": [
        (sg.sum, normal(3)),
        (lambda x: x.sum(1, keepdims=True), normal(2, 3)),
        (lambda x: x.sum((0, 2)), normal(2, 3, 2)),
    ],
    "max": [(sg.max, normal(5)), (lambda x: x.max(1), normal(3, 4)), (lambda x: x.max((0, 2), True), normal(2, 3, 2))],
    "min": [(sg.min, normal(5)), (lambda x: x.min(0), normal(3, 4))],
    "logsumexp": [(sg.logsumexp, normal(5)), (lambda x: sg.logsumexp(x, 1, True), normal(2, 3))],
    "log_softmax": [(sg.log_softmax, normal(2, 3)), (lambda x: sg.softmax(x, 0), normal(2, 3))],
    "standardize": [
        (sg.standardize, normal(2, 4)),
        (lambda x: sg.standardize(x, (0, 2), 0.1), normal(2, 2, 3)),
    ],
    "cumsum": [(sg.cumsum, normal(5)), (lambda x: sg.cumsum(x, 1, True), normal(2, 3))],
    "cast": [(lambda x: (x.astype("float32") * 0).astype(x.dtype) + x, normal(3))],
    "stop_gradient": [(lambda x: x * 2 + sg.stop_gradient(x) - sg.stop_gradient(x), normal(3))],
    "reshape": [(lambda x: x.reshape(3, -1), normal(2, 3)), (lambda x: sg.squeeze(x), normal(1, 3))],
    "transpose": [(lambda x: x.T, normal(2, 3)), (lambda x: x.transpose(2, 0, 1), normal(2, 3, 4))],
    "broadcast_to": [(lambda x: sg.broadcast_to(x, (4, 2, 3)), normal(2, 1))],
    "concatenate": [
        (lambda a, b: sg.concatenate([a, b, a], 1), normal(2, 1), normal(2, 3)),
        (lambda a: sg.stack([a, a], -1), normal(3)),
    ],
    "pad": [(lambda x: sg.pad(x, ((1, 0), (2, 1)), 5.0), normal(2, 3))],
    "slice": [
        (lambda x: x[1:, ::2], normal(3, 5)),
        (lambda x: x[::-2, None, 1], normal(5, 2)),
        (lambda x: x[..., -1], normal(2, 3)),
    ],
    "place": [(lambda x: apply(place, (x.node,), {"steps": ((0, 3, 2),), "shape": (5,)}), normal(2))],
    "gather": [
        (lambda x: x[ROWS], normal(3, 2)),
        (lambda x: x[COLUMNS, 1:, COLUMNS], normal(2, 3, 2)),
        (lambda x: x[:, ROWS], normal(2, 3)),
        (lambda x: x[MASK], normal(2, 3)),
        (lambda x: sg.embedding(ROWS, x), normal(3, 4)),
    ],
    "scatter_add": [
        (lambda x: apply(scatter_add, (x.node, sg.tensor(ROWS)), {"axes": (0,), "shape": (3, 2)}), normal(2, 2, 2))
    ],
    "contract": [
        (sg.matmul, normal(2, 3), normal(3, 4)),
        (sg.matmul, normal(3), normal(3)),
        (sg.matmul, normal(3), normal(2, 3, 4)),
        (sg.matmul, normal(5, 1, 2, 3), normal(4, 3, 2)),
        (lambda a, b, c: sg.einsum("bij,jk,k->bi", a, b, c), normal(2, 3, 4), normal(4, 2), normal(2)),
        (lambda a: sg.einsum("ii->i", a), normal(3, 3)),
        (lambda a, b: sg.einsum("...i,...i", a, b), normal(2, 3), normal(3)),
    ],
    "slide": [
        (lambda x: slid(x, (0,), (2,), (1,), (1,)), normal(4, 2)),
        (lambda x: slid(x, (0, 2), (2, 3), (1, 2), (2, 1)), normal(4, 2, 6)),
    ],
    "windows": [
        (lambda x: sg.windows(x, 2), normal(2, 4)),
        (lambda x: sg.windows(x, (2, 3), (1, 2), (2, 1)), normal(2, 4, 6)),
        (lambda x: sg.max_pool(x, 2, 1), normal(1, 2, 3, 3)),
        (lambda x: sg.max_pool(x, 3, 2, 1, ceil_mode=True), normal(2, 1, 6)),
        (lambda x: sg.avg_pool(x, 2, 1, 1, count_include_pad=False), normal(1, 1, 3, 3)),
        (lambda x: sg.avg_pool(x, (2, 3), (2, 2), (0, 1), ceil_mode=True), normal(1, 1, 3, 4)),
    ],
    "fold": [
        (lambda x: sg.fold(x, 4), normal(2, 3, 2)),
        (lambda x: sg.fold(x, (4, 6), (1, 2), (2, 1)), normal(2, 2, 2, 3)),
        (lambda x: sg.fold(x, (5, 4), (2, 2)), normal(2, 2, 2, 2)),
    ],
    "convolve": [
        (sg.convolve, normal(2, 1, 5), normal(2, 1, 3)),
        (lambda x, w: sg.convolve(x, w, (2, 1), ((1, 0), (0, 2)), (1, 2)), normal(2, 2, 4, 4), normal(2, 2, 3, 2)),
        (lambda x, w: sg.convolve(x, w, 1, "same", 1, 2), normal(1, 4, 3, 2), normal(2, 2, 2, 3)),
        (lambda x, w: sg.convolve(x, w, 2, 1, 1, 2), normal(1, 2, 2, 3, 3), normal(2, 1, 2, 2, 1)),
        (lambda x, w: sg.convolve(x, w, 2, 2), normal(2, 1, 2), normal(1, 1, 2)),
    ],
    "convolve_input": [
        (lambda g, w: sg.convolve_input(g, w, (5, 4), (2, 1), (1, 0), (1, 2)), normal(1, 2, 3, 2), normal(2, 1, 3, 2)),
        (lambda g, w: sg.convolve_input(g, w, 4, 1, "same", 1, 2), normal(2, 2, 4), normal(2, 2, 3)),
    ],
    "convolve_weight": [
        (lambda x, g: sg.convolve_weight(x, g, (3, 2), (2, 1), (1, 0), (1, 2)), normal(1, 2, 5, 4), normal(1, 2, 3, 2)),
        (lambda x, g: sg.convolve_weight(x, g, 3, 1, "same", 1, 2), normal(2, 4, 4), normal(2, 2, 4)),
    ],
    "loop": [
        (lambda w, xs: sg.scan(lambda h, x: (sg.tanh(w @ h + x), h * x), w[0], xs)[1], normal(2, 2), normal(3, 2))
    ],
    "part": [(lambda a, xs: sg.scan(lambda c, x: (c * x + a, None), a, xs)[0], normal(2), normal(3, 2))],
    "custom": [(sg.custom_vjp(lambda a, b: a * b, lambda g, y, a, b: (g * b, g * a)), normal(3), normal(3))],
}

ZERO = np.array([0.0, 1.0, -1.0, 0.0])

KINKS = {
    "relu": [(sg.relu, ZERO)],
    "leaky_relu": [
        (sg.leaky_relu, ZERO),
        (lambda x: sg.leaky_relu(x, 3.0), ZERO),
        (lambda x: sg.leaky_relu(x, -1.0), ZERO),
    ],
    "elu": [(lambda x: sg.elu(x, 0.5), ZERO), (lambda x: sg.elu(x, 2.0), ZERO)],
    "abs": [(sg.abs, ZERO)],
    "maximum": [(sg.maximum, ZERO, np.zeros(4)), (sg.maximum, ZERO, ZERO.copy())],
    "minimum": [(sg.minimum, ZERO, np.zeros(4)), (lambda x: sg.minimum(x, -x), ZERO)],
    "clip": [(lambda x: sg.clip(x, -1, 0), ZERO), (lambda x: sg.clip(x, 0), ZERO)],
    "max": [
        (sg.max, np.ones(3)),
        (lambda x: x.max(1), np.array([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]])),
        (lambda x: sg.max_pool(x, 2, 1), np.zeros((1, 1, 3, 3))),
        (lambda x: sg.max_pool(x, 3, 1, 1), np.array([[[1.0, 2.0, 2.0, 1.0, 2.0]]])),
    ],
    "min": [(sg.min, np.ones(3)), (lambda x: x.min((0, 1)), np.zeros((2, 2)))],
    "norm": [(sg.norm, np.zeros(3)), (lambda x: sg.norm(x, 1), np.array([[0.0, 0.0], [3.0, 4.0]]))],
}

# Ops without a derivative: indices, bools, and leaves.
FLAT = {
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_or",
    "logical_not",
    "isnan",
    "isfinite",
    "argmax",
    "argmin",
    "argsort",
    "one_hot",
    "in_range",
    "right_shift",
    "full",
    "arange",
    "uniform",
}
