"""`certify` against suprema that are known in closed form or by dense search."""

import math

import numpy as np
import pytest
from greedy import gaussian, greedy_net

import subgrad as sg
from subgrad import errors, nn
from subgrad.bounds import bounder
from subgrad.bounds.search import Search


def sine(x):
    return sg.sin(x[:, 0])


def cubic(x):
    return x[:, 0] - x[:, 0] ** 3 / 6


CUBIC_ERROR = 5 / 6 - np.sin(1.0)  # |sin x - (x - x^3/6)| on [-1, 1] is largest at the ends


@pytest.mark.parametrize("factor", [1 + 2e-6, 1.001, 2])
def test_error_above_the_supremum_is_proven(factor):
    found = sg.certify(sine, cubic, (-1, 1), -CUBIC_ERROR * factor)
    assert found
    assert found.status == "proven"
    assert -CUBIC_ERROR <= found.bound <= -CUBIC_ERROR * factor
    assert found.counterexample is None
    assert str(found).startswith("proven: the error is at most 0.0")


@pytest.mark.parametrize("factor", [1 - 1e-9, 0.999, 0.5, 0])
def test_error_below_the_supremum_is_refuted_with_a_point(factor):
    found = sg.certify(sine, cubic, (-1, 1), -CUBIC_ERROR * factor)
    assert not found
    assert found.status == "refuted"
    x = found.counterexample.item()
    assert abs(np.sin(x) - (x - x**3 / 6)) > -CUBIC_ERROR * factor
    assert "refuted" in str(found)


def test_least_error_is_found_to_a_percent():
    found = sg.certify(sine, cubic, (-1, 1))
    assert found.status == "proven"
    assert -CUBIC_ERROR <= found.bound <= -1.01 * CUBIC_ERROR
    assert found.value <= -CUBIC_ERROR


def test_spent_budget_gives_the_best_bound_and_the_worst_box():
    f = lambda x: sg.sin(40 * x[:, 0] * x[:, 1]) + sg.cos(9 * x[:, 0])  # noqa: E731
    found = sg.certify(f, lambda x: 0 * x[:, 0], [(-3, 3)] * 2, 2.0, budget=600)
    assert found.status == "unknown"
    assert found.bound > 2 > found.value > 1.5
    assert found.stuck.shape == (2, 2)
    assert "stuck at" in str(found)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.GELU])
def test_deep_network_against_dense_search(activation):
    with sg.using_dtype("float64"):
        layers = [layer for i in range(3) for layer in (nn.Linear(6 if i else 2, 6, seed=i), activation())]
        net = nn.Sequential(*layers, nn.Linear(6, 1, seed=9))
        x = np.stack(np.meshgrid(*[np.linspace(-1, 1, 201)] * 2), axis=-1).reshape(-1, 2)
        error = np.abs(gaussian(x) - net(sg.tensor(x)).numpy()[:, 0]).max()
    f = lambda x: sg.exp(-(x * x).sum(1) / 2)  # noqa: E731
    assert sg.certify(f, net, [(-1, 1)] * 2, error * 1.01).status == "proven"
    assert sg.certify(f, net, [(-1, 1)] * 2, error * 0.999).status == "refuted"


@pytest.mark.parametrize("d", [1, 2])
def test_a_root_is_bounded_down_to_0(d):
    f = lambda x: sg.sqrt(x).sum(1)  # noqa: E731
    line = lambda x: x.sum(1) + d / 8  # noqa: E731  (off by d / 8 at 0, 1/4 and 1)
    assert sg.certify(f, line, [(0, 1)] * d, d / 8 + 1e-4).status == "proven"
    assert sg.certify(f, line, [(0, 1)] * d, d / 8 - 1e-4).status == "refuted"
    assert sg.certify(f, line, [(-1e-9, 1)] * d, 9, budget=2000).status == "unknown"


def test_conditions_are_rearranged_like_numbers():
    f = lambda x: sg.where((x < 0.3).T.reshape(2)[::-1], -x[0], x[0] - 0.6)[:1]  # noqa: E731  (of one point)
    same = lambda x: sg.where(x[0, 1:] < 0.3, -x[0, :1], x[0, :1] - 0.6)  # noqa: E731
    assert sg.certify(f, same, [(-1, 0.2)] * 2, 1e-12).status == "proven"
    assert sg.certify(f, same, [(-1, 1)] * 2, 2.61).status == "proven"
    assert sg.certify(f, lambda x: 0 * x[:, 0], [(-1, 1)] * 2, 1.59).status == "refuted"


def test_greedy_network_of_a_gaussian():
    with sg.using_dtype("float64"):
        net = greedy_net(gaussian, 2, 24, points=500)
    f = lambda x: sg.exp(-(x * x).sum(1) / 2)  # noqa: E731
    found = sg.certify(f, net, [(-1, 1)] * 2)
    x = np.random.default_rng(0).uniform(-1, 1, (100_000, 2))
    error = np.abs(gaussian(x) - net(sg.tensor(x, "float64")).numpy()[:, 0]).max()
    assert found.status == "proven"
    assert error <= found.bound
    assert found.bound <= 1.02 * found.value


