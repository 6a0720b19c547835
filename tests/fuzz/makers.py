"""What a step may be: functions that make one on the values that are there, or say that they cannot."""

from __future__ import annotations

import math
from collections.abc import Callable

from .block import Block, Step
from .generate import Draw
from .moving import broadcast, gathered, joined, labels, padded, placed, rearranged, scattered, sliced

Maker = Callable[[Draw], Step | None]

MATHS = [
    "sg.exp(@0)", "sg.exp(-sg.abs(@0))", "sg.expm1(@0)", "sg.log(sg.abs(@0) + 0.25)", "sg.log1p(sg.abs(@0))",
    "sg.sin(@0)", "sg.cos(@0)", "sg.tanh(@0)", "sg.sigmoid(@0)", "sg.softplus(@0)", "sg.erf(@0)", "sg.erfc(@0)",
    "sg.tan(sg.tanh(@0))", "sg.atan(@0)", "sg.acos(0.9 * sg.tanh(@0)) * sg.asin(0.9 * sg.sin(@0))", "sg.sinc(@0)",
    "sg.sinh(sg.tanh(@0)) / sg.cosh(sg.sin(@0))", "sg.asinh(@0) + sg.acosh(1.5 + sg.abs(@0))", "sg.rsqrt(@0 * @0 + 1)",
    "sg.atanh(0.9 * sg.sin(@0))", "sg.log2(sg.abs(@0) + 0.25) * sg.log10(sg.abs(@0) + 0.5)",
    "sg.lgamma(sg.abs(@0) + 0.25)", "sg.erfinv(0.9 * sg.sin(@0)) + sg.digamma(sg.abs(@0) + 0.5)",
    "sg.gelu(@0)", "sg.silu(@0)", "(sg.abs(@0) + 0.5) ** 1.5", "sg.pow(2.0, @0)", "sg.elu(@0)", "sg.elu(@0, 0.5)",
]  # fmt: skip
"""Functions that take long to compile, and so stand in fewer programs."""

FLOATS = [
    "sg.sqrt(sg.abs(@0))", "sg.sqrt(@0 * @0 + 1)", "@0 ** 3", "@0 ** 2", "sg.softsign(@0)", "(@0 + 3) ** -1",
    "sg.leaky_relu(@0)", "sg.leaky_relu(@0, 2.0)", "sg.huber(@0)", "sg.huber(@0, 0.25)", "sg.stop_gradient(@0)",
    "1 / (sg.abs(@0) + 1)",
    "sg.custom_vjp(lambda a, b: a * b, lambda g, y, a, b: (g * b, g * a))(@0 * 1.0, @0 * 2.0)",
]  # fmt: skip
ANY = [
    "sg.square(@0)", "sg.relu(@0)", "sg.abs(@0)", "-@0", "sg.sign(@0)", "sg.isnan(@0)", "sg.isfinite(@0)",
    "sg.clip(@0, 0, 1)", "sg.clip(@0, -1, 2)", "sg.clip(@0, None, 1)", "sg.clip(@0, 0.25, 0.75)", "@0 + 1", "3 - @0",
    "@0 * 2", "0.5 * @0", "@0 / 4", "sg.maximum(@0, 1)", "@0 == 1", "@0 + True",
    "sg.right_shift((@0 > 0).astype('int32') * 5 - 3, 1)",
    "sg.floor(@0)", "sg.ceil(@0)", "sg.round(@0)", "sg.trunc(@0)",
]  # fmt: skip
BINARY = [
    "@0 + @1", "@0 - @1", "@0 * @1", "@0 + @1 * @1", "@0 / (sg.abs(@1) + 0.5)", "sg.maximum(@0, @1)",
    "sg.minimum(@0, @1)",
    "sg.remainder(@0, sg.abs(@1) + 1)", "sg.atan2(@0, 1.5 + sg.sin(@1))",
    "@0 == @1", "@0 != @1", "@0 < @1", "@0 <= @1", "@0 > @1", "sg.greater_equal(@0, @1)",
    "sg.ops.scale(@0, @1)", "sg.pow(sg.abs(@0) + 0.5, @1)", "sg.clip(@0, @1, @1 + 1)", "sg.where(@0 < @1, @0, @1)",
]  # fmt: skip
REDUCTIONS = ["sum", "sum", "mean", "max", "min", "logsumexp", "norm", "std", "var"]


