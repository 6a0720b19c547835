"""Constraints: published minima, SciPy's forms, and what is said where no point satisfies them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, sparse

import subgrad as sg
from subgrad.errors import ArgumentError, ShapeError


def inequality(g):
    return {"type": "ineq", "fun": g}


def equality(h):
    return {"type": "eq", "fun": h}


def rosen_suzuki(x):
    return x @ (np.array([1, 1, 2, 1]) * x) + np.array([-5.0, -5, -21, 7]) @ x


ROSEN_SUZUKI = [
    inequality(lambda x: 8 - (x * x).sum() - np.array([1.0, -1, 1, -1]) @ x),
    inequality(lambda x: 10 - np.array([1.0, 2, 1, 2]) @ (x * x) + x[0] + x[3]),
    inequality(lambda x: 5 - np.array([2.0, 1, 1, 0]) @ (x * x) - 2 * x[0] + x[1] + x[3]),
]

# name: (f, start, constraints, minimum, f there)
PROBLEMS = {
    # Rosen, Suzuki 1965; Hock, Schittkowski 1981, number 43
    "Rosen-Suzuki": (rosen_suzuki, np.zeros(4), ROSEN_SUZUKI, [0, 1, 2, -1], -44),
    # Curtis, Mitchell, Overton 2017, A BFGS-SQP method for nonsmooth, nonconvex, constrained optimization
    "valley": (
        lambda x: 8 * abs(x[0] ** 2 - x[1]) + (1 - x[0]) ** 2, np.array([-1.0, 1.0]),
        inequality(lambda x: 1 - sg.maximum(2**0.5 * x[0], 2 * x[1])), [0.5**0.5, 0.5], (1 - 0.5**0.5) ** 2,
    ),
    "circle": (lambda x: x[0] + x[1], np.array([1.0, 0.5]), equality(lambda x: (x * x).sum() - 2), [-1, -1], -2),
    "disc": (lambda x: abs(x[0] - 3) + x[1], np.zeros(2), inequality(lambda x: 2 - (x * x).sum()), [1, -1], 1),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_published_minima(name):
    f, start, constraints, x, value = PROBLEMS[name]
    found = sg.minimize(f, start, constraints=constraints)
    assert found.success, found
    assert found.maxcv <= 1e-6
    assert found.fun == pytest.approx(value, abs=1e-6)
    np.testing.assert_allclose(found.x, x, atol=1e-4)
    assert found.fun == pytest.approx(float(f(sg.tensor(found.x, "float64"))), abs=1e-12)  # not that with the penalty
    assert sg.verify_certificate(found.certificate, found.penalised)


def test_scipys_objects_beside_scipy():
    def f(x):
        return (x - 2) @ (x - 2)

    line = optimize.LinearConstraint([[1, 1]], -np.inf, 2)
    gap = optimize.NonlinearConstraint(lambda x: x[0] - x[1], 0.5, 0.5)
    found = sg.minimize(f, np.zeros(2), constraints=[line, gap])
    theirs = optimize.minimize(f, np.zeros(2), constraints=[line, gap], method="SLSQP", tol=1e-10)
    assert found.fun == pytest.approx(theirs.fun, abs=1e-6)
    np.testing.assert_allclose(found.x, theirs.x, atol=1e-4)


def test_bounds_and_constraints_and_trees():
    found = sg.minimize(lambda p: p["a"] + p["b"].sum(), {"a": np.array(1.0), "b": np.ones(2)}, bounds=[(-1, 1)] * 3,
                        constraints=inequality(lambda p: p["a"] + 0.5))  # fmt: skip
    assert found.success, found
    assert found.x["a"] == pytest.approx(-0.5, abs=1e-6)
    np.testing.assert_allclose(found.x["b"], [-1, -1], atol=1e-6)


def test_constraints_that_no_point_satisfies():
    found = sg.minimize(lambda x: x[0] ** 2, [0.3], constraints=[inequality(lambda x: x - 1), inequality(lambda x: -x)])
    assert not found.success
    assert found.maxcv >= 0.5 - 1e-6
    assert "no point was found that satisfies the constraints" in str(found)


@pytest.mark.parametrize(("constraints", "error", "message"), [
    ({"type": "leq", "fun": abs}, ArgumentError, "'eq' or 'ineq' and a function fun, got one with the keys 'type'"),
    ([{}], ArgumentError, "got an empty one"),
    ([3], ArgumentError, "is a dict or has lb and ub, as SciPy's have, got int"),
    (3, ArgumentError, "constraints are a dict, an object as SciPy's, or a list, got int"),
    (optimize.LinearConstraint([[1, 2, 3]], 0, 1), ShapeError, r"A of shape \(1, 3\) does not fit x0 with 2 elements"),
    (optimize.NonlinearConstraint(lambda x: x, np.inf, np.inf), ArgumentError, "bounds that nothing fits"),
    (inequality(lambda x: 3.0), ArgumentError, "made of subgrad's ops and returns a tensor, got float"),
    (optimize.NonlinearConstraint(lambda x: x, [0, 0, 0], 1), ShapeError, r"shape \(3,\) do not fit"),
    (optimize.NonlinearConstraint(lambda x: x, 1, 0), ArgumentError, "lower bound above its upper bound"),
])  # fmt: skip
def test_bad_constraints(constraints, error, message):
    with pytest.raises(error, match=message):
        sg.minimize(lambda x: x.sum(), [1.0, 2.0], constraints=constraints)


def test_no_constraints_are_none_and_sparse_ones_are_taken():
    def f(x):
        return abs(x - 2).sum()

    for none in ((), []):
        found = sg.minimize(f, [0.0, 0.0], constraints=none)
        assert found.success
        assert found.maxcv is None
    within = optimize.LinearConstraint(sparse.eye_array(2), -np.inf, [1.0, 3.0])
    np.testing.assert_allclose(sg.minimize(f, [0.0, 0.0], constraints=within).x, [1, 2], atol=1e-5)


def test_plain_functions_have_no_constraints():
    with pytest.raises(ArgumentError, match="constraints need a function of tensors"):
        sg.minimize(lambda x: (x @ x, 2 * x), [1.0], jac=True, constraints=equality(lambda x: x))


def test_matrices_of_trees_sparse_ones_and_vectors_with_equations_among_them():
    line = optimize.LinearConstraint(sparse.csr_array([[1.0, 1.0]]), 1, 1)
    found = sg.minimize(lambda p: (p["a"] - 1) ** 2 + (p["b"] - 2) ** 2, {"a": np.array(0.0), "b": np.array(0.0)},
                        constraints=line)  # fmt: skip
    assert (found.success, float(found.x["a"])) == (True, pytest.approx(0, abs=1e-6))
    mixed = optimize.NonlinearConstraint(lambda x: sg.stack([x[0] + x[1], x[0]]), [1, -np.inf], [1, 3])
    found = sg.minimize(lambda x: (x[0] - 1) ** 2 + (x[1] - 2) ** 2, np.zeros(2), constraints=mixed)
    assert found.fun == pytest.approx(2, abs=1e-8)
    assert found.second_order.curvature == pytest.approx(2)


def test_no_constraints_and_a_start_outside_of_the_bounds():
    assert sg.minimize(lambda x: x[0] ** 2, [1], constraints=()).maxcv is None
    found = sg.minimize(lambda x: -sg.log(x).sum(), [-1.0, -1.0], bounds=[(1e-3, None)] * 2,
                        constraints=equality(lambda x: x.sum() - 1))  # fmt: skip
    np.testing.assert_allclose(found.x, [0.5, 0.5], atol=1e-5)


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1e4, 1e8])
@pytest.mark.parametrize("name", PROBLEMS)
def test_constraints_may_be_in_any_units(name, scale):
    f, start, constraints, x, value = PROBLEMS[name]
    constraints = constraints if isinstance(constraints, list) else [constraints]
    scaled = [{**c, "fun": lambda x, g=c["fun"]: scale * g(x)} for c in constraints]
    found = sg.minimize(f, start, constraints=scaled)
    assert found.success, found
    assert found.fun == pytest.approx(value, abs=1e-6)
    np.testing.assert_allclose(found.x, x, atol=1e-4)
    outside = [c["fun"](sg.tensor(found.x, "float64")).item() for c in scaled]
    violated = [abs(v) if c["type"] == "eq" else max(-v, 0) for c, v in zip(scaled, outside, strict=True)]
    assert found.maxcv == pytest.approx(max(violated), rel=1e-6, abs=1e-15 * scale)
    assert found.maxcv <= 1e-6 * max(scale, 1)


def test_elements_of_one_constraint_have_their_own_units():
    units = np.array([1e-7, 1.0, 1e7])
    within = optimize.LinearConstraint(units[:, None] * np.eye(3), -np.inf, units * [1.0, 2.0, 3.0])
    found = sg.minimize(lambda x: ((x - 5) ** 2).sum(), np.zeros(3), constraints=within)
    assert found.success, found
    np.testing.assert_allclose(found.x, [1, 2, 3], atol=1e-5)


def test_the_penalised_function_takes_what_the_result_holds():
    """Arrays, dicts of them and lists of numbers, as well as tensors: functions of ops make numbers of arrays."""
    plain = [inequality(lambda x: 2 - (x * x).sum()), equality(lambda x: [x[0] - x[1] - 1, x[0] + x[1]])]
    found = sg.minimize(lambda x: (x[0] - 3) ** 2 + abs(x[1] + 2), [0.0, 0.0], constraints=plain)
    value = found.penalised(sg.tensor(found.x, "float64")).item()
    assert value == pytest.approx(found.fun, abs=1e-5)
    for x in (found.x, found.x.tolist()):
        assert found.penalised(x).item() == value
        assert found.penalised.violation(x).item() == pytest.approx(found.maxcv, abs=1e-12)
    tree = sg.minimize(lambda p: abs(p["a"] - 1) + p["b"] ** 2, {"a": np.array(0.0), "b": np.array(0.5)},
                       constraints=inequality(lambda p: p["b"] - p["a"]))  # fmt: skip
    assert tree.penalised(tree.x).item() == pytest.approx(tree.fun, abs=1e-5)
