"""Losses against closed forms, PyTorch's values, and the float range."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from nn_reference import CLASS_WEIGHT, CLASSES, FILE, LOGITS, LOSSES, PROBABILITIES, SCORES, SIGNS, TARGETS

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DataError, DTypeError, ShapeError
from subgrad.graph.tensor import placeholder
from subgrad.nn import loss, losses

REFERENCE = json.loads(FILE.read_text())["losses"]


def log_softmax(f):
    return f - np.log(np.exp(f).sum(-1, keepdims=True))


def sigmoid(f):
    return 1 / (1 + np.exp(-f))


BINARY = {
    "hinge": (nn.hinge_loss, lambda f, y: np.maximum(1 - y * f, 0)),
    "binomial": (nn.binomial_loss, lambda f, y: np.log(1 + np.exp(-2 * y * f))),
    "binary_cross_entropy": (
        nn.binary_cross_entropy,
        lambda f, y: -((y + 1) / 2 * np.log(sigmoid(f)) + (1 - y) / 2 * np.log(1 - sigmoid(f))),
    ),
}
REAL = {
    "squared": (nn.squared_loss, lambda f, y: (f - y) ** 2),
    "absolute": (nn.absolute_loss, lambda f, y: np.abs(f - y)),
    "huber": (nn.huber_loss, lambda f, y: np.where(abs(f - y) <= 1, (f - y) ** 2 / 2, abs(f - y) - 0.5)),
    "quantile": (nn.quantile_loss, lambda f, y: np.maximum(0.5 * (y - f), -0.5 * (y - f))),
}
CLOSED_FORMS = {**BINARY, **REAL}


def labels_for(name):
    return SIGNS if name in BINARY else TARGETS


@pytest.fixture
def double():
    with sg.using_dtype("float64"):
        yield


# Values


@pytest.mark.parametrize("case", LOSSES)
def test_value_and_gradient_are_those_of_pytorch(case, double):
    name, args, options = LOSSES[case]
    f = sg.tensor(args[0])
    value = getattr(nn, name)(f, *args[1:], **options)
    np.testing.assert_allclose(value.numpy(), REFERENCE[case]["output"], rtol=1e-12)
    np.testing.assert_allclose(sg.grad(value, f).numpy(), REFERENCE[case]["gradients"][0], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms_and_reductions(name, double):
    function, formula = CLOSED_FORMS[name]
    y = labels_for(name)
    expected = formula(SCORES, y)
    np.testing.assert_allclose(function(SCORES, y, reduction="none").numpy(), expected, rtol=1e-12)
    assert function(SCORES, y).item() == pytest.approx(expected.mean(), rel=1e-12)
    assert function(SCORES, y, reduction="sum").item() == pytest.approx(expected.sum(), rel=1e-12)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_derivatives_agree_with_finite_differences_to_order_two(name):
    function, _ = CLOSED_FORMS[name]
    sg.check(lambda f: function(f, labels_for(name), reduction="none"), SCORES)


@pytest.mark.parametrize("y", [CLASSES, PROBABILITIES], ids=["classes", "probabilities"])
def test_derivatives_of_cross_entropy(y):
    sg.check(lambda f: nn.cross_entropy(f, sg.tensor(y), class_weight=CLASS_WEIGHT, label_smoothing=0.1), LOGITS)


def test_binomial_at_f_is_cross_entropy_at_2f(double):
    np.testing.assert_allclose(
        nn.binomial_loss(SCORES, SIGNS, reduction="none").numpy(),
        nn.binary_cross_entropy(2 * SCORES, SIGNS, reduction="none").numpy(),
    )


def test_binary_cross_entropy_is_the_softmax_of_two_classes(double):
    scores = np.stack([np.zeros(6), SCORES], 1)
    classes = (SIGNS + 1) // 2
    assert nn.binary_cross_entropy(SCORES, SIGNS).item() == pytest.approx(nn.cross_entropy(scores, classes).item())


def test_huber_neither_jumps_nor_kinks_at_delta(double):
    delta, h = 0.7, 1e-9
    f = sg.tensor([delta - h, delta + h])
    values = nn.huber_loss(f, [0.0, 0.0], delta, reduction="none")
    below, above = values.tolist()
    assert above - below == pytest.approx(2 * h * delta, rel=1e-3)
    np.testing.assert_allclose(sg.grad(values.sum(), f).numpy(), [delta, delta], atol=2 * h)


def test_the_picks_at_the_kinks():
    f = sg.tensor([1.0, -1.0])
    assert sg.grad(nn.hinge_loss(f, [1.0, -1.0]), f).tolist() == [0.0, 0.0]
    assert sg.grad(nn.absolute_loss(f, [1.0, -1.0]), f).tolist() == [0.0, 0.0]


def test_a_sequence_of_scores_has_its_classes_along_the_last_axis(double):
    scores, classes = LOGITS.reshape(1, 5, 3), CLASSES.reshape(1, 5)
    assert nn.cross_entropy(scores, classes).item() == pytest.approx(nn.cross_entropy(LOGITS, CLASSES).item())
    assert nn.cross_entropy(scores, classes, reduction="none").shape == (1, 5)


# Weights


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_a_sample_of_weight_two_counts_like_two_samples(name, double):
    function, _ = CLOSED_FORMS[name]
    y, times = labels_for(name), np.array([2, 1, 0, 3, 1, 1])
    repeated = function(np.repeat(SCORES, times), np.repeat(y, times))
    assert function(SCORES, y, sample_weight=times).item() == pytest.approx(repeated.item(), rel=1e-12)


@pytest.mark.parametrize("name", BINARY)
def test_class_weights_are_sample_weights_by_label(name, double):
    function, _ = BINARY[name]
    by_sample = np.where(SIGNS > 0, 3.0, 0.5)
    by_class = function(SCORES, SIGNS, class_weight=[0.5, 3.0])
    assert by_class.item() == pytest.approx(function(SCORES, SIGNS, sample_weight=by_sample).item(), rel=1e-12)
    both = function(SCORES, SIGNS, class_weight=[0.5, 3.0], sample_weight=by_sample)
    assert both.item() == pytest.approx(function(SCORES, SIGNS, sample_weight=by_sample**2).item(), rel=1e-12)


def test_weights_of_cross_entropy(double):
    weights = np.array(CLASS_WEIGHT)
    losses = -log_softmax(LOGITS)[np.arange(5), CLASSES]
    by_sample = np.arange(5.0)
    total = by_sample * weights[CLASSES]
    found = nn.cross_entropy(LOGITS, CLASSES, sample_weight=by_sample, class_weight=CLASS_WEIGHT)
    assert found.item() == pytest.approx((total * losses).sum() / total.sum(), rel=1e-12)


def test_one_hot_probabilities_weigh_as_classes_do(double):
    one_hot = np.eye(3)[CLASSES]
    options = {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.2}
    expected = nn.cross_entropy(LOGITS, CLASSES, **options).item()
    assert nn.cross_entropy(LOGITS, one_hot, **options).item() == pytest.approx(expected, rel=1e-12)
    assert nn.cross_entropy(LOGITS, one_hot.astype(int), **options).item() == pytest.approx(expected, rel=1e-12)


def test_a_weight_for_each_row_or_each_element(double):
    f, y = LOGITS, PROBABILITIES
    rows = np.array([1.0, 2.0, 0.0, 1.0, 3.0])
    expected = (rows[:, None] * (f - y) ** 2).sum() / (3 * rows.sum())
    assert nn.squared_loss(f, y, sample_weight=rows).item() == pytest.approx(expected, rel=1e-12)
    full = np.repeat(rows[:, None], 3, 1)
    assert nn.squared_loss(f, y, sample_weight=full).item() == pytest.approx(expected, rel=1e-12)


def test_an_infinite_loss_of_weight_zero_does_not_count():
    assert nn.squared_loss([np.inf, 2.0], [0.0, 0.0], sample_weight=[0.0, 1.0]).item() == 4.0
    assert nn.cross_entropy([[0.0, -np.inf]], [0]).item() == 0.0


# The float range


EXTREMES = np.array([-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4], np.float32)


@pytest.mark.parametrize("label", [-1.0, 1.0])
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_losses_of_extreme_scores_in_float32(name, label):
    function, _ = CLOSED_FORMS[name]
    f = sg.tensor(EXTREMES)
    y = np.full(7, label, np.float32)
    losses = function(f, y, reduction="none")
    first = sg.grad(losses.sum(), f)
    second = sg.grad(first.sum(), f)
    exact = {
        "binomial": np.logaddexp(0, -2 * y * EXTREMES.astype(float)),
        "binary_cross_entropy": np.logaddexp(0, -y * EXTREMES.astype(float)),
    }.get(name)
    if exact is not None:
        np.testing.assert_allclose(losses.numpy(), exact, rtol=1e-6, atol=1e-44)  # atol: subnormals
    for value in (losses, first, second):
        assert value.dtype == np.float32
        assert np.isfinite(value.numpy()).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_extreme_scores_in_float32(smoothing):
    scores = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4]], np.float32)
    f = sg.tensor(scores)
    losses = nn.cross_entropy(f, [1, 2, 0], label_smoothing=smoothing, reduction="none")
    target = (1 - smoothing) * np.eye(3)[[1, 2, 0]] + smoothing / 3
    shifted = scores.astype(float) - 1e4
    expected = -(target * (shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))).sum(1)
    np.testing.assert_allclose(losses.numpy(), expected, rtol=1e-6)
    first = sg.grad(losses.sum(), f)
    softmax = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    np.testing.assert_allclose(first.numpy(), softmax - target, atol=1e-6)
    assert np.isfinite(sg.grad((first * first).sum(), f).numpy()).all()


def test_a_confident_mistake_has_slope_minus_two():
    f = sg.tensor([-1e4])
    assert sg.grad(nn.binomial_loss(f, [1.0]), f).tolist() == [-2.0]
    assert nn.binomial_loss(sg.tensor([0.0]), [1.0]).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_the_quantile_loss_is_the_pinball_and_its_minimum_the_quantile(q, double):
    f, y = np.array([-2.0, 0.0, 3.0, 1e4]), np.array([1.0, 0.0, -1.0, -1e4])
    np.testing.assert_allclose(
        nn.quantile_loss(f, y, q, reduction="none").numpy(), np.where(y > f, q * (y - f), (1 - q) * (f - y))
    )
    values = np.sort(np.random.default_rng(0).normal(size=101))
    at = [nn.quantile_loss(np.full(101, c), values, q).item() for c in values]
    assert values[np.argmin(at)] == np.quantile(values, q)  # of 101 values one of them, exactly


def test_the_quantile_loss_has_all_slopes_of_its_kink(double):
    f = sg.Parameter([2.0])
    value = nn.quantile_loss(f, [2.0], 0.9)
    found = sg.subdifferential(value, f)
    assert found.exact == "exact"
    assert sorted(float(cell.gradient[0]) for cell in found.cells) == pytest.approx([-0.9, 0.1])
    assert sg.grad(value, f).tolist() == [0]


# By name


def test_losses_by_name():
    expected = {
        "squared": nn.squared_loss,
        "mse": nn.squared_loss,
        "absolute": nn.absolute_loss,
        "mae": nn.absolute_loss,
        "huber": nn.huber_loss,
        "quantile": nn.quantile_loss,
        "hinge": nn.hinge_loss,
        "binomial": nn.binomial_loss,
        "binary_cross_entropy": nn.binary_cross_entropy,
        "cross_entropy": nn.cross_entropy,
        "log_cosh": nn.log_cosh_loss,
        "poisson": nn.poisson_nll,
        "focal": nn.focal_loss,
        "multi_margin": nn.multi_margin_loss,
    }
    assert {name: loss.get(name) for name in expected} == expected == loss.NAMES
    assert loss.get(max) is max
    functions = {facts.function.__name__ for facts in loss.TABLE.values()}
    assert set(loss.__all__) <= functions <= set(loss.__all__) | set(losses.__all__) <= set(nn.__all__)
    assert list(loss.TABLE) == [name for name in loss.NAMES if name not in ("mse", "mae")]


# What does not fit


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.quantile_loss([1.0], [1.0], 1.0), ArgumentError, "quantile_loss needs q between 0 and 1, got 1.0"),
        (lambda: loss.get("msee"), ArgumentError, "unknown loss 'msee': .* one of squared, mse, absolute"),
        (
            lambda: nn.squared_loss(sg.ones((4, 1)), sg.ones(4)),
            ShapeError,
            r"does not broadcast: \(4, 1\), \(4,\); take the one column of f, as in f\[:, 0\]",
        ),
        (lambda: nn.hinge_loss(sg.ones(4), sg.ones(3)), ShapeError, r"does not broadcast: \(4,\), \(3,\)"),
        (
            lambda: nn.binomial_loss([0.5, 0.5], [0, 1]),
            DataError,
            r"labels -1 and \+1, got 0.0, 1.0: convert 0 and 1 with 2 \* y - 1",
        ),
        (lambda: nn.hinge_loss([0.5, 0.5], [False, True]), DataError, r"convert 0 and 1 with 2 \* y - 1"),
        (lambda: nn.binary_cross_entropy([0.5, 0.5], [2, 3]), DataError, r"got 2.0, 3.0$"),
        (lambda: nn.hinge_loss([0.5, 0.5], [1, np.nan]), DataError, "got 1.0, nan"),
        (lambda: nn.huber_loss([0.5], [0.5], 0.0), ArgumentError, "positive delta, got 0.0"),
        (lambda: nn.squared_loss([0.5], [0.5], reduction="avg"), ArgumentError, "mean, sum, none, got 'avg'"),
        (
            lambda: nn.squared_loss([0.5], [0.5], sample_weight=[1, 2]),
            ShapeError,
            r"each sample, \(1,\), got .* \(2,\)",
        ),
        (lambda: nn.squared_loss([0.5], [0.5], sample_weight=[-1]), DataError, "negative or NaN: -1.0"),
        (lambda: nn.hinge_loss([0.5], [1], class_weight=[1, 2, 3]), ShapeError, "each of the 2 classes"),
        (lambda: nn.cross_entropy(LOGITS, CLASSES + 1), DataError, "has 3 classes, 0..2, got 1..3"),
        (lambda: nn.cross_entropy(LOGITS, -CLASSES), DataError, "has 3 classes, 0..2, got -2..0"),
        (lambda: nn.cross_entropy(LOGITS, CLASSES * 1.0), DTypeError, "classes as integers, got float32"),
        (lambda: nn.cross_entropy(LOGITS, 2 * PROBABILITIES), DataError, "sum to 1 in each row"),
        (lambda: nn.cross_entropy(LOGITS, CLASSES[:3]), ShapeError, r"needs classes \(5,\) or .*, got \(3,\)"),
        (lambda: nn.cross_entropy(LOGITS[:, :1], CLASSES), ShapeError, r"two classes or more, got \(5, 1\)"),
        (lambda: nn.cross_entropy(LOGITS, CLASSES, label_smoothing=1.0), ArgumentError, r"in \[0, 1\), got 1.0"),
        (lambda: nn.cross_entropy(LOGITS, CLASSES, class_weight=[1, 2]), ShapeError, "each of the 3 classes"),
    ],
)
def test_what_does_not_fit_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_labels_without_a_value_yet_are_not_checked():
    f, y = placeholder((3,), "float32", "f"), placeholder((3,), "float32", "y")
    assert nn.binomial_loss(f, y).is_symbolic()
    assert nn.cross_entropy(placeholder((3, 2), "float32"), placeholder((3,), "int64")).is_symbolic()


# Ignored classes

IGNORED = {
    -100: np.array([0, -100, 2, 1, -100]),
    1: np.array([0, 1, 2, 1, 1]),
    255: np.array([0, 255, 2, 1, 0], np.uint8),
}


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(("ignored", "y"), IGNORED.items(), ids=IGNORED)
@pytest.mark.parametrize("options", [{}, {"class_weight": np.array([1.0, 2.0, 3.0]), "label_smoothing": 0.1}])
def test_samples_of_an_ignored_class_do_not_count(double, ignored, y, options, native):
    rng = np.random.default_rng(0)
    f, weight, counts = rng.normal(size=(5, 3)), rng.random(5), y != ignored
    f[~counts] = np.inf  # not even where their scores are no numbers
    for more, kept in ({}, {}), ({"sample_weight": weight}, {"sample_weight": weight[counts]}):

        def loss(f, y, more=more):
            value = nn.cross_entropy(f, y, ignore_index=ignored, **options, **more)
            return value, sg.grad(value, f)

        value, slope = (sg.compile(loss) if native else loss)(f if native else sg.tensor(f), y)
        inner = sg.tensor(f[counts])
        wanted = nn.cross_entropy(inner, y[counts], **options, **kept)
        np.testing.assert_allclose(np.asarray(value), wanted.numpy(), rtol=1e-12)
        np.testing.assert_allclose(np.asarray(slope)[counts], sg.grad(wanted, inner).numpy(), rtol=1e-12)
        assert (np.asarray(slope)[~counts] == 0).all()
    losses = nn.cross_entropy(f, y, ignore_index=ignored, reduction="none", **options).numpy()
    np.testing.assert_array_equal(losses > 0, counts)


def test_where_all_samples_are_ignored_the_loss_is_0():
    assert nn.cross_entropy(np.ones((2, 3)), [-100, -100], ignore_index=-100).item() == 0
    native = sg.compile(lambda f, y: nn.cross_entropy(f, y, ignore_index=-100))
    assert native(np.ones((2, 3), np.float32), np.array([-100, -100])) == 0


def test_what_cannot_be_ignored():
    with pytest.raises(DTypeError, match="ignores a class of integers"):
        nn.cross_entropy(np.ones((2, 3)), np.full((2, 3), 1 / 3), ignore_index=-100)
    with pytest.raises(DataError, match="0..2, got -100..-100"):
        nn.cross_entropy(np.ones((2, 3)), [-100, -100])
    assert nn.cross_entropy(np.ones((1, 3)), np.array([2], np.uint8), ignore_index=-100).item() > 1  # cannot occur


def test_probabilities_in_the_place_of_scores_are_noticed():
    f = sg.tensor([[1.0, 2.0]])
    with pytest.warns(UserWarning, match="cross_entropy takes scores, and these are probabilities, out of a softmax"):
        nn.cross_entropy(nn.Softmax()(f), [0])
    with pytest.warns(UserWarning, match="out of a sigmoid .*: leave it out, the loss has it inside"):
        nn.binary_cross_entropy(sg.sigmoid(f[0]), [0, 1])


def test_labels_of_binary_cross_entropy_are_of_one_kind():
    f = [0.5, -1.0]
    assert nn.binary_cross_entropy(f, [0, 1]).item() == nn.binary_cross_entropy(f, [-1, 1]).item()
    assert nn.binary_cross_entropy(f, [True, False]).item() == nn.binary_cross_entropy(f, [1, 0]).item()
    with pytest.raises(DataError, match=r"takes the labels 0 and 1, or -1 and \+1, got -1.0, 0.0"):
        nn.binary_cross_entropy(f, [-1, 0])


def test_labels_and_lengths_of_ctc_are_what_there_is():
    f = np.log(np.full((4, 2, 3), 1 / 3))
    padded = [[1, 2], [2, 99]]  # what stands behind a length does not count
    even = nn.ctc_loss(f, padded, [4, 4], [2, 1], reduction="none")
    np.testing.assert_allclose(even.numpy(), -np.log([5 * 3**-4 * 3, 10 * 3**-4]), rtol=1e-5)
    none = nn.ctc_loss(f, padded, [0, 0], [0, 1], reduction="none")
    assert none.tolist() == [0.0, math.inf]
    for traced in (False, True):
        call = (lambda *xs: sg.compile(nn.ctc_loss)(*map(np.array, xs))) if traced else nn.ctc_loss
        with pytest.raises(DataError, match="ctc_loss has 3 classes, 0..2, got 99"):
            np.asarray(call(f, padded, [4, 4], [2, 2]))
        with pytest.raises(ShapeError, match="index 5 is out of" if traced else "input_lengths in 0..4, got 4..5"):
            np.asarray(call(f, padded, [4, 5], [2, 1]))
        with pytest.raises(ShapeError, match="index -1 is out of" if traced else "target_lengths in 0..2, got -1..2"):
            np.asarray(call(f, padded, [4, 4], [2, -1]))
