"""Averages of weights, steps that look ahead, and groups of parameters, against the same by hand."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn, optim
from subgrad.errors import ArgumentError


def descend(method, steps, start=8.0):
    """Halving steps on x²/2: the weights after each, and the state."""
    x = sg.Parameter([start], "float64")
    state, seen = method.init([x]), []
    for _ in range(steps):
        state = optim.update([x], [x.node], method, state)
        seen.append(x.item())
    return seen, state


def test_an_exponential_average_is_that_of_the_weights():
    method = optim.EMA(optim.SGD(0.5), 0.75)
    seen, state = descend(method, 6)
    assert seen == descend(optim.SGD(0.5), 6)[0]
    average = 8.0
    for x in seen:
        average = 0.75 * average + 0.25 * x
    assert method.average(state)[0].item() == pytest.approx(average, rel=1e-14)


@pytest.mark.parametrize(("start", "every"), [(1, 1), (2, 3), (3, 2), (50, 1)])
def test_a_stochastic_average_is_the_mean_of_every_so_many(start, every):
    method = optim.SWA(optim.SGD(0.5), start, every)
    seen, state = descend(method, 12)
    counted = [x for k, x in enumerate(seen, 1) if k > start and (k - start) % every == 0] or [seen[-1]]
    assert method.average(state)[0].item() == pytest.approx(np.mean(counted), rel=1e-13)


def test_lookahead_goes_a_part_of_the_way():
    seen, state = descend(optim.Lookahead(optim.SGD(0.5), 3, 0.25), 6)
    slow = 8 + 0.25 * (1 - 8)
    assert seen[:3] == [4, 2, slow]
    assert seen[5] == pytest.approx(slow + 0.25 * (slow / 8 - slow), rel=1e-14)
    assert optim.Lookahead(optim.SGD(0.5)).average(state)[0].item() == seen[5]


def net():
    return nn.Sequential({"body": nn.Linear(2, 2, seed=0), "norm": nn.BatchNorm1d(2), "head": nn.Linear(2, 1, seed=1)})


def test_groups_step_as_their_optimisers_do():
    method = sg.groups({"body.weight": None, "body.*": sg.SGD(0.1), "*": sg.Adam(0.01)})
    ours, alone = net(), net()
    state, sgd, adam = method.init(ours), sg.SGD(0.1), sg.Adam(0.01)
    rest = [p for name, p in alone.named_parameters() if not name.startswith("body.")]
    states = sgd.init([alone.body.bias]), adam.init(rest)
    for k in range(3):
        grads = {name: sg.full(p.shape, 0.5 + k) for name, p in ours.named_parameters()}
        state = optim.update(ours, grads, method, state)
        states = (
            optim.update([alone.body.bias], [grads["body.bias"]], sgd, states[0]),
            optim.update(rest, [g for name, g in grads.items() if not name.startswith("body.")], adam, states[1]),
        )
    for name, p in ours.named_parameters():
        np.testing.assert_array_equal(p.numpy(), dict(alone.named_parameters())[name].numpy())


def test_fit_takes_groups_by_name_and_leaves_frozen_parameters():
    x = np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32)
    model = net()
    before = {name: p.numpy().copy() for name, p in model.named_parameters()}
    assert sg.freeze(model, "head.weight") == ["head.weight"]
    sg.fit(
        model, x, x[:, :1], loss="squared", optimizer=sg.groups({"body.*": None, "*": sg.SGD(0.1)}), epochs=1,
        batch_size=8, verbose=False,
    )  # fmt: skip
    moved = {name for name, p in model.named_state() if name in before and (p.numpy() != before[name]).any()}
    assert moved == {"norm.weight", "norm.bias", "head.bias"}
    assert "norm.running_mean" not in sg.unfreeze(model)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: sg.groups({"body.*": sg.SGD(1.0)}).init(net()), "'norm.weight' is in no group: none of body.* fits"),
        (lambda: sg.groups({"*": sg.SGD(1.0), "x": None}).init(net()), "the group 'x' has no parameters: the names"),
        (lambda: sg.groups({"*": 0.1}), "a group has a pattern and an optimiser or None, got '\\*': 0.1"),
        (lambda: sg.groups([]), "groups takes a dict of patterns and optimisers, got \\[\\]"),
        (lambda: sg.freeze(net(), "tail.*"), "no parameter fits 'tail.\\*': the names are body.weight, body.bias"),
        (lambda: optim.EMA(0.1), "optimizer of EMA needs to be an optimiser, got 0.1"),
        (lambda: optim.Lookahead(optim.SGD(1.0), 5, 1.5), "alpha of Lookahead needs to be a number above 0"),
        (lambda: optim.Rprop(etas=(2, 3)), "etas of Rprop needs one number below 1 and one above"),
        (lambda: optim.step.Cyclic(1, 1, 2), "Cyclic needs low below high, got 1 and 1"),
        (lambda: optim.step.Exponential(1, 1.5), "rate of Exponential needs to be a number between 0 and 1"),
        (lambda: optim.step.Lambda(3), "Lambda takes a function of k, got 3"),
    ],
)
def test_bad_settings(wrong, message):
    with pytest.raises(ArgumentError, match=message):
        wrong()


def test_a_function_as_a_step_rule():
    x = sg.Parameter([0.0], "float64")
    sgd = optim.SGD(optim.step.Lambda(lambda k: 1 / k))
    state = sgd.init([x])
    for _ in range(3):
        state = optim.update([x], [sg.tensor([1.0], "float64")], sgd, state)
    assert x.item() == pytest.approx(-(1 + 1 / 2 + 1 / 3), rel=1e-14)