def test_functions_and_networks_with_several_values():
    net = nn.Linear(2, 3, seed=0)
    weight, bias = net.weight.numpy().astype(float), net.bias.numpy().astype(float)
    same = lambda x: x @ weight.T + bias  # noqa: E731
    assert sg.certify(same, net, [(-1, 1)] * 2, 1e-12)
    moved = lambda x: same(x) + np.array([0.0, 0.5, 0.0])  # noqa: E731
    assert sg.certify(moved, net, [(-1, 1)] * 2).bound == pytest.approx(0.5)


def test_batch_statistics_are_those_of_evaluation():
    net = nn.Sequential(nn.Linear(1, 4, seed=0), nn.Dropout(0.5), nn.ReLU())
    net.train()
    assert sg.certify(net, net, (-1, 1), 1e-12)
    assert net.training


@pytest.mark.parametrize("box", [(0.5, 0.5), [(0.1, 0.1), (-1, 1)], (0.0, 5e-324), (-1e100, -1e99)])
def test_degenerate_boxes(box):
    f = lambda x: sg.abs(x).sum(1)  # noqa: E731
    assert sg.certify(f, f, box, 1e90).status == "proven"
    off = lambda x: f(x) * (1 + 2.0**-20)  # noqa: E731
    assert sg.certify(off, f, box, 1e-330).status != "proven"


def test_interpreted_and_compiled_bounds_agree(monkeypatch, compilations):
    f = lambda x: sg.cos(3 * x[:, 0]) * sg.cos(3 * x[:, 1])  # noqa: E731
    found = []
    for patience in (math.inf, 0):
        monkeypatch.setattr(bounder, "PATIENCE", patience)
        bounder._kept.clear()
        found.append(sg.certify(f, lambda x: 0.1 * x[:, 0], [(-1, 1)] * 2, budget=3000).bound)
        assert compilations() == len(found) - 1
    assert found[0] == pytest.approx(found[1], rel=1e-12)


@pytest.mark.parametrize("eps", [None, 1e-3])
def test_an_interrupt_keeps_what_was_proven(eps, monkeypatch):
    f, rounds = lambda x: sg.sin(20 * x[:, 0]) * sg.cos(20 * x[:, 1]), []

    def split(search, boxes):
        rounds.append(len(search.open))
        if len(rounds) == 5:
            raise KeyboardInterrupt  # in the midst of a round: the worst boxes are out of the list
        return halves(search, boxes)

    halves = Search._halves
    monkeypatch.setattr(Search, "_halves", split)
    found = sg.certify(f, lambda x: sg.sin(20 * x[:, 0]) * sg.cos(20 * x[:, 1] + 9e-4), [(-1, 1)] * 2, eps)
    assert found.interrupted
    assert "interrupted" in str(found)
    assert 5e-4 < found.value <= 9e-4 < found.bound
    area = np.prod(found.proof.leaves.high - found.proof.leaves.low, axis=1).sum()
    assert area == pytest.approx(4)
    assert found.status == ("proven" if eps is None else "unknown")


ONE = lambda x: x[:, 0]  # noqa: E731


@pytest.mark.parametrize(
    ("f", "net", "box", "eps", "error", "message"),
    [
        (ONE, ONE, (0, 1), -1, errors.ArgumentError, "an error to prove is a number of 0 or more, got -1"),
        (ONE, ONE, (1, 0), 1, errors.ArgumentError, "lower one first"),
        (ONE, ONE, (0, 1e101), 1, errors.ArgumentError, "lies within 1e\\+100"),
        (ONE, 3, (0, 1), 1, errors.ArgumentError, "the network is a function of tensors or a module, got int"),
        (lambda x: x.sum(), ONE, (0, 1), 1, errors.ShapeError, r"f takes points \(N, d\) .* it returned \(\)"),
        (lambda x: 1.0, ONE, (0, 1), 1, errors.ArgumentError, "f must return a tensor"),
        (ONE, nn.Linear(1, 2), (0, 1), 1, errors.ShapeError, "f has 1 values at a point, the network 2"),
        (lambda x: np.sin(x.numpy())[:, 0], ONE, (0, 1), 1, errors.NotTraceableError, "value"),
        (lambda x: np.sin(x[:, 0]), ONE, (0, 1), 1, errors.NotTraceableError, "f is made of NumPy's functions"),
        ((np.ones((3, 1)), np.ones(3)), ONE, (0, 1), 1, errors.ArgumentError, "of samples nothing can be proven"),
        (ONE, nn.Linear(2, 1), (0, 1), 1, errors.ShapeError, "the network takes no points of 1 variables, as the box"),
        (lambda x: sg.argmax(x, 1).astype("float64"), ONE, (0, 1), 1, errors.ArgumentError, "no bounds for the op"),
    ],
)  # fmt: skip
def test_bad_input(f, net, box, eps, error, message):
    with pytest.raises(error, match=message):
        sg.certify(f, net, box, eps)


def test_a_budget_of_nothing():
    with pytest.raises(errors.ArgumentError, match="at least one box, got 0"):
        sg.certify(ONE, ONE, (0, 1), budget=0)
