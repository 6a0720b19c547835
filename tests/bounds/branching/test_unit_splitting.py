"""Splitting on units against mixed-integer programs, which have the least output of small networks exactly enough."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Case, Unreachable, Within

scipy_optimize = pytest.importorskip("scipy.optimize")

D = 20


def network(seed):
    with sg.using_dtype("float64"):
        return nn.Sequential(
            nn.Linear(D, 8, seed=seed), nn.ReLU(), nn.Linear(8, 8, seed=seed + 1), nn.ReLU(),
            nn.Linear(8, 2, seed=seed + 2),
        )  # fmt: skip


def least(net, row):
    """The least ``row @ y`` on [-1, 1]^D, and where: a binary number for each unit, bounds by interval arithmetic."""
    w1, b1, w2, b2, w3, b3 = (np.asarray(v) for v in net.state_dict().values())
    n = D + 8 * 3 * 2  # x; z, h and the sign for both layers
    a, low, high = [], [], []

    def rows(*parts, lo, hi):
        m = np.zeros((8, n))
        for start, block in parts:
            m[:, start : start + block.shape[1]] = block
        a.append(m), low.append(np.broadcast_to(lo, 8)), high.append(np.broadcast_to(hi, 8))

    eye, reach = np.eye(8), 0
    for k, (w, b, source) in enumerate([(w1, b1, 0), (w2, b2, D + 8)]):
        z, h, s = (D + 24 * k + 8 * j for j in range(3))
        reach = np.abs(w).sum(1) + np.abs(b) if k == 0 else np.abs(w) @ reach + np.abs(b)
        rows((z, eye), (source, -w), lo=b, hi=b)
        rows((h, eye), (z, -eye), lo=0, hi=np.inf)
        rows((h, eye), (s, -np.diag(reach)), lo=-np.inf, hi=0)
        rows((h, eye), (z, -eye), (s, np.diag(reach)), lo=-np.inf, hi=reach)
    cost = np.zeros(n)
    cost[D + 24 + 8 : D + 24 + 16] = row @ w3
    below, above = np.full(n, -np.inf), np.full(n, np.inf)
    below[:D], above[:D] = -1, 1
    whole = np.zeros(n)
    for k in (0, 1):
        below[D + 24 * k + 8 : D + 24 * k + 24] = 0
        whole[D + 24 * k + 16 : D + 24 * k + 24] = above[D + 24 * k + 16 : D + 24 * k + 24] = 1
    found = scipy_optimize.milp(
        cost, integrality=whole, bounds=scipy_optimize.Bounds(below, above),
        constraints=scipy_optimize.LinearConstraint(np.concatenate(a), np.concatenate(low), np.concatenate(high)),
        options={"mip_rel_gap": 1e-9},
    )  # fmt: skip
    return found.fun + row @ b3


@pytest.mark.parametrize("seed", range(3))
def test_it_decides_what_an_integer_program_says(seed):
    net = network(10 * seed)
    row = np.array([1.0, -0.5])
    value = least(net, row)
    box = [(-1, 1)] * D
    below = sg.verify(net, Unreachable([Case(box, [row], [value - 1e-3])]), budget=3000)
    assert below.status == "proven"
    assert below.boxes > 1
    above = sg.verify(net, Unreachable([Case(box, [row], [value + 0.03])]), budget=3000)
    assert above.status == "refuted"
    y = net(sg.tensor(above.counterexample[None], "float64")).numpy()[0]
    assert row @ y <= value + 0.03


def test_several_polytopes_and_an_end_before_the_end():
    net = network(3)
    box = [(-1, 1)] * D
    rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    values = [least(net, row) for row in rows]
    proven = sg.verify(net, Unreachable([Case(box, [r], [v - 0.01]) for r, v in zip(rows, values, strict=True)]))
    assert proven.status == "proven"
    open_ = sg.verify(net, Unreachable([Case(box, [rows[0]], [values[0] - 1e-5])]), budget=2)
    assert open_.status == "unknown"
    assert open_.bound >= 0
    assert open_.stuck.tolist() == [[-1, 1]] * D
    assert sg.verify(net, box, Within(low=values[0] - 9, high=99.0)).status == "proven"
