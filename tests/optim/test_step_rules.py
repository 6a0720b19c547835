"""Step rules against closed forms, and what they say of their sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import subgrad as sg
from subgrad.errors import ArgumentError
from subgrad.optim import step


def one_cycle(k):
    """PyTorch's two phases."""
    if k - 1 <= 4:
        return 0.3 + (0.03 - 0.3) / 2 * (1 + math.cos(math.pi * (k - 1) / 4))
    return 0.0003 + (0.3 - 0.0003) / 2 * (1 + math.cos(math.pi * min((k - 5) / 15, 1)))


def restarted(k):
    """Runs of 3, 6, 12, ... steps."""
    start, length = 1, 3
    while k >= start + length:
        start, length = start + length, 2 * length
    return 0.1 + 0.1 * (1 + math.cos(math.pi * (k - start) / length))


CLOSED_FORMS = [
    (step.Constant(0.3), lambda k: 0.3),
    (step.ConstantLength(0.3), lambda k: 0.3 / 4),
    (step.SquareSummable(100, 100), lambda k: 100 / (100 + k)),
    (step.SquareSummable(2, 0), lambda k: 2 / k),
    (step.InverseSqrt(0.3), lambda k: 0.3 / math.sqrt(k)),
    (step.Polyak(2.0), lambda k: (5 - 2) / 16),
    (step.Polyak(7.0), lambda k: 0),
    (step.Cosine(0.3, 20), lambda k: 0.15 * (1 + math.cos(math.pi * min(k - 1, 20) / 20))),
    (step.Cosine(0.3, 20, 0.1), lambda k: 0.1 + 0.1 * (1 + math.cos(math.pi * min(k - 1, 20) / 20))),
    (step.Warmup(0.3, 10), lambda k: 0.3 * min(k / 10, 1)),
    (step.Warmup(step.InverseSqrt(0.3), 10), lambda k: 0.3 / math.sqrt(k) * min(k / 10, 1)),
    (step.Piecewise({0: 0.3, 5: 0.2, 10: 0.1}), lambda k: 0.3 if k <= 5 else 0.2 if k <= 10 else 0.1),
    (step.Exponential(0.3, 0.9, 2), lambda k: 0.3 * 0.9 ** ((k - 1) / 2)),
    (step.Linear(0.3, 20, 0.1), lambda k: 0.3 - 0.2 * min((k - 1) / 20, 1)),
    (step.OneCycle(0.3, 20, 0.25, 10, 100), one_cycle),
    (step.Cyclic(0.1, 0.3, 5), lambda k: 0.1 + 0.2 * (1 - abs((k - 1) % 10 - 5) / 5)),
    (step.CosineRestarts(0.3, 7), lambda k: 0.15 * (1 + math.cos(math.pi * ((k - 1) % 7) / 7))),
    (step.CosineRestarts(0.3, 3, 2, 0.1), restarted),
    (step.Piecewise({5: 0.0, 0: 0.3}), lambda k: 0.3 if k <= 5 else 0.0),
]
RULES = [rule for rule, _ in CLOSED_FORMS]


def value(rule, k, dtype="float64"):
    return rule(sg.tensor(k, dtype), grad_norm=4.0, loss=5.0)


