"""The traps of automatic differentiation: points where careless rules give inf, NaN, or a number that is not so.

All in float32 unless a test says otherwise. The comments name the value that stands at the point, and why.
"""

import math

import numpy as np
import pytest
import scipy.special

import subgrad as sg
from subgrad.errors import ShapeError

INF, NAN = math.inf, math.nan


def slope(f, x, order=1, dtype="float32"):
    """The gradient of the sum of f at x, or the gradient of the sum of that."""
    x = sg.tensor(x, dtype)
    y = f(x)
    for _ in range(order):
        y = sg.grad(y.sum(), x)
    return y.tolist()


# The branch that `where` does not take

UNTAKEN = {
    # name: (function whose untaken branch is bad at the point, the point, first and second derivative there)
    "log": (lambda x: sg.where(x > 0, sg.log(x), x), 0.0, 1, 0),
    "log of a negative": (lambda x: sg.where(x > 0, sg.log(x), 3 * x), -2.0, 3, 0),
    "sqrt": (lambda x: sg.where(x > 0, sg.sqrt(x), x * x), 0.0, 0, 2),
    "sqrt of a negative": (lambda x: sg.where(x > 0, sg.sqrt(x), x * x), -3.0, -6, 2),
    "reciprocal": (lambda x: sg.where(x != 0, 1 / x, 5 * x), 0.0, 5, 0),
    "quotient of zeros": (lambda x: sg.where(x != 0, sg.sin(x) / x, 1 + x), 0.0, 1, 0),
    "exp overflow": (lambda x: sg.where(x < 50, sg.exp(x), 2 * x), 1e4, 2, 0),
    "expm1 overflow": (lambda x: sg.where(x < 50, sg.expm1(x), x**3), 200.0, 3 * 200.0**2, 1200),
    "power overflow": (lambda x: sg.where(x < 1e3, x**20, x), 1e4, 1, 0),
    "negative power": (lambda x: sg.where(x > 0, x**-2, x), 0.0, 1, 0),
    "fractional power of a negative": (lambda x: sg.where(x > 0, x**1.5, x), -1.0, 1, 0),
    "tensor power": (lambda x: sg.where(x > 0, sg.pow(x, sg.cos(x) - 3), x), 0.0, 1, 0),
    "log1p": (lambda x: sg.where(x > -1, sg.log1p(x), x * x), -1.0, -2, 2),
    "product with inf": (lambda x: sg.where(x > 0, x * sg.log(x), x), 0.0, 1, 0),
    "product after": (lambda x: 3 * x * sg.where(x > 0, sg.log(x), 1 + x), 0.0, 3, 6),
    "quotient after": (lambda x: sg.where(x > 0, sg.log(x), 1 + x) / (1 + x), 0.0, 0, 0),
    "nested": (lambda x: sg.where(x > 0, sg.where(x > 1, sg.sqrt(x - 1), sg.log(x)), x * x), 0.0, 0, 2),
    "the other side": (lambda x: sg.where(x <= 0, x, sg.log(x) / x), 0.0, 1, 0),
    "two of them": (lambda x: sg.where(x > 0, sg.log(x), sg.exp(x)) * sg.where(x != -1, 1 / (x + 1), x), -1.0, 0,
                    1 / math.e),
    "chain of functions": (lambda x: sg.where(x > 0, sg.tanh(sg.exp(1 / x)), x), 0.0, 1, 0),
    "maximum of inf": (lambda x: sg.where(x > 0, sg.maximum(sg.log(x), -1 / x), x), 0.0, 1, 0),
    "huge square": (lambda x: sg.where(x < 1, x * x, sg.log(x)), 1e30, 1e-30, 0),
    "gelu and erf": (lambda x: sg.where(sg.isfinite(x * x), sg.gelu(x), sg.erf(x)), 1e30, 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", UNTAKEN)
def test_the_untaken_branch_of_where_stays_out_of_gradients(name):
    f, x, first, second = UNTAKEN[name]
    assert slope(f, [x]) == pytest.approx([first], rel=1e-6)
    assert slope(f, [x], order=2) == pytest.approx([second], rel=1e-6)


@pytest.mark.parametrize("name", UNTAKEN)
def test_the_untaken_branch_of_where_stays_out_of_forward_derivatives(name):
    f, x, first, _ = UNTAKEN[name]
    assert sg.jvp(f, sg.tensor([x]), sg.tensor([1.0]))[1].tolist() == pytest.approx([first], rel=1e-6)


REDUCTIONS = [sg.norm, sg.std, sg.logsumexp, lambda x: sg.log_softmax(x)[0], lambda x: sg.softmax(x)[0]]


@pytest.mark.parametrize("f", REDUCTIONS)
@pytest.mark.parametrize("bad", [[0.0, 0.0], [-INF, -INF], [INF, 1.0], [NAN, 1.0]])
def test_untaken_reductions(f, bad):
    x = sg.tensor([bad, [3.0, 5.0]])
    found = sg.grad(sum(sg.where(np.array(keep), f(x[i]), 0.0) for i, keep in enumerate([False, True])), x)
    with sg.using_dtype("float64"):
        alone = sg.grad(lambda row: f(row))([3.0, 5.0])
    assert found[0].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(found[1].numpy(), alone.numpy(), rtol=1e-5)


def test_a_mask_of_rows_before_a_softmax():
    x = sg.tensor([[1.0, 2.0, 3.0]])
    masked = sg.where(np.array([True, True, False]), x, -INF)
    p = np.exp([1.0, 2.0]) / np.exp([1.0, 2.0]).sum()
    np.testing.assert_allclose(sg.softmax(masked).numpy(), [[*p, 0]], rtol=1e-6)
    by_x = sg.grad(-sg.log_softmax(masked)[0, 0], x)
    np.testing.assert_allclose(by_x.numpy(), [[p[0] - 1, p[1], 0]], rtol=1e-6)
    np.testing.assert_allclose(sg.grad(sg.logsumexp(masked), x).numpy(), [[*p, 0]], rtol=1e-6)


# Points where a derivative is infinite or undefined: the gradient is 0


def test_the_norm_at_zero():
    assert slope(sg.norm, [0.0, 0.0]) == [0.0, 0.0]
    assert slope(lambda x: sg.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]]) == [[0, 0], pytest.approx([0.6, 0.8])]
    assert np.isfinite(slope(sg.norm, [0.0, 0.0], order=2)).all()
    assert slope(lambda x: sg.norm(x) ** 2, [0.0, 0.0]) == [0.0, 0.0]


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_norm_neither_overflows_nor_vanishes(size):
    x = np.array([3 * size, 4 * size], np.float32)
    assert float(sg.norm(x)) == pytest.approx(5 * size, rel=1e-6)
    assert slope(sg.norm, x) == pytest.approx([0.6, 0.8], rel=1e-6)


