"""How reductions, contractions and convolutions are written; a pooling is a reduction of windows here."""

from __future__ import annotations

import math

import numpy as np
from onnx import TensorProto, numpy_helper

from subgrad import ops
from subgrad.graph.tensor import Tensor
from subgrad.onnx.writing.at import At
from subgrad.onnx.writing.lengths import Unlike, is_same
from subgrad.onnx.writing.onnx_graph import element_type
from subgrad.onnx.writing.onnx_transform import ONNX, Rule, single, when_read
from subgrad.ops.window import span


@ONNX.register(ops.sum)
def _sum(at: At) -> str:
    pooled = _pooled(at, "AveragePool", 0.0)
    if pooled:
        count = math.prod(at.inputs(0)[0].attrs["sizes"])
        return at.add("Mul", [pooled, at.constant(count)])
    x = at.input(0)
    if at.inputs(0)[0].dtype != at.node.dtype:
        x = at.add("Cast", [x], to=element_type(at.node.dtype))
    return _reduced(at, "ReduceSum", x)


def _reduced(at: At, kind: str, x: str) -> str:
    axes = at.same("axis")
    return at.add(kind, [x, at.axes(axes)], keepdims=int(at.same("keepdims"))) if axes else x


@ONNX.register(ops.max)
def _max(at: At) -> str:
    return _pooled(at, "MaxPool", -math.inf) or _reduced(at, "ReduceMax", at.input(0))


@ONNX.register(ops.min)
def _min(at: At) -> str:
    return _reduced(at, "ReduceMin", at.input(0))


@ONNX.register(ops.norm)
def _norm(at: At) -> str:
    return _reduced(at, "ReduceL2", at.input(0))


def _pooled(at: At, kind: str, around: float) -> str:
    """A reduction of all windows of images as ONNX has it; nothing if it is none of these."""
    seen = at.behind(0, ops.windows)
    if seen is None or at.node.dtype != np.float32:
        return ""
    sizes, strides, dilations = (seen.same(name) for name in ("sizes", "strides", "dilations"))
    k = len(sizes)
    inside = tuple(range(seen.node.ndim - k, seen.node.ndim))
    if at.same("axis") != inside or at.same("keepdims") or seen.inputs(0)[0].ndim != 2 + k:
        return ""
    if kind == "AveragePool" and set(dilations) != {1}:
        return ""
    x, pads = _without_padding(seen, around, [span(n, d) for n, d in zip(sizes, dilations, strict=True)])
    how = {"kernel_shape": sizes, "strides": strides, "pads": pads}
    how |= {"count_include_pad": 1} if kind == "AveragePool" else {"dilations": dilations}
    return at.add(kind, [x], **how)


def _without_padding(seen: At, value: float, sizes: list[int]) -> tuple[str, list[int]]:
    """What windows slide over, and what the pooling puts around it by itself."""
    k, padded = len(sizes), seen.behind(0, ops.pad)
    if padded is not None and padded.same("value") == value:
        widths = padded.same("widths")
        small = all(max(pair) < n for pair, n in zip(widths[2:], sizes, strict=True))
        if small and widths[:2] == ((0, 0), (0, 0)):
            return padded.input(0), [w[0] for w in widths[2:]] + [w[1] for w in widths[2:]]
    return seen.input(0), [0] * (2 * k)


@ONNX.register(ops.log_softmax)
@when_read
def _log_softmax(at: At) -> str:
    return at.add("LogSoftmax", [at.input(0)], axis=at.same("axis"))


@ONNX.register(ops.standardize)
def _standardize(at: At) -> str:
    """Over the last axes a layer normalisation; over others these are brought there."""
    axes, ndim = at.same("axis"), at.node.ndim
    order = [a for a in range(ndim) if a not in axes] + [*axes]
    x = at.input(0) if order == [*range(ndim)] else at.add("Transpose", [at.input(0)], perm=order)
    lengths = [n for a, n in enumerate(at.shape(0)) if a in axes]
    if all(map(is_same, lengths)):
        ones = at.constant(np.ones([n[0] for n in lengths]))
    else:
        ones = at.add("ConstantOfShape", [at.integers(lengths)], value=_one(at.node.dtype))
    made = at.add("LayerNormalization", [x, ones], axis=ndim - len(axes), epsilon=at.same("eps"))
    back = [order.index(a) for a in range(ndim)]
    return made if order == back == [*range(ndim)] else at.add("Transpose", [made], perm=back)


def _one(dtype: np.dtype) -> TensorProto:
    return numpy_helper.from_array(np.ones(1, dtype))


@ONNX.register(ops.cumsum)
def _cumsum(at: At) -> str:
    x = at.input(0)
    if at.inputs(0)[0].dtype != at.node.dtype:
        x = at.add("Cast", [x], to=element_type(at.node.dtype))
    axis = at.constant(at.same("axis"), np.int64)
    return at.add("CumSum", [x, axis], reverse=int(at.same("reverse")))


