"""Windows, convolutions and pooling: against their definitions element by element, against PyTorch, bad arguments."""

import itertools
import re

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import placeholder

rng = np.random.default_rng(3)

HOW = [  # kernel, stride, padding (low, high), dilation, groups
    ((3,), (1,), ((0, 0),), (1,), 1),
    ((2,), (3,), ((1, 2),), (2,), 2),
    ((3, 2), (2, 1), ((1, 0), (2, 3)), (1, 2), 1),
    ((1, 1), (2, 3), ((0, 0), (0, 0)), (1, 1), 2),
    ((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 4),
    ((2, 1, 2), (1, 2, 1), ((0, 1), (0, 0), (1, 1)), (1, 1, 2), 2),
    ((2, 2), (1, 1), ((3, 3), (3, 3)), (1, 1), 1),
    ((3,), (2,), ((4, 8),), (2,), 10),
    ((3, 2), (1, 1), ((1, 1), (4, 4)), (1, 1), 10),
]
LENGTHS = (6, 5, 4)


def by_definition(x, w, stride, padding, dilation, groups):
    """y[n, o, p] = sum over c, k of x[n, c, p stride + k dilation - padding] w[o, c, k], one product at a time."""
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    kernel, each = w.shape[2:], w.shape[0] // groups
    shape = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)]
    y = np.zeros((x.shape[0], w.shape[0], *shape))
    for o, p, k in itertools.product(range(w.shape[0]), np.ndindex(*shape), np.ndindex(*kernel)):
        at = tuple(i * s + j * d for i, s, j, d in zip(p, stride, k, dilation, strict=True))
        first = o // each * w.shape[1]
        for c in range(w.shape[1]):
            y[(slice(None), o, *p)] += x[(slice(None), first + c, *at)] * w[(o, c, *k)]
    return y


