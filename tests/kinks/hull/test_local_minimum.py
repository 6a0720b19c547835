"""Local minima by first-order information: proved, refuted or unknown."""

import math

import numpy as np
import pytest
from nested_kinks import on_sphere, random_program

import subgrad as sg
from subgrad.kinks.hull.local_minimum import local_minimum


def test_a_local_minimum_of_a_random_program_is_proved_or_refuted():
    rng = np.random.default_rng(21)
    verdicts = []
    for _ in range(24):
        n = int(rng.integers(1, 4))
        program = random_program(rng, n, 4, ("relu", "abs", "max", "maximum"))
        answer = local_minimum(program, program.point)
        verdicts.append(answer.verdict)
        directions = on_sphere(rng, 300, n)
        rates = np.einsum("ij,ij->i", program.gradients(directions), directions)
        if answer.verdict == "proved":
            assert rates.min() >= -1e-12
        else:
            d = answer.direction
            gap = at(program, program.point + d / 1024) - at(program, program.point)
            assert gap == pytest.approx(answer.slope / 1024)
            assert answer.slope < 0
    assert 4 < verdicts.count("proved") < 20
    assert set(verdicts) == {"proved", "refuted"}


def at(f, x):
    return float(f(sg.tensor(x, "float64")))


@pytest.mark.parametrize("s", [4e4, 1e5, 1e6, 1e9, 1e12])
def test_slopes_that_are_small_beside_others_prove_nothing(s):
    for f in (lambda x: abs(x[0] - s * x[1]) - x[1], lambda x: s * abs(x[0]) - x[1]):
        answer = local_minimum(f, [0.0, 0.0])
        assert answer.verdict in ("unknown", "refuted")
        if answer.verdict == "refuted":
            assert float(sg.directional_derivative(f, [0.0, 0.0], answer.direction)) < 0


@pytest.mark.parametrize("step", [sg.floor, sg.trunc, lambda x: -(x % 1.0), lambda x: sg.round(x - 1.5)])
def test_beside_a_jump_nothing_is_proved(step):
    """Just below 1 each of these is smaller, by 1 less a little."""
    def f(x):
        return step(x[0]) + 5 * abs(x[0] - 1)
    assert at(f, [0.999]) < at(f, [1.0])
    for asked in (local_minimum, sg.is_stationary):
        with pytest.raises(sg.errors.GradientError, match="jumps"):
            asked(f, [1.0])


def test_functions_that_rounding_takes_for_one_prove_nothing():
    def f(x):
        return 1e20 * (2 * sg.relu(-x[0]) - sg.relu(sg.relu(x[0]) * (1 + 1e-14) - x[0]))
    assert at(f, [1.0]) < 0  # the slope is -1e6
    assert local_minimum(f, [0.0]).verdict == "unknown"
    assert sg.subdifferential(f, [0.0]).exact == "inner"


def test_a_minimum_from_which_the_function_rises_everywhere_is_proved():
    assert local_minimum(lambda x: 2 * abs(x) - x**2, 0.0).verdict == "proved"
    assert local_minimum(lambda x: abs(x[0]) - x[1] ** 2, [0.0, 0.0]).verdict == "first-order"


NORMS = {  # and the least slope in a direction of length 1, by calculus
    "norm(x)": (lambda x: sg.norm(x), 1.0),
    "norm(x) + x0 / 2": (lambda x: sg.norm(x) + 0.5 * x[0], 0.5),
    "sqrt(sum x**2) + |x0|": (lambda x: sg.sqrt((x * x).sum()) + abs(x[0]), 1.0),
    "norm(x) + 2 x0": (lambda x: sg.norm(x) + 2 * x[0], -1.0),
    "norm(x) - 2 |x|": (lambda x: sg.norm(x) - 2 * abs(x).sum(), 1 - 2 * math.sqrt(3)),
    "norm(x) - 2 norm(2 x)": (lambda x: sg.norm(x) - 2 * sg.norm(2 * x), -3.0),
    "norm(x) - x0": (lambda x: sg.norm(x) - x[0], 0.0),
    "norm(x0, x1)": (lambda x: sg.norm(x[:2]), 0.0),
    "norm(x) - 0.999 x0": (lambda x: sg.norm(x) - 0.999 * x[0], 0.001),
}


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_a_norm_of_zero_is_proved_or_refuted_by_the_slopes_in_all_directions(name, scale):
    f, least = NORMS[name]
    answer = local_minimum(lambda x: scale * f(x) + (x**3).sum(), np.zeros(3))
    if least > 0.01:
        assert answer.verdict == "proved"
    elif least < 0:
        assert answer.verdict == "refuted"
        step = 1e-12 * answer.direction
        assert f(sg.tensor(step)).item() < 0
        assert answer.slope == pytest.approx(scale * 1e12 * f(sg.tensor(step)).item(), rel=1e-6)
    else:
        assert answer.verdict in ("unknown", "proved" if least else "unknown")


def test_first_order_verdicts_for_smooth_functions_and_unknown_ones():
    assert local_minimum(lambda x: x * x, 0.0).verdict == "first-order"
    assert local_minimum(lambda x: -(x * x), 0.0).verdict == "first-order"  # a maximum, which first order cannot tell
    assert local_minimum(lambda x: -abs(x), 0.0).verdict == "refuted"
    answer = local_minimum(lambda x: sg.norm(x) - x[0], [0.0, 0.0])
    assert answer.verdict == "unknown"
    assert "sphere" in answer.reason


@pytest.mark.parametrize(
    "f",
    [
        lambda q, x: (1e17 * q - 1e17 * q) - q,
        lambda q, x: -q + 1e17 * sg.relu(x) - 1e17 * (0.5 * sg.relu(2 * x)),
        lambda q, x: (q * np.array([-1.0, 1e17, -1e17])).sum(),
        lambda q, x: sg.expand_dims(q, 0) @ np.array([[-1.0, 1e17, -1e17]]) @ np.ones(3),
        lambda q, x: (sg.broadcast_to(q, (3,)) * np.array([1e17, -1.0, -1e17])).sum(),
    ],
    ids=["one-kink", "two-kinks", "sum", "contraction", "broadcast"],
)
def test_no_minimum_where_slopes_cancel_up_to_rounding(f):
    """f falls like -relu(x); cotangents of 1e17 that cancel may hide it."""
    assert local_minimum(lambda x: f(sg.relu(x[0]), x[0]), [0.0]).verdict in ("unknown", "refuted")
    assert local_minimum(lambda x: 3 * abs(x[0]) - abs(x[0]) * 2 - x[0], [0.0]).verdict == "proved"
    assert local_minimum(lambda x: (abs(x[0]) * np.array([3.0, -2.0])).sum() - x[0], [0.0]).verdict == "proved"