def test_the_standard_deviation_of_equal_numbers():
    assert slope(sg.std, [2.0, 2.0, 2.0]) == [0.0, 0.0, 0.0]
    assert slope(lambda x: x / (sg.std(x) + 1), [2.0, 2.0]) == pytest.approx([1.0, 1.0])
    assert np.isfinite(slope(sg.std, [2.0, 2.0], order=2)).all()


def test_the_square_root_at_zero():
    assert slope(sg.sqrt, [0.0, 4.0]) == [0.0, 0.25]
    assert slope(sg.sqrt, [0.0, 4.0], order=2) == pytest.approx([0.0, -1 / 32])
    assert slope(lambda x: sg.sqrt(x * x), [0.0, -3.0]) == [0.0, -1.0]


@pytest.mark.parametrize(
    ("p", "first", "second"),
    [(0, 0, 0), (0.5, 0, 0), (0.9, 0, 0), (1, 1, 0), (1.5, 0, 0), (2, 0, 2), (2.5, 0, 0), (3, 0, 0)],
)
def test_powers_at_zero(p, first, second):
    for exponent in (p, np.array([p])):
        assert slope(lambda x, e=exponent: x**e, [0.0]) == [first]
        assert slope(lambda x, e=exponent: x**e, [0.0], order=2) == [second]


@pytest.mark.parametrize("y", [0.0, 0.5, 1.0, 2.0])
def test_a_power_of_two_tensors_at_zero(y):
    x, p = sg.tensor([0.0]), sg.tensor([y])
    by_x, by_p = sg.grad((x**p).sum(), [x, p])
    assert by_x.tolist() == [1.0 if y == 1 else 0.0]
    assert by_p.tolist() == [0.0]
    assert np.isfinite(sg.grad((by_x + by_p).sum(), [x, p])[0].numpy()).all()
    assert np.isfinite(sg.grad((by_x + by_p).sum(), [x, p])[1].numpy()).all()


def test_a_power_of_a_negative_base_by_its_base():
    x = sg.tensor([-2.0, -2.0])
    assert sg.grad((x ** np.array([2.0, 3.0])).sum(), x).tolist() == [-4.0, 12.0]


@pytest.mark.parametrize("u", [0.0, 2.0, -2.0])
@pytest.mark.parametrize("w", [0.0, 1.0, -1.0])
def test_chained_powers_of_distances(u, w):
    """|u|^(w^2 + 1), a term of the problem Brown 2: where u is 0, 0 ln 0 must be 0."""
    a, b = sg.tensor(u), sg.tensor(w)
    y = sg.abs(a) ** (b * b + 1)
    by_a, by_b = (float(g) for g in sg.grad(y, [a, b]))
    p = w * w + 1
    assert float(y) == pytest.approx(abs(u) ** p)
    assert by_a == pytest.approx(p * abs(u) ** (p - 1) * np.sign(u))
    assert by_b == pytest.approx(2 * w * abs(u) ** p * math.log(abs(u)) if u else 0.0)