def elementwise(d: Draw) -> Step | None:
    i = d.float() if d.chance(0.8) else d.pick()
    return None if i is None else Step(d.one(MATHS if d.chance(0.35) else FLOATS), (i,))


def of_any_dtype(d: Draw) -> Step | None:
    i = d.pick()
    return None if i is None else Step(d.one(ANY), (i,))


def cast(d: Draw) -> Step | None:
    i = d.pick()
    other = "float64" if d.dtype == "float32" else "float32"
    to = d.one([d.dtype, d.dtype, d.dtype, other, "int32", "int64", "uint8", "bool"])
    value = d.values[i].numpy()
    if to == "uint8" and value.size and not 0 <= value.min() <= value.max() < 256:
        return Step(f"sg.clip(@0, 0, 255).astype({to!r})", (i,))
    return Step(f"@0.astype({to!r})", (i,))


def binary(d: Draw) -> Step | None:
    i = d.pick()
    j = d.pick(lambda v: _meet(d.values[i], v))
    pair = (i, j) if d.chance(0.5) else (j, i)
    return Step(d.one(BINARY), pair)


def _meet(a, b) -> bool:
    """Whether two values broadcast together, to nothing too large, and have dtypes that mix."""
    if a.dtype.kind == b.dtype.kind == "f" and a.dtype != b.dtype:
        return False
    pairs = zip(a.shape[::-1], b.shape[::-1], strict=False)
    return all(n == m or 1 in (n, m) for n, m in pairs)


def logic(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.dtype == bool)
    if i is None:
        return Step("@0 > 0", (d.pick(),))
    j = d.pick(lambda v: v.dtype == bool and _meet(d.values[i], v))
    text = d.one(["@0 & @1", "@0 | @1", "~@0", "sg.logical_and(@0, ~@1)", "sg.logical_or(~@0, @1)"])
    return Step(text, (i, j))


def where(d: Draw) -> Step | None:
    i = d.pick()
    j = d.pick(lambda v: _meet(d.values[i], v))
    c = d.pick(lambda v: v.dtype == bool and _meet(d.values[i], v) and _meet(d.values[j], v))
    if c is None:
        return Step("sg.where(@0 > 0, @0, @1)", (i, j))
    return Step(d.one(["sg.where(@0, @1, @2)", "sg.where(@0, @1, 0)", "sg.where(@0, 1.5, @2)"]), (c, i, j))


def _axes(d: Draw, ndim: int) -> str:
    if ndim == 0 or d.chance(0.2):
        return "None"
    if d.chance(0.6):
        return str(d.number(-ndim, ndim - 1))
    return str(tuple(sorted(d.rng.sample(range(ndim), d.number(0, ndim)))))


def reduction(d: Draw) -> Step | None:
    i = d.pick()
    ndim = d.values[i].ndim
    return Step(f"sg.{d.one(REDUCTIONS)}(@0, {_axes(d, ndim)}, keepdims={d.chance(0.4)})", (i,))


def along_an_axis(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.ndim > 0)
    if i is None:
        return None
    axis = d.number(-d.values[i].ndim, d.values[i].ndim - 1)
    text = d.one(
        [
            f"sg.cumsum(@0, {axis}, {d.chance(0.5)})", f"sg.argmax(@0, {axis})", f"sg.argmin(@0, {axis})",
            f"sg.argsort(@0, {axis})", f"sg.sort(@0, {axis})",
            f"sg.softmax(@0, {axis})", f"sg.log_softmax(@0, {axis})", f"sg.standardize(@0, {axis}, 0.1)",
            f"sg.flip(@0, {axis})", "sg.argmax(@0)", f"sg.standardize(@0, {_axes(d, d.values[i].ndim)})",
        ]
    )  # fmt: skip
    return Step(text, (i,))


# Contractions, windows, images


def product(d: Draw) -> Step | None:
    i = d.float(1, 4)
    if i is None:
        return None
    a = d.values[i]
    j = d.pick(lambda v: v.dtype == a.dtype and v.ndim > 0 and v.shape[-2 if v.ndim > 1 else -1] == a.shape[-1])
    if j is not None and d.chance(0.5):
        return Step("@0 @ @1", (i, j))
    return _einsum(d, i)


