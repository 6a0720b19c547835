"""Convolutions, in PyTorch's layout: one primitive and its two gradients, each of which is made of the other two.

x is (N, C, S1..Sk), w is (O, C / groups, K1..Kk), and the result is (N, O, ...), for k from 1 to 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrad.errors import ShapeError
from subgrad.graph.op import Kind, apply, defop
from subgrad.graph.tensor import Tensor, TensorLike
from subgrad.ops import rules
from subgrad.ops.contract import contract
from subgrad.ops.indexing import flip, place
from subgrad.ops.shape import cast, pad, reshape, transpose
from subgrad.ops.window import Counts, Ints, Padding, Pairs, as_pairs, counted, fold, per_axis, span, windows


def _how(axes: int, sizes: Counts, stride: Ints, padding: Padding, dilation: Ints, groups: int) -> dict[str, Any]:
    """The attributes that the three ops share."""
    strides, dilations = per_axis(stride, axes, "a stride"), per_axis(dilation, axes, "a dilation")
    (count,) = per_axis(groups, 1, "the number of groups")
    pairs = as_pairs(padding, sizes, strides, dilations)
    return {"stride": strides, "padding": pairs, "dilation": dilations, "groups": count}


def _operands(a: TensorLike, b: TensorLike, what: str) -> tuple[Tensor, Tensor]:
    a, b = (rules.as_float(x) for x in rules.match(a, b))
    if a.ndim != b.ndim or not 3 <= a.ndim <= 5:
        raise ShapeError(f"{what} needs two tensors of 3 to 5 axes, got shapes {a.shape} and {b.shape}")
    return a, b


def _check_channels(x: Sequence[int], w: Sequence[int], groups: int) -> None:
    """Raise `ShapeError` unless images of shape x and weights of shape w have channels that fit."""
    if w[1] * groups != x[1] or w[0] % groups:
        raise ShapeError(
            f"{x[1]} channels in {groups} groups do not fit weights of shape {tuple(w)}: expected "
            f"(a multiple of {groups}, {x[1]} / {groups}, ...)"
        )


def _padded(sizes: Sequence[int], padding: Pairs) -> Counts:
    return tuple(n + low + high for n, (low, high) in zip(sizes, padding, strict=True))


def _windows_of(sizes: Sequence[int], kernel: Counts, how: dict[str, Any]) -> Counts:
    """How many places a kernel has on axes of ``sizes``."""
    return counted(_padded(sizes, how["padding"]), kernel, how["stride"], how["dilation"])


def products(node: Tensor) -> int:
    """How many products the sums of a convolution, or of one of its gradients, are of."""
    a, b = node.inputs
    w = node.shape if node.op is convolve_weight else b.shape
    out = b.shape if node.op is convolve_weight else a.shape if node.op is convolve_input else node.shape
    return out[0] * math.prod(out[2:]) * math.prod(w)


# The references: every window becomes a row of a matrix


def _columns(x: np.ndarray, kernel: Counts, how: dict[str, Any]) -> np.ndarray:
    """The padded windows of x: (groups, N O1..Ok, C / groups K1..Kk)."""
    axes, groups = len(kernel), how["groups"]
    x = np.pad(x, ((0, 0), (0, 0), *how["padding"]))
    seen = windows.ref(x, kernel, how["stride"], how["dilation"])
    n, c, *rest = seen.shape
    seen = seen.reshape(n, groups, c // groups, *rest) if groups > 1 else seen[:, None]
    seen = seen.transpose(1, 0, *range(3, 3 + axes), 2, *range(3 + axes, 3 + 2 * axes))
    return seen.reshape(groups, n * math.prod(rest[:axes]), c // groups * math.prod(kernel))


def _rows(y: np.ndarray, groups: int) -> np.ndarray:
    """Results (N, O, ...) as (groups, N O1..Ok, O / groups)."""
    n, o, *rest = y.shape
    by_place = y.reshape(n, groups, o // groups, math.prod(rest)).transpose(1, 0, 3, 2)
    return by_place.reshape(groups, n * math.prod(rest), o // groups)


def _matrices(w: np.ndarray, groups: int) -> np.ndarray:
    """Kernels as (groups, O / groups, C / groups K1..Kk)."""
    return w.reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))


# The expansions: windows are a view, so that all three are one contraction


def _split(x: Tensor, axis: int, groups: int) -> Tensor:
    """x with its channels at ``axis`` as (groups, channels of a group); x itself for one group."""
    shape = x.shape
    return x if groups == 1 else reshape(x, (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :]))


def _around(x: Tensor, padding: Pairs) -> Tensor:
    """x with zeros around its last axes; a negative width cuts off."""
    lead = x.ndim - len(padding)
    kept = [slice(max(0, -low), n - max(0, -high)) for (low, high), n in zip(padding, x.shape[lead:], strict=True)]
    widths = [(max(0, low), max(0, high)) for low, high in padding]
    x = x[(..., *kept)] if any(w < 0 for pair in padding for w in pair) else x
    return pad(x, [(0, 0)] * lead + widths) if any(w for pair in widths for w in pair) else x


def _dilated(x: Tensor, steps: Counts) -> Tensor:
    """x with zeros between the elements of its last axes, so that they lie ``steps`` apart."""
    if set(steps) == {1}:
        return x
    lead = x.ndim - len(steps)
    lengths = [span(n, s) for n, s in zip(x.shape[lead:], steps, strict=True)]
    at = (*((0, n, 1) for n in x.shape[:lead]), *((0, n, s) for n, s in zip(lengths, steps, strict=True)))
    return apply(place, (x,), {"steps": at, "shape": (*x.shape[:lead], *lengths)})


def _letters(spec: str, groups: int, axes: int) -> str:
    """A spec with a letter for each axis: G(roup) if there are several, O(utput places), K(ernel places)."""
    for short, long in {"G": "g" if groups > 1 else "", "O": "uvw"[:axes], "K": "xyz"[:axes]}.items():
        spec = spec.replace(short, long)
    return spec


def _summed(spec: str, groups: int, axes: int, a: Tensor, b: Tensor, shape: Sequence[int]) -> Tensor:
    """A contraction of n(umber), G(roup), c(hannel), o(utput) and places.

    The result is computed with its last term's axes in the order of the spec, and read in the order of ``shape``: the
    channel comes last there, so that vectors run along channels, whatever the size of the images.
    """
    terms, wanted = _letters(spec, groups, axes).rsplit("->", 1)
    made = terms.split("->")[1]
    y = apply(contract, (a, b), {"spec": terms})
    return reshape(transpose(y, [made.index(c) for c in wanted]), shape)


def _in_memory(x: Tensor, order: str, wanted: str) -> Tensor:
    """x with its axes in another order, which a copy has in memory, too."""
    return apply(cast, (transpose(x, [order.index(c) for c in wanted]),), {"dtype": x.dtype})


def _kernels(w: Tensor, groups: int, order: str, wanted: str) -> Tensor:
    """The kernels in memory as a contraction reads them: first the sums' axes, then the channels of the result."""
    axes = w.ndim - 2
    return _in_memory(_split(w, 0, groups), _letters(order, groups, axes), _letters(wanted, groups, axes))