def operands(kernel, groups):
    channels, made = (groups, groups) if groups > 4 else (4, 8)
    return rng.normal(size=(2, channels, *LENGTHS[: len(kernel)])), rng.normal(size=(made, channels // groups, *kernel))


@pytest.mark.parametrize("how", HOW)
def test_a_convolution_is_the_sum_that_defines_it(how):
    kernel, *rest = how
    x, w = operands(kernel, how[-1])
    found = sg.convolve(sg.tensor(x, "float64"), sg.tensor(w, "float64"), *rest)
    np.testing.assert_allclose(found.numpy(), by_definition(x, w, *rest), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("how", HOW)
def test_native_convolutions_and_gradients_agree_with_the_references(how, threads):
    kernel, *rest = how
    x, w = operands(kernel, how[-1])
    inputs = [placeholder(x.shape, "float64"), placeholder(w.shape, "float64")]
    y = sg.convolve(*inputs, *rest)
    outputs = [y, *sg.grad((y * y).sum(), inputs)]
    for e, n in zip(
        Interpreter(inputs, outputs)([x, w]), Program(inputs, outputs, n_threads=threads)([x, w]), strict=True
    ):
        np.testing.assert_allclose(n, e, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("how", HOW)
def test_convolutions_and_gradients_agree_with_pytorch(how):
    torch = pytest.importorskip("torch")
    kernel, stride, padding, dilation, groups = how
    x, w = operands(kernel, groups)
    inputs = [sg.tensor(x, "float64"), sg.tensor(w, "float64")]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, w)]
    around = [n for pair in reversed(padding) for n in pair]
    op = getattr(torch.nn.functional, f"conv{len(kernel)}d")
    y = op(torch.nn.functional.pad(theirs[0], around), theirs[1], None, stride, 0, dilation, groups)
    c = rng.normal(size=y.shape)
    (y * torch.tensor(c)).sum().backward()
    loss = (sg.convolve(*inputs, *how[1:]) * sg.tensor(c, "float64")).sum()
    for g, t in zip(sg.grad(loss, inputs), theirs, strict=True):
        np.testing.assert_allclose(g.numpy(), t.grad.numpy(), rtol=1e-11, atol=1e-11)


def test_same_padding_keeps_the_size_and_puts_more_behind():
    x, w = sg.zeros((1, 1, 5, 6)), sg.zeros((1, 1, 2, 3))
    y = sg.convolve(x, w, padding="same", dilation=(3, 1))
    assert y.shape == (1, 1, 5, 6)
    assert y.attrs["padding"] == ((1, 2), (1, 1))


def test_integers_convolve_as_floats():
    y = sg.convolve(np.arange(4).reshape(1, 1, 4), [[[1.0, 1.0]]])
    assert (y.dtype, y.tolist()) == (np.dtype("float32"), [[[1, 3, 5]]])


@pytest.mark.parametrize(
    ("x", "w"),
    [((0, 2, 5), (4, 2, 3)), ((2, 0, 5), (3, 0, 2)), ((2, 4, 5), (0, 4, 2)), ((0, 4, 3, 3), (6, 2, 2, 2))],
)
def test_no_images_or_channels(x, w):
    """A sum over no channels is 0, as are the gradients."""
    groups = x[1] // w[1] if w[1] else 1
    images, kernels = sg.ones(x), sg.ones(w)
    y = sg.convolve(images, kernels, groups=groups)
    assert y.shape == (x[0], w[0], *(n - k + 1 for n, k in zip(x[2:], w[2:], strict=True)))
    for found in (y, *sg.grad(y.sum(), [images, kernels])):
        assert not found.numpy().any()


@pytest.mark.parametrize("pool", [sg.max_pool, sg.avg_pool])
def test_nothing_is_pooled_of_padding_alone(pool):
    with pytest.raises(ShapeError, match=r"nothing to pool in images of no elements, shape \(1, 1, 0\)"):
        pool(sg.ones((1, 1, 0)), 2, padding=1)
    assert pool(sg.ones((0, 3, 4)), 2).shape == (0, 3, 2)


def test_a_kernel_has_elements():
    with pytest.raises(ShapeError, match=r"at least one element of each axis, got \(0,\)"):
        sg.convolve(sg.ones((1, 1, 4)), sg.ones((1, 1, 0)))


POOLS = [  # size, stride, padding, ceil_mode
    (2, None, 0, False),
    (2, None, 0, True),
    (3, 2, 1, False),
    (3, 2, 1, True),
    ((2, 3), (3, 1), (1, 0), True),
    ((3, 1), 1, (1, 0), False),
    ((2, 2), (4, 4), 1, True),
]


@pytest.mark.parametrize("shape", [(5, 7), (6, 6), (4, 8)])
@pytest.mark.parametrize(("size", "stride", "padding", "ceil_mode"), POOLS)
def test_pooling_agrees_with_pytorch(size, stride, padding, ceil_mode, shape):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(2, 3, *shape))
    given = (size, stride, padding)
    ours, theirs = sg.tensor(x, "float64"), torch.tensor(x, requires_grad=True)
    functional = torch.nn.functional
    pairs = [
        (sg.max_pool(ours, *given, 1, ceil_mode), functional.max_pool2d(theirs, *given, 1, ceil_mode)),
        (sg.avg_pool(ours, *given, ceil_mode), functional.avg_pool2d(theirs, *given, ceil_mode)),
        (sg.avg_pool(ours, *given, ceil_mode, False), functional.avg_pool2d(theirs, *given, ceil_mode, False)),
    ]
    for y, t in pairs:
        np.testing.assert_allclose(y.numpy(), t.detach().numpy(), rtol=1e-12)
        (g,) = torch.autograd.grad((t**2).sum(), theirs)
        np.testing.assert_allclose(sg.grad((y * y).sum(), ours).numpy(), g.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize(("k", "s", "p"), [(2, 2, 0), (2, 3, 1), (3, 2, 0), (3, 3, 1), (4, 3, 2), (5, 4, 0), (2, 1, 0)])
def test_windows_that_stick_out(k, s, p, n):
    """By PyTorch's rule: as many windows as begin inside, out of those that a stride more would make room for."""
    x = rng.normal(size=n)
    count = (n + 2 * p - k + s - 1) // s + 1
    count -= (count - 1) * s >= n + p
    if count < 1:
        with pytest.raises(ShapeError, match=f"a window of size {k} does not fit"):
            sg.max_pool(x[None, None], k, s, p, ceil_mode=True)
        return
    seen = [x[max(0, i * s - p) : i * s - p + k] for i in range(count)]
    room = [min(i * s - p + k, n + p) - (i * s - p) for i in range(count)]
    with sg.using_dtype("float64"):
        given = sg.tensor(x[None, None]), k, s, p
        np.testing.assert_array_equal(sg.max_pool(*given, ceil_mode=True)[0, 0].numpy(), [w.max() for w in seen])
        mean, own = (sg.avg_pool(*given, ceil_mode=True, count_include_pad=c)[0, 0].numpy() for c in (True, False))
    np.testing.assert_allclose(mean, [w.sum() / m for w, m in zip(seen, room, strict=True)])
    np.testing.assert_allclose(own, [w.mean() for w in seen])


def test_tied_elements_of_a_window_share_its_gradient():
    x = sg.tensor([[[1.0, 2.0, 2.0, 0.0]]])
    assert sg.grad(sg.max_pool(x, 2, 1).sum(), x).tolist() == [[[0.0, 1.5, 1.5, 0.0]]]
    assert sg.grad(sg.max_pool(x, 4, padding=2).sum(), x).tolist() == [[[0.0, 1.0, 1.0, 0.0]]]


def test_padding_does_not_win_over_negative_numbers():
    assert sg.max_pool([[[-3.0, -2.0]]], 2, 1, 1).tolist() == [[[-3.0, -2.0, -2.0]]]


X, W = np.zeros((2, 4, 6, 5)), np.zeros((8, 4, 3, 3))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: sg.windows(np.zeros(3), 4), ShapeError, "a window of size 4 does not fit an axis of length 3"),
        (lambda: sg.windows(np.zeros(3), 2, 1, 3), ShapeError, "size 2 (dilated to 4) does not fit"),
        (lambda: sg.windows(np.zeros(3), (1, 1)), ShapeError, "windows over 2 axes need as many"),
        (lambda: sg.windows(np.zeros(3), 0), ArgumentError, "the size of a window is an integer of 1 or more"),
        (lambda: sg.windows(np.zeros(3), 1, 1.5), ArgumentError, "a stride is an integer"),
        (lambda: sg.fold(np.zeros((2, 2)), 4), ShapeError, "axes of lengths (4,) have (3,) windows"),
        (lambda: sg.fold(np.zeros(3), 4), ShapeError, "fold over 1 axes needs twice as many"),
        (lambda: sg.convolve(X, W[:, :3]), ShapeError, "4 channels in 1 groups do not fit weights of shape"),
        (lambda: sg.convolve(X, W[:3, :2], groups=2), ShapeError, "expected (a multiple of 2, 4 / 2, ...)"),
        (lambda: sg.convolve(X[0], W), ShapeError, "a convolution needs two tensors of 3 to 5 axes"),
        (lambda: sg.convolve(X, W, stride=(1, 2, 3)), ArgumentError, "a stride is an integer of 1 or more, or 2"),
        (lambda: sg.convolve(X, W, padding=-1), ArgumentError, "padding is an integer of 0 or more"),
        (lambda: sg.convolve(X, W, padding="full"), ArgumentError, '"same" or "valid", got \'full\''),
        (lambda: sg.convolve(X, W, 2, "same"), ArgumentError, 'padding="same" needs a stride of 1'),
        (lambda: sg.convolve(X, W, padding=[(1, 1)] * 3), ArgumentError, "padding has a pair for each of the 2 axes"),
        (lambda: sg.convolve(X, np.zeros((8, 4, 7, 3))), ShapeError, "a window of size 7 does not fit"),
        (lambda: sg.convolve_input(X, W, (9, 9)), ShapeError, "convolve to (2, 8, 7, 7), got a tensor of shape"),
        (lambda: sg.convolve_weight(X, X, 3), ShapeError, "convolve to (2, 4, 4, 3), got a tensor of shape"),
        (lambda: sg.max_pool(X, 2, padding=2), ArgumentError, "padding is at most half a window of 2, got (2, 2)"),
        (lambda: sg.avg_pool(np.zeros((2, 3)), 2), ShapeError, "pooling needs (N, C, ...)"),
        (lambda: sg.max_pool(X, 7), ShapeError, "a window of size 7 does not fit an axis of length 6"),
    ],
)
def test_bad_arguments_are_named(wrong, error, message):
    with pytest.raises(error, match=re.escape(message)):
        wrong()
