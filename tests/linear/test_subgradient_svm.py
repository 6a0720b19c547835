"""The subgradient method on an SVM: its iterate is the dual average, and its intercept is the best one."""

from itertools import islice

import numpy as np
import pytest

from subgrad.linear import SVM
from subgrad.linear.svm import Hinge, best_intercept, subgradient_steps


@pytest.mark.parametrize("intercept", [True, False])
def test_the_iterate_is_the_dual_points_v(two_clouds, intercept):
    X, labels = two_clouds
    y = 2.0 * labels - 1
    for point in islice(subgradient_steps(Hinge(X, y, np.full(len(y), 0.1), intercept)), 30):
        np.testing.assert_allclose(point.w, X.T @ (y * point.u), atol=1e-12)
        assert not intercept or abs(point.u @ y) < 1e-12


@pytest.mark.parametrize("seed", range(20))
def test_the_best_intercept_is_no_worse_than_any_kink(seed):
    """A piecewise linear function has its least value at one of its kinks."""
    rng = np.random.default_rng(seed)
    f, y = rng.integers(-3, 4, size=9).astype(float), rng.permutation([1.0] * 3 + [-1.0] * 6)
    C = np.ones(9) if seed < 10 else rng.choice([0.5, 1, 2.25], 9)
    loss = lambda b: np.maximum(1 - y * (f + b), 0) @ C  # noqa: E731
    b, active = best_intercept(f, y, C, True)
    assert loss(b) == pytest.approx(min(loss(kink) for kink in y - f))
    assert (C * active) @ y == 0
    margins = y * (f + b)
    assert (active[margins < 1] == 1).all()
    assert (active[margins > 1] == 0).all()


def test_gaps_are_those_of_the_published_rate(two_clouds):
    """P/(n C) - D/(n C) <= G^2 (1 + ln t) / (2 lambda t) with |gradient of the hinges| <= G (Pegasos, theorem 1)."""
    X, y = two_clouds
    C, n = 0.05, len(y)
    centred = X - X.mean(0)
    G = 2 * np.linalg.norm(centred, axis=1).max()  # the hinge's part and lambda |w|, each at most the longest row
    with pytest.warns(match="the gap is"):
        model = SVM(C, solver="subgradient", gap=1e-9, max_iter=400).fit(X, y)
    for t, epoch in enumerate(model.history_, start=1):
        assert epoch.gap / (n * C) <= G**2 * (1 + np.log(t)) * n * C / (2 * t)
    exact = SVM(C, gap=1e-9).fit(X, y)
    assert model.bound_ <= exact.objective_ <= model.objective_
