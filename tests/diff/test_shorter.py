"""A graph of a long batch that is run on shorter ones: the numbers of the shorter graph, or no such graph at all."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.diff.reverse import gradients
from subgrad.diff.shorter import Shorter, Traced, Unproven
from subgrad.graph.dtype import int64
from subgrad.graph.tensor import placeholder
from subgrad.ops import random

LONG, WIDTH = 6, 4
RNG = np.random.default_rng(0)
ROWS, WEIGHTS = RNG.normal(size=(LONG, WIDTH)), RNG.normal(size=(WIDTH, WIDTH))
CLASSES = np.arange(LONG) % WIDTH


def traced(f, n):
    """``f(x, w, labels)`` of n rows."""
    with sg.using_dtype("float64"):
        x, w = placeholder((n, WIDTH), "float64", "x"), placeholder((WIDTH, WIDTH), "float64", "w")
        labels, seed = placeholder((n,), "int64", "labels"), placeholder((2,), int64, "seed")
        with random.seeded(seed):
            found = f(x, w, labels)
            total = sg.sin(found.astype("float64")).sum()
        return Traced([x, w, labels, seed], [found.node, total])


def check_all_lengths(f):
    """Values and gradients at each length, of the graph for LONG rows, against the graph of that length."""
    with sg.using_dtype("float64"):
        long = traced(f, LONG)
        shorter = Shorter(long, traced(f, LONG - 1))
        made = gradients(shorter.outputs[-1], [long.inputs[1]])
        whole = Interpreter([*long.inputs, *shorter.numbers], [*shorter.outputs, *made])
        for n in range(3, LONG + 1):
            short = traced(f, n)
            numbers = shorter.of(short) if n < LONG else shorter.of_long
            assert numbers is not None
            assert len(numbers) == len(shorter.numbers)
            padded = np.concatenate([ROWS[:n], np.repeat(ROWS[:1], LONG - n, 0)])
            labels = np.concatenate([CLASSES[:n], np.repeat(CLASSES[:1], LONG - n, 0)])
            found = whole([padded, WEIGHTS, labels, np.array([3, 5]), *map(np.array, numbers)])
            slopes = gradients(short.outputs[-1], [short.inputs[1]])
            right = Interpreter(short.inputs, [*short.outputs, *slopes])
            expected = right([ROWS[:n], WEIGHTS, CLASSES[:n], np.array([3, 5])])
            for a, b in zip(found, expected, strict=True):
                assert a.ndim == b.ndim
                np.testing.assert_allclose(a[tuple(map(slice, b.shape))], b, rtol=1e-12, atol=1e-13)


def recurrent(x, w, labels, step):
    rows = sg.stack([x, x + 1, x * 2])
    return sg.scan(step, x, rows)[1]


def attention(x):
    return nn.TransformerBlock(2, 1, seed=0)(x)


SHORTER = {
    "network": lambda x, w, y: sg.tanh(x @ w) @ w,
    "mean": lambda x, w, y: (x @ w).mean(),
    "mean of rows": lambda x, w, y: (x @ w).mean(0),
    "variance": lambda x, w, y: sg.var(x @ w, 0, ddof=1) + sg.std(x @ w, 0),
    "sum": lambda x, w, y: (x @ w).sum(1).sum(),
    "standardized": lambda x, w, y: sg.standardize(x @ w, 0),
    "standardized by column": lambda x, w, y: sg.standardize((x @ w).reshape(-1, 2, 2), (0, 2)) * w[:2, :2],
    "cross entropy": lambda x, w, y: nn.cross_entropy(x @ w, y),
    "weighted": lambda x, w, y: nn.cross_entropy(x @ w, y, sample_weight=sg.exp(x[:, 0]), class_weight=[1, 2, 3, 4.0]),
    "ignored": lambda x, w, y: nn.cross_entropy(x @ w, y, ignore_index=1),
    "a mean of one's own": lambda x, w, y: sg.square(x @ w).sum() / len(x),
    "divided by a product": lambda x, w, y: sg.square(x @ w).sum() / (len(x) * 3 - 1) + 1 / len(x),
    "array of the length": lambda x, w, y: (x @ w).sum() * np.array([1.0 / len(x)]),
    "centred": lambda x, w, y: (x @ w) - (x @ w).mean(0),
    "largest": lambda x, w, y: (x @ w).max(0) - (x @ w).min() + sg.maximum(x @ w, 0.3).max(),
    "classes": lambda x, w, y: y.max() + y.min() + (y > 2).sum() + sg.argmax(x @ w, 0).sum(),
    "covariance": lambda x, w, y: (x @ w).T @ (x @ w),
    "distances": lambda x, w, y: sg.square((x @ w)[:, None] - (x @ w)[None]).sum(2),
    "all pairs": lambda x, w, y: sg.logsumexp((x @ w) @ (x @ w).T, axis=1).mean(),
    "rows against rows": lambda x, w, y: nn.cross_entropy((x @ w) @ x.T, sg.arange(len(x)), label_smoothing=0.1),
    "softmax of rows": lambda x, w, y: sg.softmax(x @ w, axis=0) * w[0],
    "log softmax": lambda x, w, y: sg.log_softmax(x @ w, axis=0).sum(),
    "log-sum-exp": lambda x, w, y: sg.logsumexp(x @ w, axis=(0, 1)),
    "norm": lambda x, w, y: sg.norm(x @ w) + sg.norm(x @ w, axis=0).sum(),
    "running sums": lambda x, w, y: sg.cumsum(x @ w, 0),
    "running sums from the end": lambda x, w, y: sg.cumsum(x @ w, 0, reverse=True),
    "dropout": lambda x, w, y: nn.Dropout(0.5)(x @ w),
    "noise": lambda x, w, y: x @ w + sg.random.draw((len(x), WIDTH), "float64"),
    "noise for all": lambda x, w, y: x @ w + sg.random.draw((1, len(x), WIDTH), "float64")[0],
    "first rows": lambda x, w, y: (x @ w)[:2].sum() + (x @ w)[0].sum() + (x @ w)[1:].sum(),
    "differences": lambda x, w, y: (x @ w)[1:] - (x @ w)[:-1],
    "flat": lambda x, w, y: (x @ w).reshape(-1),
    "transposed": lambda x, w, y: (w @ x.T).T.reshape(len(x), 2, 2).transpose(2, 0, 1),
    "picked": lambda x, w, y: (x @ w)[np.arange(len(x)), y],
    "embedded": lambda x, w, y: w[y],
    "known rows": lambda x, w, y: (x @ w)[[1, 0]],
    "numbered": lambda x, w, y: (x @ w) * sg.arange(len(x))[:, None],
    "filled": lambda x, w, y: (x @ w) + sg.ones((len(x), 1), "float64"),
    "a row in front": lambda x, w, y: sg.concatenate([w[:1], x @ w]),
    "a row of zeros behind": lambda x, w, y: sg.pad(x @ w, ((1, 2), (0, 1)), 0.5),
    "windows": lambda x, w, y: sg.windows((w @ x.T), 2).sum(2),
    "images": lambda x, w, y: sg.convolve((x @ w).reshape(-1, 1, 4), w[:2, None, :3], padding=1),
    "pooled": lambda x, w, y: sg.max_pool((x @ w).reshape(-1, 1, 4), 2),
    "columns": lambda x, w, y: sg.concatenate([x @ w, x], 1).reshape(-1, 2).sum(1),
    "slopes by rows": lambda x, w, y: gradients(sg.tanh(x @ w).sum(), [x])[0].mean(),
    "slopes by kernels": lambda x, w, y: gradients(
        sg.tanh(sg.convolve((x @ w).reshape(-1, 1, 4), w[:2, None, :3])).sum(), [w]
    )[0],
    "loop": lambda x, w, y: recurrent(x, w, y, lambda h, r: (sg.tanh(h @ w + r),) * 2),
    "loop with a mean": lambda x, w, y: recurrent(x, w, y, lambda h, r: (sg.tanh(h @ w - h.mean(0)) / len(r),) * 2),
    "attention": lambda x, w, y: attention((x @ w).reshape(-1, 2, 2)),
    "layer norm": lambda x, w, y: nn.LayerNorm(WIDTH)(x @ w),
    "order of columns": lambda x, w, y: (x @ w) * sg.argsort(x @ w, 1),
}


@pytest.mark.parametrize("f", SHORTER.values(), ids=SHORTER)
def test_a_graph_serves_shorter_batches(f):
    check_all_lengths(f)


def by_hand(x):
    return sg.custom_vjp(lambda a: a * 2, lambda g, y, a: g * len(a))(x)


UNPROVEN = {
    "flipped": lambda x, w, y: sg.flip(x @ w, 0),
    "last row": lambda x, w, y: (x @ w)[-1],
    "all but the first rows": lambda x, w, y: (x @ w)[-2:],
    "rolled": lambda x, w, y: sg.concatenate([(x @ w)[1:], (x @ w)[:1]]),
    "joined": lambda x, w, y: sg.concatenate([x @ w, x]),
    "mixed by a permutation": lambda x, w, y: (x @ w)[np.random.default_rng(1).permutation(len(x))],
    "from the end": lambda x, w, y: (x @ w)[[-1, 0]],
    "rows by labels": lambda x, w, y: (x @ w)[y],
    "time in front": lambda x, w, y: (x @ w).reshape(2, len(x), 2),
    "columns first": lambda x, w, y: (x @ w).T.reshape(-1),
    "noise by column": lambda x, w, y: (x @ w) * sg.random.draw((WIDTH, len(x)), "float64").T,
    "a loop over rows": lambda x, w, y: sg.scan(lambda h, r: (sg.tanh(h + r @ w),) * 2, w[0], x)[1],
    "row by row": lambda x, w, y: sum((row @ w).sum() for row in x),
    "another function": lambda x, w, y: (x @ w).sum() if len(x) > 5 else sg.tanh(x @ w).sum(),
    "an exponent": lambda x, w, y: sg.abs(x @ w) ** (1 / len(x)),
    "values by length": lambda x, w, y: (x @ w) * np.linspace(0, 1, len(x))[:, None],
    "derivative by hand": lambda x, w, y: by_hand(x @ w),
    "scattered": lambda x, w, y: gradients((w[y] * x).sum(), [w])[0] if len(x) else w,
    "order of rows": lambda x, w, y: (x @ w) * sg.argsort(x @ w, 0),
    "window as long as the batch": lambda x, w, y: sg.windows(w @ x.T, len(x) - 1),
}


@pytest.mark.parametrize("f", UNPROVEN.values(), ids=UNPROVEN)
def test_what_cannot_be_shown_has_a_graph_of_its_own(f):
    with pytest.raises(Unproven):
        Shorter(traced(f, LONG), traced(f, LONG - 1))


def test_a_length_at_which_the_function_is_another_one_is_noticed():
    def f(x, w, y):
        return (x @ w).sum() / (len(x) if len(x) > 3 else 3)

    shorter = Shorter(traced(f, 6), traced(f, 5))
    assert shorter.of(traced(f, 4)).tolist() == [4.0]
    assert shorter.of(traced(f, 3)) is not None  # 3 of 3
    assert shorter.of(traced(f, 2)) is None  # two rows, but a divisor of 3


def test_a_number_that_stays_the_same_at_some_lengths_is_noticed():
    def f(x, w, y):
        return (x @ w).sum() * (1.0 if len(x) > 4 else 2.0)

    shorter = Shorter(traced(f, 6), traced(f, 5))
    assert shorter.of(traced(f, 5)) is not None
    assert shorter.of(traced(f, 4)) is None


def test_rows_of_which_there_are_no_fewer_at_some_lengths_are_noticed():
    def f(x, w, y):
        return (x @ w)[::2].sum()

    shorter = Shorter(traced(f, 6), traced(f, 5))
    assert shorter.of(traced(f, 5)) is not None
    assert shorter.of(traced(f, 4)) is None
