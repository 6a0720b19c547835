"""Eigenvalues on null spaces whose sign is proved: matrices with known ones."""

from __future__ import annotations

import numpy as np
import pytest

from subgrad.intervals.arithmetic import Interval, exactly
from subgrad.kinks.minimize.second_order.null_space import curvature, is_positive_definite


def around(a, width):
    return Interval(a - width, a + width)


@pytest.mark.parametrize("least", [1.0, 1e-3, 1e-7, -1e-7, -1e-3, -1.0])
@pytest.mark.parametrize("m", [0, 2])
def test_the_least_eigenvalue_on_a_null_space(least, m):
    rng = np.random.default_rng(0)
    n = 6
    q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    values = np.array([-50.0] * m + [least] + [abs(least) + 1.0] * (n - m - 1))  # on the other space it is negative
    hessian = q @ np.diag(values) @ q.T
    rows = rng.standard_normal((m, m)) @ q[:, :m].T
    lift = float(np.abs(np.linalg.pinv(rows)).sum(1).max()) if m else 0.0
    found = curvature(exactly(hessian), exactly(rows), 2 * lift)
    assert found.least == pytest.approx(least, rel=1e-4)
    assert found.sign == np.sign(least)
    np.testing.assert_allclose(abs(found.direction @ q[:, m]), 1)
    assert curvature(around(hessian, abs(least)), exactly(rows), 2 * lift).sign == 0


def test_a_singular_matrix_is_not_proved_to_be_positive_definite():
    for seed in range(20):
        a = np.random.default_rng(seed).standard_normal((5, 4))
        assert not is_positive_definite(exactly(a @ a.T))
        assert is_positive_definite(exactly(a @ a.T + 1e-12 * np.eye(5)))
        assert not is_positive_definite(around(a @ a.T + 1e-12 * np.eye(5), 1e-12))
    assert not is_positive_definite(exactly(np.array([[np.nan]])))
    assert not is_positive_definite(exactly(np.array([[1.0, 2.0], [2.0, 1.0]])))


def test_what_stays_on_no_direction_has_infinite_curvature():
    assert curvature(exactly(-np.eye(2)), exactly(np.eye(2)), 1.0).least == np.inf
