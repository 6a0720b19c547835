"""Linear programs for parts of a box: their choice makes the bound that a program written by hand has."""

import sys

import numpy as np
import pytest
from test_unit_splitting import D, least, network

import subgrad as sg
from subgrad import errors, nn
from subgrad.bounds import Case, Unreachable, Within
from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.backward.rows_back import Choice
from subgrad.bounds.branching.linear_programs import LinearPrograms
from subgrad.bounds.traced import traced
from subgrad.graph.dtype import float64
from subgrad.graph.tensor import placeholder
from subgrad.intervals.arithmetic import Interval

scipy_optimize = pytest.importorskip("scipy.optimize")


def by_hand(w, b, v, signs):
    """The most of ``v @ relu(w x + b)`` on [-1, 1]^d by chords and both lower lines, where units have these signs."""
    n, d = w.shape
    reach = np.abs(w).sum(1)
    low, high = b - reach, b + reach
    chord = np.where(low < 0, np.where(high > 0, high / (high - low), 0.0), 1.0)
    chord, offset = np.where(signs > 0, 1.0, np.where(signs < 0, 0.0, chord)), -chord * np.minimum(low, 0)
    offset = np.where((signs != 0) | (high < 0), 0.0, offset)
    eye = np.eye(n)
    above = [np.hstack([-chord[:, None] * w, eye]), np.hstack([w, -eye]), np.hstack([0 * w, -eye])]
    limits = [chord * b + offset, -b, 0 * b]
    one = signs != 0
    above.append(np.hstack([-signs[:, None] * w, 0 * eye])[one])
    limits.append((signs * b)[one])
    ends = [(-1, 1)] * d + [(None, None)] * n
    cost = np.concatenate([np.zeros(d), -v])
    found = scipy_optimize.linprog(cost, np.vstack(above), np.concatenate(limits), bounds=ends, method="highs")
    return -found.fun


@pytest.mark.parametrize("split", [(), ((0, 1), (3, -1)), tuple((k, (-1) ** k) for k in range(8))])
def test_the_bound_is_that_of_a_program_by_hand(split):
    rng = np.random.default_rng(4)
    w, b, v = rng.normal(size=(8, D)), rng.normal(size=8), rng.normal(size=8)
    point = placeholder((1, D), float64, "a point")
    found = traced(lambda x: sg.relu(x @ w.T + b) @ v[:, None], point, "the network")
    bounds = LinearBounds(point, found.output, dict(zip(found.weights, found.values, strict=True)))
    (k,) = (k for k, s in enumerate(bounds.steps) if s.node is not None and s.node.op is sg.relu)
    signs = np.zeros((1, *bounds.steps[k].shape))
    for unit, sign in split:
        signs[0].ravel()[unit] = sign
    argument = bounds.steps[k].inputs[0]
    box = -np.ones((1, D)), np.ones((1, D))
    low, high = bounds.over(*box).intervals[argument]
    cut = np.where(signs > 0, np.maximum(low, 0), low), np.where(signs < 0, np.minimum(high, 0), high)
    over = bounds.over(*box, {argument: Interval(*cut)}, refined=False)
    row = np.ones(bounds.steps[-1].shape)
    solved = LinearPrograms(bounds.steps).solve(over, 0, row, {argument: signs[0]}, np.inf)
    choice = Choice({k: solved.slopes[k][None]}, {argument: signs * solved.weights[argument]})
    above, _ = over.above(len(bounds.steps) - 1, row[None], np.zeros(1, int), choice)
    wanted = by_hand(w, b, v, signs.ravel())
    assert wanted - 1e-12 <= above[0] <= wanted + 1e-6
    assert LinearPrograms(bounds.steps).solve(over, 0, row, {argument: signs[0]}, -1.0) is None  # no time is left
    assert (np.abs(solved.point) <= 1).all()


def test_it_decides_the_same_with_fewer_parts():
    net, row = network(10), np.array([1.0, -0.5])
    value, box = least(net, row), [(-1, 1)] * D
    below = Unreachable([Case(box, [row], [value - 1e-3])])
    found, without = sg.verify(net, below, budget=3000, lp=True), sg.verify(net, below, budget=3000)
    assert found.status == without.status == "proven"
    assert found.boxes < without.boxes
    above = sg.verify(net, Unreachable([Case(box, [row], [value + 1e-4])]), budget=3000, lp=True)
    assert above.status == "refuted"


def test_boxes_of_few_inputs(tmp_path):
    with sg.using_dtype("float64"):
        net = nn.Sequential(nn.Linear(3, 12, seed=0), nn.ReLU(), nn.Linear(12, 12, seed=1), nn.ReLU(),
                            nn.Linear(12, 1, seed=2))  # fmt: skip
    box = [(-1, 1)] * 3
    x = np.random.default_rng(0).uniform(-1, 1, (4000, 3))
    x[::2] = np.sign(x[::2])
    reached = sg.predict(net, x).min()
    below = Unreachable([Case(box, [[1.0]], [reached - 0.01])])
    found, without = sg.verify(net, below, lp=True), sg.verify(net, below)
    assert found.status == without.status == "proven"
    assert 1 < found.boxes < without.boxes
    pytest.importorskip("flint")
    from subgrad.bounds import checker

    found.save(tmp_path / "proof.safetensors")
    assert checker.check(tmp_path / "proof.safetensors").startswith("none of 1 polytopes")


def test_without_scipy_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(errors.MissingExtraError, match=r"pip install 'subgrad\[verify\]'"):
        sg.verify(network(0), Unreachable([Case([(-1, 1)] * D, [[1.0, 0.0]], [0.0])]), lp=True)
    with pytest.raises(errors.ArgumentError, match="lp is for an Unreachable"):
        sg.verify(network(0), [(-1, 1)] * D, Within(0, 1), lp=True)
