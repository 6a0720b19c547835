"""The table of primitives, one family a file, and the functions that are made of them."""

from subgrad.ops import methods  # noqa: F401  (attaches operators to tensors, and takes them from above)
from subgrad.ops.contract import contract, einsum, matmul, outer
from subgrad.ops.convolution import convolve, convolve_input, convolve_weight
from subgrad.ops.indexing import embedding, flip, gather, index, one_hot, pick
from subgrad.ops.kinked import abs, clip, elu, huber, leaky_relu, maximum, minimum, relu, sign
from subgrad.ops.moments import standardize
from subgrad.ops.pool import avg_pool, max_pool
from subgrad.ops.reduce import argmax, argmin, cumsum, log_softmax, logsumexp, max, mean, min, softmax, sum
from subgrad.ops.select import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    not_equal,
    where,
)
from subgrad.ops.shape import (
    arange,
    astype,
    broadcast_to,
    concatenate,
    expand_dims,
    full,
    ones,
    ones_like,
    pad,
    reshape,
    squeeze,
    stack,
    stop_gradient,
    swapaxes,
    transpose,
    zeros,
    zeros_like,
)
from subgrad.ops.singular import norm, pow, sqrt, std, var
from subgrad.ops.smooth import (
    add,
    cos,
    div,
    erf,
    exp,
    expm1,
    gelu,
    log,
    log1p,
    mul,
    neg,
    scale,
    sigmoid,
    silu,
    sin,
    softplus,
    square,
    sub,
    tanh,
)
from subgrad.ops.window import fold, windows

__all__ = [
    "abs", "add", "arange", "argmax", "argmin", "astype", "avg_pool", "broadcast_to", "clip", "concatenate", "contract",
    "convolve", "convolve_input", "convolve_weight", "cos", "cumsum", "div", "einsum", "elu", "embedding", "equal",
    "erf", "exp", "expand_dims", "expm1", "flip", "fold", "full", "gather", "gelu", "greater", "greater_equal", "huber",
    "index", "isfinite", "isnan", "leaky_relu", "less", "less_equal", "log", "log1p", "log_softmax", "logical_and",
    "logical_not", "logical_or", "logsumexp", "matmul", "max", "max_pool", "maximum", "mean", "min", "minimum", "mul",
    "neg", "norm", "not_equal", "one_hot", "ones", "ones_like", "outer", "pad", "pick", "pow", "relu", "reshape",
    "scale", "sigmoid", "sign", "silu", "sin", "softmax", "softplus", "sqrt", "square", "squeeze", "stack",
    "standardize", "std", "stop_gradient", "sub", "sum", "swapaxes", "tanh", "transpose", "var", "where", "windows",
    "zeros", "zeros_like",
]  # fmt: skip
