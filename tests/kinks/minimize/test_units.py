"""minimize in any units of x and f: what is true in one is true in all, within what rounding leaves."""

from __future__ import annotations

import numpy as np
import pytest
from problems import small

import subgrad as sg

SMALL = {p.name: p for p in small()}
NAMES = ["CB2", "DEM", "QL", "Mifflin 2", "Crescent", "Rosen-Suzuki", "Wolfe", "Maxquad", "Maxl"]


@pytest.mark.parametrize("unit", [1e-8, 1e-4, 1e4, 1e8])
@pytest.mark.parametrize("name", NAMES)
def test_units_of_f(name, unit):
    problem = SMALL[name]
    found = sg.minimize(lambda x: unit * problem.f(x), problem.start)
    assert found.success, found
    assert -1e-7 < problem.error(found.fun / unit) < 1e-5
    assert sg.verify_certificate(found.certificate, lambda x: unit * problem.f(x))
    assert found.certificate.tolerance <= 1e-6 * max(2e4 * unit, 1)


@pytest.mark.parametrize("unit", [1e-8, 1e-4, 1e4, 1e8])
@pytest.mark.parametrize("name", NAMES)
def test_units_of_x(name, unit):
    problem = SMALL[name]
    found = sg.minimize(lambda x: problem.f(x / unit), problem.start * unit)
    assert found.success, found
    assert -1e-7 < problem.error(found.fun) < 1e-5
    assert sg.verify_certificate(found.certificate, lambda x: problem.f(x / unit))
    assert found.certificate.delta <= 1e-6 * max(2e4 * unit, 1)


@pytest.mark.parametrize("unit", [1e-8, 1e-4, 1e4, 1e8])
def test_units_of_both(unit):
    def f(x):
        return unit * SMALL["CB2"].f(x / unit)

    found = sg.minimize(f, SMALL["CB2"].start * unit)
    assert found.success, found
    assert found.fun / unit == pytest.approx(SMALL["CB2"].optimum, abs=1e-6)
    valley = lambda x: 10 * abs(x[1] - x[0] ** 2) + (x[0] - 1) ** 2  # noqa: E731
    found = sg.minimize(lambda x: unit * valley(x / unit), [-1.5 * unit, 2 * unit])
    assert found.success, found
    np.testing.assert_allclose(found.x / unit, 1, atol=1e-4)


def saddle(x):
    return 3 * abs(x[1] - x[0] ** 2) - x[0] ** 2 + x[0] ** 4


@pytest.mark.parametrize("unit", [1e-8, 1e-4, 1e4, 1e8])
@pytest.mark.parametrize("of", ["f", "x"])
def test_saddles_are_left_in_any_units(of, unit):
    for start in ([0.0, 0.0], [0.0, 0.1]):
        if of == "f":
            found = sg.minimize(lambda x: unit * saddle(x), start)
        else:
            found = sg.minimize(lambda x: saddle(x / unit), np.array(start) * unit)
        assert found.fun / (unit if of == "f" else 1) == pytest.approx(-1 / 4, abs=1e-6)
        assert found.success, found


@pytest.mark.parametrize("place", [1e4, 1e8])
def test_points_far_from_0(place):
    for start in ([0.0, 0.0], [0.5, 3.0]):
        found = sg.minimize(lambda x: saddle(x - place), np.array(start) + place)
        assert found.fun == pytest.approx(-1 / 4, abs=1e-6)
        assert found.success, found


def test_steep_starts_and_steep_walls_loosen_nothing():
    found = sg.minimize(lambda x: (x**4).sum(), [100.0, -50.0])
    assert found.success
    assert found.certificate.tolerance <= 1e-6
    turned = sg.minimize(lambda x: 1e6 * abs(x[0] + x[1] - 2) + abs(x[0] - x[1] - 1), [0.0, 0.0])
    assert turned.fun < 1e-3 or not turned.success


# Constraints


@pytest.mark.parametrize("unit", [1e-8, 1e-4, 1e4, 1e8])
@pytest.mark.parametrize("of", ["f", "x"])
def test_constrained_minima_in_any_units(of, unit):
    """Curtis, Mitchell and Overton 2017."""
    u, v = (unit, 1.0) if of == "x" else (1.0, unit)
    corner = {"type": "ineq", "fun": lambda x: 1 - sg.maximum(2**0.5 * x[0], 2 * x[1]) / u}
    f = lambda x: v * (8 * abs((x[0] / u) ** 2 - x[1] / u) + (1 - x[0] / u) ** 2)  # noqa: E731
    found = sg.minimize(f, [-u, u], constraints=corner)
    assert found.success, found
    assert found.fun / v == pytest.approx((1 - 0.5**0.5) ** 2, abs=1e-5)
    np.testing.assert_allclose(found.x / u, [0.5**0.5, 0.5], atol=1e-4)


# Functions without a minimum

BOTTOMLESS = {
    "a pole": (lambda x: sg.log(abs(x[0])), [0.5]),
    "a pole on a line": (lambda x: sg.log(abs(x[0] - x[1])) + x[0] ** 2, [0.5, 0.0]),
    "a pole between floats": (lambda x: sg.log(abs(x[0] ** 2 - 2)) + abs(x[1]), [1.0, 1.0]),
    "a reciprocal": (lambda x: -1 / abs(x[0] - 1), [0.5]),
    "a line": (lambda x: abs(x[0]) - x[1], [1.0, 1.0]),
    "Peano": (lambda x: (x[1] - x[0] ** 2) * (x[1] - 3 * x[0] ** 2), [0.0, 0.0]),
}


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("method", ["auto", "bundle", "bfgs"])
@pytest.mark.parametrize("name", BOTTOMLESS)
def test_functions_without_a_minimum_are_no_success(name, method, unit):
    f, start = BOTTOMLESS[name]
    found = sg.minimize(lambda x: unit * f(x), start, method)
    assert not found.success, found
    assert (found.status == 3) == ("no lower bound" in found.message)
    assert found.status in (1, 3) or "as beside a pole" in found.message


@pytest.mark.parametrize("method", ["auto", "bfgs", "bundle", "subgradient"])
def test_slopes_whose_squares_are_no_floats(method):
    flat = sg.minimize(lambda x: (1e-300 * sg.abs(x - 1)).sum(), np.array([3.0]), method=method)
    assert flat.fun <= 2e-300
    with pytest.raises(sg.errors.NonFiniteError, match="a slope above 1e"):
        sg.minimize(lambda x: (1e200 * sg.abs(x)).sum(), np.array([3.0]), method=method)


@pytest.mark.parametrize("method", ["auto", "bfgs"])
def test_a_descent_that_goes_on_for_three_hundred_decades(method):
    found = sg.minimize(lambda x: -sg.log(1 + sg.abs(x)).sum(), np.array([0.5]), method=method)
    assert not found.success
    assert found.status == 3