def _arg(kind: str) -> Rule:
    return lambda at: at.add(kind, [at.input(0)], axis=at.same("axis"), keepdims=0)


ONNX.register(ops.argmax)(_arg("ArgMax"))
ONNX.register(ops.argmin)(_arg("ArgMin"))


# Contractions


@ONNX.register(ops.contract)
@when_read
def _contract(at: At) -> str:
    """A product of matrices where it is one, up to the order of axes; else a sum by subscripts."""
    return _product(at) or at.add("Einsum", at.all_inputs(), equation=at.same("spec"))


def _product(at: At, bias: str = "") -> str:
    """A product of matrices, with a bias if there is one; nothing if it is none, or not with a bias."""
    (left, right), out = at.same("spec").split("->")[0].split(","), at.same("spec").split("->")[1]
    made = _as_matrices(at, left, right, out, False, bias)
    return made or _as_matrices(at, right, left, out, True, bias)


@ONNX.register(ops.add)
def _add(at: At) -> str:
    """A bias is an input of what it is added to, where ONNX has such a one; for float32 alone, as ONNX Runtime has."""
    places = (0, 1) if at.node.dtype == np.float32 else ()
    for i in places:
        for op, rule in ((ops.contract, _product), (ops.convolve, _convolve), (ops.convolve_input, _convolve_input)):
            product = at.behind(i, op)
            bias = _bias(at, 1 - i, -1 if op is ops.contract else 1) if product else ""
            made = rule(product, bias) if product and bias else ""
            if made:
                return made
    return at.add("Add", at.repeating())


def _bias(at: At, i: int, axis: int) -> str:
    """The name of an input that is a vector along one axis, repeated along the others; nothing if it is no such one."""
    nodes = at.unrepeated(i)
    while nodes[0].op is ops.reshape and nodes[0] not in at.graph.names and _is_along(nodes[0], at.node, axis):
        nodes = tuple(n.inputs[0] for n in nodes)
    return at.walk.name_of(nodes) if nodes[0].shape == (at.node.shape[axis],) else ""


def _is_along(x: Tensor, y: Tensor, axis: int) -> bool:
    lengths = [1] * y.ndim
    lengths[axis] = y.shape[axis]
    return (1,) * (y.ndim - x.ndim) + x.shape == tuple(lengths)


def _operands(at: At, bias: str) -> list[str]:
    return [*at.all_inputs(), bias] if bias else at.all_inputs()


def _as_matrices(at: At, left: str, right: str, out: str, swapped: bool, bias: str) -> str:
    batch = [c for c in left if c in right and c in out]
    inner = [c for c in left if c in right and c not in out]
    rows, columns = [c for c in left if c not in right], [c for c in right if c not in left]
    if len(inner) != 1 or len(columns) != 1 or (batch and len(rows) != 1):
        return ""
    a, b = (at.input(i) for i in ((1, 0) if swapped else (0, 1)))
    if len(left) == len(right) == 2 and list(out) == rows + columns and at.node.dtype == np.float32:
        turned = {"transA": int(left[0] == inner[0]), "transB": int(right[1] == inner[0])}
        return at.add("Gemm", [a, b, bias] if bias else [a, b], **{k: v for k, v in turned.items() if v})
    if bias:
        return ""
    a = _ordered(at, a, left, batch + rows + inner)
    b = _ordered(at, b, right, batch + inner + columns)
    return _ordered(at, at.add("MatMul", [a, b]), "".join(batch + rows + columns), list(out))


def _ordered(at: At, name: str, axes: str, wanted: list[str]) -> str:
    return name if list(axes) == wanted else at.add("Transpose", [name], perm=[axes.index(c) for c in wanted])


def _how(at: At) -> dict[str, object]:
    """The attributes that convolutions share."""
    before, behind = zip(*at.same("padding"), strict=True)
    return {
        "pads": [*before, *behind], "strides": at.same("stride"), "dilations": at.same("dilation"),
        "group": at.same("groups"),
    }  # fmt: skip


def _convolve(at: At, bias: str = "") -> str:
    return at.add("Conv", _operands(at, bias), **_how(at))


def _convolve_input(at: At, bias: str = "") -> str:
    missing = {_missing(n) for n in at.nodes}
    if len(missing) > 1:
        raise Unlike("the size of the images of a transposed convolution")
    return at.add("ConvTranspose", _operands(at, bias), output_padding=missing.pop(), **_how(at))


def _missing(node: Tensor) -> tuple[int, ...]:
    """How much larger the images are than the least that a convolution could have made this of."""
    (g, w), how = node.inputs, node.attrs
    sizes = zip(how["sizes"], g.shape[2:], w.shape[2:], how["stride"], how["dilation"], how["padding"], strict=True)
    return tuple(size - ((n - 1) * s + span(k, d) - sum(pads)) for size, n, k, s, d, pads in sizes)


ONNX.register(ops.convolve)(single(when_read(_convolve)))
ONNX.register(ops.convolve_input)(single(when_read(_convolve_input)))

__all__: list[str] = []