def _einsum(d: Draw, i: int) -> Step | None:
    """A sum of products with letters as their lengths allow."""
    a = d.values[i]
    j = d.pick(lambda v: v.dtype == a.dtype and 0 < v.ndim < 4)
    if j is None:
        return None
    b, left, right, free = d.values[j], "abcd"[: a.ndim], "", list("efgh")
    for n in b.shape:
        same = [c for c, m in zip(left, a.shape, strict=True) if m == n and c not in right]
        right += d.one(same) if same and d.chance(0.7) else free.pop(0)
    letters = list(dict.fromkeys(left + right))
    out = d.rng.sample(letters, d.number(0, min(3, len(letters))))
    size = dict(zip(left, a.shape, strict=True)) | dict(zip(right, b.shape, strict=True))
    if math.prod(size.values()) > 20_000:
        return None
    return Step(f"sg.einsum('{left},{right}->{''.join(out)}', @0, @1)", (i, j))


def long_product(d: Draw) -> Step | None:
    """A sum long enough for blocks with partial sums between them."""
    i = d.float()
    n = d.one([513, 600])
    scale = f"sg.arange({n}).astype(@0.dtype) / 512 - 0.5"
    return None if i is None else Step(f"sg.einsum('i,ij->j', {scale}, sg.broadcast_to(@0.mean(), ({n}, 3)))", (i,))


def windows(d: Draw) -> Step | None:
    i = d.pick(lambda v: v.ndim > 0)
    if i is None:
        return None
    n = d.values[i].shape[-1]
    size, stride, dilation = d.number(1, 3), d.number(1, 2), d.number(1, 2)
    if d.chance(0.3):
        axis = d.number(0, d.values[i].ndim - 1)
        how = {"axes": (axis,), "sizes": (size,), "strides": (stride,), "dilations": (dilation,)}
        return Step(f"apply(slide, (@0.node,), {how})", (i,))
    text = f"sg.windows(@0, {size}, {stride}, {dilation})"
    return Step(d.one([text, f"sg.fold({text}, {n}, {stride}, {dilation})"]), (i,))


def image(d: Draw) -> Step | None:
    """A convolution, one of its transposes, or a pooling, of a value as images or sequences."""
    i = d.float(1, 5)
    if i is None:
        return None
    shape = d.values[i].shape
    x = "@0" if len(shape) > 2 else f"@0.reshape({(*(1,) * (3 - len(shape)), *shape)})"
    full = (*(1,) * (3 - len(shape)), *shape)
    size, stride, padding, dilation = d.number(1, 3), d.number(1, 2), d.number(0, 2), d.number(1, 2)
    kind = d.one(["convolve", "convolve", "depthwise", "input", "weight", "max", "avg"])
    space = len(full) - 2
    kernel = f"({x})[:2, ..., :{size}]" if d.chance(0.3) else f"(({x})[0, None, ..., :{size}] + 1)"
    padding = d.one([padding, "'same'"]) if stride == 1 else padding
    if kind == "convolve":
        return Step(f"0.3 * sg.convolve({x}, {kernel}, {stride}, {padding}, {dilation})", (i,))
    if kind == "depthwise":
        kernel = f"({x})[0][:, None, ..., :{size}]"
        return Step(f"0.3 * sg.convolve({x}, {kernel}, {stride}, {padding}, {dilation}, {full[1]})", (i,))
    if kind == "input":
        sizes = [max(n - 1, 0) * stride + k for n, k in zip(full[2:], (*full[2:-1], min(size, full[-1])), strict=True)]
        return Step(f"0.3 * sg.convolve_input({x}, ({x}).swapaxes(0, 1)[..., :{size}], {sizes}, {stride})", (i,))
    if kind == "weight":
        return Step(f"0.3 * sg.convolve_weight({x}, {x}, {(1,) * space})", (i,))
    ceil = d.chance(0.3)
    if kind == "max":
        return Step(f"sg.max_pool({x}, {size}, {stride}, {d.number(0, size // 2)}, ceil_mode={ceil})", (i,))
    count = d.chance(0.5)
    how = f"ceil_mode={ceil}, count_include_pad={count}"
    return Step(f"sg.avg_pool({x}, {size}, {stride}, {d.number(0, size // 2)}, {how})", (i,))


# Leaves