def test_entropy_at_zero():
    def entropy(p):
        return -sg.where(p > 0, p * sg.log(p), 0.0).sum()

    assert float(entropy(sg.tensor([0.0, 0.5, 0.5]))) == pytest.approx(math.log(2))
    assert slope(entropy, [0.0, 0.5, 0.5]) == pytest.approx([0.0, math.log(2) - 1, math.log(2) - 1])


# Kinks: the element of least norm


def test_the_slopes_at_zero():
    assert slope(sg.relu, [0.0, -0.0, -1.0, 2.0]) == [0.0, 0.0, 0.0, 1.0]
    assert slope(sg.abs, [0.0, -0.0, -1.0, 2.0]) == [0.0, 0.0, -1.0, 1.0]
    assert slope(sg.softplus, [0.0]) == [0.5]
    assert slope(lambda x: sg.clip(x, 0, 1), [0.0, 0.5, 1.0]) == [0.0, 1.0, 0.0]
    assert slope(lambda x: sg.abs(x).sum(), [0.0, 3.0, 0.0, -2.0]) == [0.0, 1.0, 0.0, -1.0]


def test_ties_share():
    x, y = sg.tensor([1.0, 2.0, 3.0]), sg.tensor([1.0, 3.0, 2.0])
    for f, by_x in ((sg.maximum, [0.5, 0.0, 1.0]), (sg.minimum, [0.5, 1.0, 0.0])):
        found = sg.grad(f(x, y).sum(), [x, y])
        assert [g.tolist() for g in found] == [by_x, [1 - k for k in by_x]]
    assert slope(sg.max, [1.0, 2.0, 2.0, 2.0, 2.0]) == [0.0, 0.25, 0.25, 0.25, 0.25]
    assert slope(sg.min, [INF, -INF, -INF]) == [0.0, 0.5, 0.5]
    assert slope(lambda x: x.max(1), [[1.0, 1.0], [2.0, 1.0]]) == [[0.5, 0.5], [1.0, 0.0]]


# Scores of any size

SCORES = np.array([[1e4, -1e4, 0.0], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4], [88.0, 89.0, 90.0], [-INF, 0.0, 1.0]])
ROUNDING = np.spacing(np.float32(1e4))  # a log-sum-exp of this size is known to so much, and its slopes exp(x - y) too


def test_softmax_of_any_scores():
    for ours, theirs in (
        (sg.softmax, scipy.special.softmax),
        (sg.log_softmax, scipy.special.log_softmax),
        (sg.logsumexp, scipy.special.logsumexp),
    ):
        np.testing.assert_allclose(ours(SCORES, 1).numpy(), theirs(SCORES, 1), rtol=1e-6, atol=1e-6)


def test_gradients_of_softmax_of_any_scores():
    p = scipy.special.softmax(SCORES, 1)
    np.testing.assert_allclose(slope(lambda x: sg.logsumexp(x, 1), SCORES), p, atol=ROUNDING)
    np.testing.assert_allclose(slope(lambda x: sg.log_softmax(x)[:, 1], SCORES), np.eye(3)[1] - p, atol=1e-6)
    expected = p[:, 1:2] * (np.eye(3)[1] - p)
    np.testing.assert_allclose(slope(lambda x: sg.softmax(x)[:, 1], SCORES), expected, atol=1e-6)


def test_second_derivatives_of_softmax_of_any_scores():
    rows = sg.tensor(SCORES)
    for row, p in zip(rows, scipy.special.softmax(SCORES, 1), strict=True):
        np.testing.assert_allclose(sg.hessian(sg.logsumexp)(row).numpy(), np.diag(p) - np.outer(p, p), atol=ROUNDING)


def test_nothing_but_minus_infinity():
    assert float(sg.logsumexp([-INF, -INF])) == -INF
    assert slope(sg.logsumexp, [-INF, -INF]) == [0.0, 0.0]
    assert float(sg.logsumexp([INF, 0.0])) == INF