@pytest.mark.parametrize(("rule", "closed"), CLOSED_FORMS, ids=map(str, RULES))
def test_closed_form(rule, closed):
    for k in range(1, 31):
        assert value(rule, k).item() == pytest.approx(closed(k), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_dtype_is_that_of_k(rule):
    assert value(rule, 3, "float32").dtype == sg.float32
    assert value(rule, 3, "float64").dtype == sg.float64
    assert value(rule, 3, "int64").dtype == sg.default_dtype()
    assert value(rule, 3).shape == ()


@pytest.mark.parametrize("rule", [r for r in RULES if r.diverges is not None], ids=str)
def test_what_a_rule_says_of_its_sums(rule):
    """Cauchy's condensation: for falling a_k, the sum of a_k is finite just if that of 2^j a_(2^j) is.

    Far out the condensed terms of these rules are a geometric series, so two neighbours tell. Rules of 7 and of 10
    steps over and over do not fall, but their means over 70 steps, which are whole periods of both, stay the same.
    """
    near, far = (value(rule, k + np.arange(70)).numpy() for k in (2**40, 2**41))
    sum_is_finite = 2 * far.mean() < 0.9 * near.mean() or not near.any()
    squares_are_finite = 2 * (far**2).mean() < 0.9 * (near**2).mean() or not near.any()
    assert rule.diverges == (not sum_is_finite)
    assert rule.square_summable == squares_are_finite


def test_the_squares_of_the_classic_rule_sum_to_less_than_100():
    k = np.arange(1, 10**6)
    sizes = step.SquareSummable(100, 100)(sg.tensor(k, "float64")).numpy()
    assert 99 < (sizes**2).sum() < 100
    assert sizes.sum() == pytest.approx(100 * np.log(1e6 / 100), rel=0.01)


@pytest.mark.parametrize("rule", [step.ConstantLength(1), step.Polyak(0), step.Warmup("polyak(0)", 2)], ids=str)
def test_no_step_where_the_gradient_is_zero(rule):
    assert rule(1, grad_norm=0.0, loss=1.0).item() == 0
    assert rule(1, grad_norm=0.0, loss=0.0).item() == 0


def test_polyak_where_the_square_of_the_norm_underflows():
    assert step.Polyak(0)(1, grad_norm=1e-25, loss=0.0).item() == 0


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_text_form(rule):
    assert step.get(str(rule)) == rule
    assert hash(step.get(str(rule))) == hash(rule)


@given(st.floats(min_value=0, exclude_min=True, allow_infinity=False), st.floats(0, 1e300))
def test_text_form_is_exact(a, b):
    rule = step.SquareSummable(a, b)
    assert step.get(str(rule)) == rule


def test_text_that_people_write():
    assert step.get(" 1e-2 ") == step.get(0.01) == step.get(np.float64(0.01)) == step.Constant(0.01)
    assert step.get("warmup(cosine(0.1, steps=9, end=1e-3), 2)") == step.Warmup(step.Cosine(0.1, 9, 1e-3), 2)
    assert step.get("polyak(-3)") == step.Polyak(-3.0)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_description_has_a_formula_and_is_one_sentence(rule):
    text = rule.describe()
    assert "a_k" in text
    assert text.endswith(".")
    assert ". " not in text


def test_descriptions_state_the_limits_of_the_bound():
    """For k to infinity, (R^2 + G^2 sum a^2)/(2 sum a) is G^2 a/2, and for steps of length c it is G c/2."""
    R, G, a, k = 3.0, 2.0, 0.1, 1e12
    assert (R**2 + G**2 * k * a**2) / (2 * k * a) == pytest.approx(0.05 * G**2)
    assert "f_best ends within 0.05 G^2 of f*" in step.Constant(a).describe()
    assert "f_best ends within 0.05 G of f*" in step.ConstantLength(a).describe()
    assert "within 0.05 G^2" in step.Cosine(1.0, 5, end=a).describe()
    assert "the sum of all steps is finite" in step.Piecewise({0: 1.0, 9: 0.0}).describe()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: step.Constant(0), "a of Constant needs to be a positive number, got 0"),
        (lambda: step.Constant(True), "a of Constant needs to be a positive number, got True"),
        (lambda: step.SquareSummable(1, -1), "b of SquareSummable needs to be a number of 0 or more, got -1"),
        (lambda: step.Polyak(float("inf")), "f_star of Polyak needs to be a finite number, got inf"),
        (lambda: step.Cosine(0.1, 0), "steps of Cosine needs to be a whole number above 0, got 0"),
        (lambda: step.Cosine(0.1, 2.5), "steps of Cosine needs to be a whole number above 0, got 2.5"),
        (lambda: step.Warmup(-1, 5), "rule of Warmup: a of Constant needs to be a positive number, got -1"),
        (lambda: step.Piecewise({5: 0.1}), "need whole keys, one of them 0, as in"),
        (lambda: step.Piecewise({0: 0.1, 0.5: 0.1}), "need whole keys"),
        (lambda: step.Piecewise(0.1), "need whole keys"),
        (lambda: step.Piecewise({0: -0.1}), "values of Piecewise needs to be a number of 0 or more, got -0.1"),
        (lambda: step.get("constnat(1)"), r"no step rule 'constnat': expected a number or constant\(a\), .*length"),
        (lambda: step.get("100/(100+k)"), "cannot read the step rule '100/\\(100\\+k\\)'"),
        (lambda: step.get("constant(1, 2)"), "cannot read the step rule 'constant\\(1, 2\\)'"),
        (lambda: step.get("constant()"), "cannot read the step rule"),
        (lambda: step.get("constant(b=1)"), "cannot read the step rule"),
        (lambda: step.get("constant(a)"), "cannot read the step rule"),
        (lambda: step.get("__import__('os').getcwd()"), "there is no step rule"),
        (lambda: step.get(""), "cannot read the step rule ''"),
        (lambda: step.get([1]), "a step rule is a number, a rule, or its name with arguments"),
        (lambda: step.ConstantLength(1)(1), r"constant_length\(1\) needs grad_norm at each step, got None"),
        (lambda: step.Polyak(1)(1, grad_norm=1.0), r"polyak\(1\) needs loss at each step, got None"),
    ],
)
def test_bad_rules(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