def leaf(d: Draw) -> Step | None:
    n, m = d.number(0, 5), d.number(1, 4)
    dtype = d.one([d.dtype, "int32", "int64", "uint8", "bool"])
    texts = [f"sg.full(({n}, {m}), {d.number(0, 1)}, {dtype!r})", f"sg.arange({n})", f"sg.arange({n}, {d.dtype!r})"]
    seed = [d.number(0, 9), d.number(0, 9)]
    texts.append(f"sg.random.uniform(np.array({seed}), ({n}, {m}), {d.number(0, 3)})")
    texts.append(f"sg.tensor(np.arange({n * m}).reshape({n}, {m}) % 3, {dtype!r})")
    return Step(d.one(texts), ())


# Functions of functions


def looped(d: Draw) -> Step | None:
    """A scan over the rows of a value, whose body is a program of its own, with a value from outside."""
    if d.depth > 1:
        return None
    c, x, k = d.pick(), d.pick(lambda v: v.ndim > 0 and v.shape[0] > 0), d.pick()
    if x is None:
        return None
    inner = Draw(d.rng, d.dtype, [d.values[c].numpy(), d.values[x].numpy()[0], d.values[k].numpy()], d.depth + 1)
    inner.grow(d.number(1, 3))
    carry = _like(inner, 0)
    made = range(len(inner.values))
    ys = [d.one(made) for _ in range(d.number(0, 2))]
    pair = Step(f"(@0, ({''.join(f'@{i + 1}, ' for i in range(len(ys)))}))", (carry, *ys))
    body = Block(2, tuple(inner.steps), pair)
    return Step(f"sg.scan(@f, @0, @1, reverse={d.chance(0.4)})", (c, x), 1 + len(ys), body, (k,))


def _like(inner: Draw, i: int) -> int:
    """A value of the body that can be the next carry: of the same form as value ``i``."""
    first = inner.values[i]
    last = inner.values[-1]
    if first.dtype.kind == last.dtype.kind == "f" and first.dtype == last.dtype and inner.chance(0.7):
        text = f"0.5 * @0 + sg.tanh(sg.broadcast_to(@1.mean(), {first.shape}))"
        if last.size and inner.add(Step(text, (i, len(inner.values) - 1))):
            return len(inner.values) - 1
    fitting = [k for k, v in enumerate(inner.values) if (v.shape, v.dtype) == (first.shape, first.dtype)]
    return fitting[-1]


def mapped(d: Draw) -> Step | None:
    """A program of one member for all members, with a value that they share."""
    if d.depth > 1:
        return None
    i = d.pick(lambda v: v.ndim > 0 and v.shape[0] > 0)
    if i is None:
        return None
    n = d.values[i].shape[0]
    j = d.pick(lambda v: v.ndim > 0 and v.shape[0] == n)
    k = d.pick()
    members = [d.values[i].numpy()[0], d.values[j].numpy()[0]]
    inner = Draw(d.rng, d.dtype, [*members, d.values[k].numpy()], d.depth + 1)
    inner.grow(d.number(1, 4))
    made = [d.one(range(len(inner.values))) for _ in range(d.number(1, 2))]
    returns = Step(f"({''.join(f'@{r}, ' for r in range(len(made)))})", tuple(made))
    body = Block(3, tuple(inner.steps), returns)
    return Step("sg.vmap(@f, in_axes=(0, 0, None))(@0, @1, @2)", (i, j, k), len(made), body)


def checkpointed(d: Draw) -> Step | None:
    i = d.float()
    return None if i is None else Step("sg.checkpoint(lambda x: sg.tanh(sg.sin(x) * 2))(@0)", (i,))


def differentiated(d: Draw) -> Step | None:
    """The gradient of a value, as a part of the program."""
    i = d.float()
    text = d.one(["(x * x * x).sum()", "(x * x).mean()", "sg.logsumexp(x)", "sg.relu(x).sum()", "sg.norm(x)"])
    return None if i is None else Step(f"sg.grad(lambda x: {text})(@0)", (i,))


WEIGHED: dict[Maker, float] = {
    elementwise: 4, of_any_dtype: 4, cast: 1.5, binary: 5, logic: 1, where: 1.5, reduction: 3, along_an_axis: 2,
    rearranged: 2, broadcast: 1, joined: 3, padded: 2, sliced: 2.5, placed: 0.5, gathered: 1.5, scattered: 0.5,
    labels: 1, product: 2, long_product: 0.3, windows: 1, image: 1.5, leaf: 0.7, looped: 1, mapped: 0.8,
    checkpointed: 0.2, differentiated: 0.4,
}  # fmt: skip
MAKERS, WEIGHTS = list(WEIGHED), list(WEIGHED.values())