@pytest.mark.parametrize(
    ("f", "values", "slopes"),
    [
        (sg.sigmoid, [0, 0, 0.5, 1, 1], [0, 0, 0.25, 0, 0]),
        (sg.softplus, [0, 0, math.log(2), 1e4, INF], [0, 0, 0.5, 1, 1]),
        (sg.tanh, [-1, -1, 0, 1, 1], [0, 0, 1, 0, 0]),
        (sg.erf, [-1, -1, 0, 1, 1], [0, 0, 2 / math.sqrt(math.pi), 0, 0]),
        (sg.erfc, [2, 2, 1, 0, 0], [0, 0, -2 / math.sqrt(math.pi), 0, 0]),
        (sg.relu, [0, 0, 0, 1e4, INF], [0, 0, 0, 1, 1]),
        (sg.elu, [-1, -1, 0, 1e4, INF], [0, 0, 1, 1, 1]),
        (sg.huber, [INF, 1e4 - 0.5, 0, 1e4 - 0.5, INF], [-1, -1, 0, 1, 1]),
        (sg.exp, [0, 0, 1, INF, INF], [0, 0, 1, INF, INF]),
    ],
)
def test_functions_far_out(f, values, slopes):
    x = [-INF, -1e4, 0.0, 1e4, INF]
    order = [1, 0, 2, 3, 4] if f is sg.huber else [0, 1, 2, 3, 4]
    found = f(sg.tensor(x)).tolist()
    assert [found[i] for i in order] == pytest.approx([values[i] for i in order], rel=1e-6)
    assert slope(f, x) == pytest.approx(slopes, rel=1e-6)


def test_second_derivatives_far_out():
    for f in (sg.sigmoid, sg.softplus, sg.tanh, sg.elu, sg.relu):
        assert slope(f, [-1e4, 1e4], order=2) == [0.0, 0.0]


# Accuracy

TINY = np.array([1e-30, 1e-12, 1e-7, 1e-4, -1e-4, -1e-7, -1e-12], np.float32)


@pytest.mark.parametrize("name", ["expm1", "log1p"])
def test_accuracy_near_zero(name):
    exact = getattr(np, name)(TINY.astype(np.float64))
    np.testing.assert_allclose(getattr(sg, name)(TINY).numpy(), exact, rtol=2e-7)
    np.testing.assert_allclose(slope(getattr(sg, name), TINY), np.ones(7), rtol=2e-4)


def test_the_variance_of_numbers_with_a_large_offset():
    x = (1e4 + np.array([-1.0, 0.0, 1.0])).astype(np.float32)
    assert float(sg.var(x)) == pytest.approx(2 / 3, rel=1e-3)
    assert float(sg.std(x)) == pytest.approx(math.sqrt(2 / 3), rel=1e-3)
    assert slope(sg.var, x) == pytest.approx([-2 / 3, 0, 2 / 3], abs=1e-3)


def test_a_long_sum_keeps_its_digits():
    assert float(sg.full((10_000_000,), 0.1).sum()) == pytest.approx(1e6, rel=1e-5)


# Integers, bools, and nothing at all


def test_integers_divide_to_floats():
    assert (sg.tensor([1, 3]) / sg.tensor([2, 2])).tolist() == [0.5, 1.5]
    assert (1 / sg.tensor([2, 4])).tolist() == [0.5, 0.25]
    assert (sg.tensor([1, -1, 0]) / 0).tolist()[:2] == [INF, -INF]


def test_bools_count():
    right = sg.tensor([1, 2, 3]) == sg.tensor([1, 5, 3])
    assert int(right.sum()) == 2
    assert right.sum().dtype == sg.int64
    assert float(right.mean()) == pytest.approx(2 / 3)


def test_empty_tensors():
    empty = sg.zeros((0, 3))
    assert float(empty.sum()) == 0.0
    assert empty.sum(0).tolist() == [0.0, 0.0, 0.0]
    assert math.isnan(float(empty.mean()))
    assert math.isnan(float(empty.var()))
    assert float(sg.norm(empty)) == 0.0
    assert (empty.T @ empty).tolist() == np.zeros((3, 3)).tolist()
    assert empty.max(1).shape == sg.softmax(empty).shape[:1] == (0,)
    for reduce in (sg.max, sg.min, sg.argmax, sg.argmin):
        with pytest.raises(ShapeError, match="there is no largest or smallest of no elements"):
            reduce(empty)
    assert float(sg.logsumexp(empty)) == -math.inf
    assert sg.softmax(empty, 0).shape == (0, 3)


@pytest.mark.parametrize("f", [sg.sum, sg.norm, lambda x: sg.relu(x).sum(), lambda x: (x @ x.T).sum()])
def test_gradients_of_empty_tensors(f):
    x = sg.zeros((0, 3))
    assert sg.grad(f(x), x).shape == (0, 3)


def test_nan_goes_through_and_stays_in_its_place():
    x = sg.tensor([NAN, 1.0, 2.0])
    assert math.isnan(float(x.max()))
    assert math.isnan(float(sg.maximum(x, 0.0)[0]))
    assert math.isnan(float(sg.relu(x)[0]))
    assert sg.grad((x * x)[1:].sum(), x).tolist() == [0.0, 2.0, 4.0]