# Convolution


def _convolve_prepare(
    x: TensorLike, w: TensorLike, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1
):
    x, w = _operands(x, w, "a convolution")
    return [x, w], _how(x.ndim - 2, w.shape[2:], stride, padding, dilation, groups)


def _convolve_shape(x, w, **how):
    rules.common_float(x, w, "a convolution")
    _check_channels(x.shape, w.shape, how["groups"])
    return (x.shape[0], w.shape[0], *_windows_of(x.shape[2:], w.shape[2:], how)), x.dtype


def _convolve_vjp(g, y, x, w, **how):
    return _input(g, w, x.shape[2:], how), _weight(x, g, w.shape[2:], how)


def _convolve_expanded(
    x: Tensor, w: Tensor, *, stride: Counts, padding: Pairs, dilation: Counts, groups: int
) -> Tensor:
    seen = windows(_split(_around(x, padding), 1, groups), w.shape[2:], stride, dilation)
    axes = len(stride)
    shape = (x.shape[0], w.shape[0], *seen.shape[seen.ndim - 2 * axes : seen.ndim - axes])
    kernels = _kernels(w, groups, "GocK", "GKco")
    return _summed("nGcOK,GKco->nOGo->nGoO", groups, axes, seen, kernels, shape)


@defop(
    kind=Kind.CONTRACTION,
    linear="each",
    prepare=_convolve_prepare,
    shape=_convolve_shape,
    vjp=_convolve_vjp,
    expand=_convolve_expanded,
    text="{0} ∗ {1}",
    slopes=("{1}", "{0}"),
)
def convolve(x, w, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups=1):
    """The convolution of images with kernels, as neural networks mean it: kernels are not flipped.

    ``y[n, o, p] = sum over c, k of x[n, c, p stride + k dilation - padding] w[o, c, k]``, for 1 to 3 axes of space.

    Args:
        x: shape (N, C, S1..Sk).
        w: shape (O, C / groups, K1..Kk).
        stride: from one place of the kernel to the next; a number, or one for each axis.
        padding: zeros around x: a number, one for each axis, a pair (before, behind) for each axis, "valid" (none), or
            "same" (so many that the result has the size of x; needs a stride of 1).
        dilation: from one element of the kernel to the next; a number, or one for each axis.
        groups: output channels see only the input channels of their own group; with C groups each channel is alone.

    Returns:
        shape (N, O, ...), each axis of (S + padding - (K - 1) dilation - 1) // stride + 1.

    Raises:
        ShapeError: if channels do not fit, or a kernel is larger than the padded images.
        ArgumentError: for a stride, padding, dilation or number of groups that is none.

    Example:
        >>> import subgrad as sg
        >>> x = sg.tensor([[[1.0, 2.0, 3.0, 4.0]]])
        >>> sg.convolve(x, [[[1.0, 0.0, -1.0]]], padding=1).tolist()
        [[[-2.0, -2.0, -2.0, 3.0]]]
    """
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    made = rules.product(_columns(x, w.shape[2:], how), _matrices(w, groups).swapaxes(1, 2))
    sizes = _windows_of(x.shape[2:], w.shape[2:], how)
    made = made.reshape(groups, x.shape[0], math.prod(sizes), w.shape[0] // groups).transpose(1, 0, 3, 2)
    return made.reshape(x.shape[0], w.shape[0], *sizes)


# The gradient by the images


def _input_prepare(
    g: TensorLike, w: TensorLike, sizes: Ints, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1,
    groups: int = 1,
):  # fmt: skip
    g, w = _operands(g, w, "a transposed convolution")
    lengths = per_axis(sizes, g.ndim - 2, "the size of the images")
    return [g, w], {"sizes": lengths, **_how(g.ndim - 2, w.shape[2:], stride, padding, dilation, groups)}


def _input_shape(g, w, *, sizes, **how):
    rules.common_float(g, w, "a transposed convolution")
    made = (g.shape[0], w.shape[0], *_windows_of(sizes, w.shape[2:], how))
    if made != g.shape or w.shape[0] % how["groups"]:
        raise ShapeError(
            f"images of size {sizes} and weights of shape {w.shape} in {how['groups']} groups convolve to {made}, "
            f"got a tensor of shape {g.shape}"
        )
    return (g.shape[0], w.shape[1] * how["groups"], *sizes), g.dtype


def _input_vjp(h, y, g, w, *, sizes, **how):
    return apply(convolve, (h, w), how), _weight(h, g, w.shape[2:], how)


def _input_expanded(
    g: Tensor, w: Tensor, *, sizes: Counts, stride: Counts, padding: Pairs, dilation: Counts, groups: int
) -> Tensor:
    """A convolution of g, spread out by the stride, with the flipped kernels."""
    axes, kernel, spread = len(sizes), w.shape[2:], _dilated(g, stride)
    low = [span(k, d) - 1 - p for k, d, (p, _) in zip(kernel, dilation, padding, strict=True)]
    high = [
        n + span(k, d) - 1 - m - before
        for n, k, d, m, before in zip(sizes, kernel, dilation, spread.shape[2:], low, strict=True)
    ]
    around = _around(spread, tuple(zip(low, high, strict=True)))
    seen = windows(_split(around, 1, groups), kernel, 1, dilation)
    flipped = _kernels(flip(w, range(2, w.ndim)), groups, "GocK", "GKoc")
    shape = (g.shape[0], w.shape[1] * groups, *sizes)
    return _summed("nGoOK,GKoc->nOGc->nGcO", groups, axes, seen, flipped, shape)


@defop(
    kind=Kind.CONTRACTION,
    linear="each",
    prepare=_input_prepare,
    shape=_input_shape,
    vjp=_input_vjp,
    expand=_input_expanded,
    text="{0} ∗ᵀ {1}",
    slopes=("{1}", "{0}"),
)
def convolve_input(g, w, sizes, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups=1):
    """The transposed convolution: the product of ``g`` with the derivative of `convolve` by its images.

    Args:
        g: shape (N, O, ...), as the result of the convolution.
        w: shape (O, C / groups, K1..Kk).
        sizes: S1..Sk of the images, which the shape of g leaves open if there is a stride.
        stride, padding, dilation, groups: as in `convolve`.

    Returns:
        shape (N, C, S1..Sk).

    Raises:
        ShapeError: if images of these sizes do not convolve to the shape of g.

    Example:
        >>> import subgrad as sg
        >>> sg.convolve_input([[[1.0, 10.0]]], [[[1.0, 2.0, 3.0]]], 5, stride=2).tolist()
        [[[1.0, 2.0, 13.0, 20.0, 30.0]]]
    """
    kernel, n, c = w.shape[2:], g.shape[0], w.shape[1]
    made = rules.product(_rows(g, groups), _matrices(w, groups))
    axes = len(kernel)
    made = made.reshape(groups, n, *g.shape[2:], c, *kernel)
    made = made.transpose(1, 0, 2 + axes, *range(2, 2 + axes), *range(3 + axes, 3 + 2 * axes))
    whole = fold.ref(made.reshape(n, groups * c, *g.shape[2:], *kernel), _padded(sizes, padding), stride, dilation)
    return whole[(..., *(slice(low, low + s) for (low, _), s in zip(padding, sizes, strict=True)))]


# The gradient by the kernels


def _weight_prepare(
    x: TensorLike, g: TensorLike, sizes: Ints, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1,
    groups: int = 1,
):  # fmt: skip
    x, g = _operands(x, g, "the gradient of a convolution")
    kernel = per_axis(sizes, x.ndim - 2, "the size of the kernels")
    return [x, g], {"sizes": kernel, **_how(x.ndim - 2, kernel, stride, padding, dilation, groups)}


def _weight_shape(x, g, *, sizes, **how):
    rules.common_float(x, g, "the gradient of a convolution")
    made = (x.shape[0], g.shape[1], *_windows_of(x.shape[2:], sizes, how))
    if made != g.shape or x.shape[1] % how["groups"] or g.shape[1] % how["groups"]:
        raise ShapeError(
            f"images of shape {x.shape} and kernels of size {sizes} in {how['groups']} groups convolve to {made}, "
            f"got a tensor of shape {g.shape}"
        )
    return (g.shape[1], x.shape[1] // how["groups"], *sizes), x.dtype


def _weight_vjp(v, y, x, g, *, sizes, **how):
    return _input(g, v, x.shape[2:], how), apply(convolve, (x, v), how)


def _weight_expanded(
    x: Tensor, g: Tensor, *, sizes: Counts, stride: Counts, padding: Pairs, dilation: Counts, groups: int
) -> Tensor:
    seen = windows(_split(_around(x, padding), 1, groups), sizes, stride, dilation)
    shape = (g.shape[1], x.shape[1] // groups, *sizes)
    return _summed("nGcOK,nGoO->GKco->GocK", groups, len(sizes), seen, _split(g, 1, groups), shape)


@defop(
    kind=Kind.CONTRACTION,
    linear="each",
    prepare=_weight_prepare,
    shape=_weight_shape,
    vjp=_weight_vjp,
    expand=_weight_expanded,
    text="{0} ⋆ {1}",
    slopes=("{1}", "{0}"),
)
def convolve_weight(x, g, sizes, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups=1):
    """The product of ``g`` with the derivative of `convolve` by its kernels.

    Args:
        x: shape (N, C, S1..Sk).
        g: shape (N, O, ...), as the result of the convolution.
        sizes: K1..Kk of the kernels.
        stride, padding, dilation, groups: as in `convolve`.

    Returns:
        shape (O, C / groups, K1..Kk).

    Raises:
        ShapeError: if x and kernels of these sizes do not convolve to the shape of g.

    Example:
        >>> import subgrad as sg
        >>> sg.convolve_weight([[[1.0, 2.0, 3.0, 4.0]]], [[[1.0, 10.0]]], 3).tolist()
        [[[21.0, 32.0, 43.0]]]
    """
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    made = rules.product(_rows(g, groups).swapaxes(1, 2), _columns(x, sizes, how))
    return made.reshape(g.shape[1], x.shape[1] // groups, *sizes)


def _input(g: Tensor, w: Tensor, sizes: Sequence[int], how: dict[str, Any]) -> Tensor:
    return apply(convolve_input, (g, w), {"sizes": tuple(sizes), **how})


def _weight(x: Tensor, g: Tensor, sizes: Sequence[int], how: dict[str, Any]) -> Tensor:
    return apply(convolve_weight, (x, g), {"sizes": tuple(sizes), **how})


CONVOLUTIONS = (convolve, convolve_input, convolve_weight)
"""The three ops, which are linear in each of their two inputs."""

__all__ = ["convolve", "convolve_input", "convolve_weight"]
