"""Losses of certified training: closed forms in NumPy, finite differences, schedules, and what comes of them."""

import sys

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, ShapeError
from subgrad.robust import CrownIBPLoss, IBPLoss, crown_ibp_bounds, evaluate

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(size=(6, 4)), RNG.integers(0, 3, 6)


def network():
    with sg.using_dtype("float64"):
        return sg.models.mlp(4, 5, 3, seed=0)


def cross_entropy(scores, y):
    return np.mean(np.logaddexp.reduce(scores, 1) - scores[np.arange(len(y)), y])


def margins_by_intervals(net, x, y, radius, low=-np.inf, high=np.inf):
    """f_y - f_j at least, (N, C): the last layer is one with the difference (Gowal et al. 2018)."""
    (W, b), (V, c) = [(net[k].weight.numpy(), net[k].bias.numpy()) for k in ("hidden1", "out")]
    low, high = np.maximum(x - radius, low), np.minimum(x + radius, high)
    up, down = np.maximum(W, 0), np.minimum(W, 0)
    low, high = (np.maximum(e, 0) for e in (low @ up.T + high @ down.T + b, high @ up.T + low @ down.T + b))
    rows = V[y][:, None] - V[None]
    ends = np.einsum("njk,nk->nj", np.maximum(rows, 0), low) + np.einsum("njk,nk->nj", np.minimum(rows, 0), high)
    return ends + c[y][:, None] - c


def differences(scores, y):
    return scores[:, y : y + 1] - scores


def value(loss, net, step=None, x=X):
    inputs = sg.tensor(x, "float64")
    return float(loss(net(inputs), Y, inputs=inputs, step=None if step is None else sg.tensor(step)))


def test_the_loss_is_that_of_gowal_et_al():
    net, radius = network(), 0.1
    plain = cross_entropy(net(X).numpy(), Y)
    worst = cross_entropy(-margins_by_intervals(net, X, Y, radius, 0, 1), Y)
    for kappa in (0.0, 0.25, 1.0):
        assert value(IBPLoss(radius, kappa, low=0, high=1), net) == pytest.approx(kappa * plain + (1 - kappa) * worst)


def test_the_margins_of_crown_ibp_are_the_bounds_of_differences():
    net, radius = network(), 0.1
    worst = []
    for x, y in zip(X, Y, strict=True):
        box = (sg.tensor(x[None] + e, "float64") for e in (-radius, radius))
        low, _ = crown_ibp_bounds(lambda x, y=y: differences(net(x), y), *box)
        worst.append(-low.numpy()[0])
    by_lines = cross_entropy(np.array(worst), Y)
    assert value(CrownIBPLoss(radius, kappa=0, beta=1), net) == pytest.approx(by_lines)
    mixed = -0.5 * margins_by_intervals(net, X, Y, radius) + 0.5 * np.array(worst)
    assert value(CrownIBPLoss(radius, kappa=0, beta=0.5), net) == pytest.approx(cross_entropy(mixed, Y))


def test_epsilon_rises_and_kappa_falls_along_lines_behind_the_warm_up():
    net = network()
    plain = value(IBPLoss(0.0, kappa=1), net)
    loss = IBPLoss(0.2, kappa=0.5, warmup=3, ramp=4)
    assert value(loss, net, step=0) == value(loss, net, step=2) == pytest.approx(plain)
    for step, done in ((3, 0.25), (4, 0.5), (6, 1.0), (100, 1.0)):
        now = IBPLoss(0.2 * done, kappa=1 - 0.5 * done)
        assert value(loss, net, step=step) == pytest.approx(value(now, net))
    assert value(loss, net) == pytest.approx(value(IBPLoss(0.2), net))  # in evaluation
    crown, half = CrownIBPLoss(0.2, ramp=2), CrownIBPLoss(0.1, kappa=0.75, beta=0.5)
    assert value(crown, net, step=0) == pytest.approx(value(half, net))
    assert value(crown, net, step=1) == pytest.approx(value(IBPLoss(0.2), net))


@pytest.mark.parametrize("loss", [IBPLoss(0.15), CrownIBPLoss(0.15, beta=1)], ids=["ibp", "crown-ibp"])
def test_slopes_are_those_of_finite_differences(loss):
    net, inputs = network(), sg.tensor(X, "float64")
    slopes = sg.grad(loss(net(inputs), Y, inputs=inputs), net)
    for name, p in net.named_parameters():
        start, step = p.numpy().copy(), np.zeros(p.shape)
        step.flat[:: max(1, p.size // 5)] = 1e-6
        ends = []
        for sign in (1, -1):
            p.assign(start + sign * step)
            ends.append(value(loss, net))
        p.assign(start)
        assert (ends[0] - ends[1]) / 2 == pytest.approx(float((slopes[name].numpy() * step).sum()), rel=1e-4, abs=1e-11)


def test_fit_compiles_the_loss_and_interprets_to_the_same(compilations, monkeypatch):
    def run():
        net = nn.Sequential(
            nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 2, 2, seed=0), nn.ReLU(), nn.Flatten(), nn.Linear(2, 3, seed=1)
        )
        loss = CrownIBPLoss(0.1, warmup=1, ramp=5, low=0, high=1)
        return sg.fit(net, X, Y, loss=loss, epochs=4, batch_size=4, validation=(X, Y), verbose=False)

    native = run()
    assert compilations() >= 1
    monkeypatch.setattr(sys.modules["subgrad.fit.engine"], "can_compile", lambda: False)
    interpreted = run()
    np.testing.assert_allclose(native["loss"], interpreted["loss"], rtol=1e-4)
    np.testing.assert_allclose(native["validation_loss"], interpreted["validation_loss"], rtol=1e-4)


def test_members_of_an_ensemble_have_bounds_of_their_own():
    nets, loss = sg.ensemble(sg.models.mlp(4, 3, 3), 2), IBPLoss(0.1)
    alone = [sg.evaluate(net, X, Y, loss=loss)["loss"] for net in nets]
    history = sg.fit(nets, X, Y, loss=loss, epochs=1, batch_size=6, verbose=False)
    assert history["loss"][0] == pytest.approx(np.mean(alone), rel=1e-5)


def test_certified_training_proves_more():
    x, y = sg.data.load_digits()
    x, y = x[:600] / 16, y[:600]
    proven = []
    for loss in ("cross_entropy", IBPLoss(0.1, warmup=40, ramp=100, low=0, high=1)):
        net = sg.models.mlp(64, 16, 10, seed=0)
        sg.fit(net, x, y, loss=loss, optimizer=sg.Adam(0.005), epochs=30, batch_size=60, verbose=False)
        proven.append(evaluate(net, x[:100], y[:100], 0.1, low=0, high=1, steps=5, restarts=1)["verified_accuracy"])
    assert proven[0] + 0.2 < proven[1]


def test_settings_and_outputs_that_are_none_are_refused():
    for bad in ({"epsilon": -1}, {"kappa": 2}, {"warmup": -1}, {"ramp": 0.5}):
        with pytest.raises(ArgumentError, match="of IBPLoss needs to be"):
            IBPLoss(**{"epsilon": 0.1, **bad})
    with pytest.raises(ArgumentError, match="low of CrownIBPLoss lies below high"):
        CrownIBPLoss(0.1, low=1, high=0)
    with pytest.raises(ShapeError, match="of two classes or more"):
        sg.fit(nn.Linear(4, 1), X, Y, loss=IBPLoss(0.1), epochs=1)
    with pytest.raises(ArgumentError, match="models of one input, got tuple"):
        sg.fit(nn.Bilinear(4, 4, 3), (X, X), Y, loss=IBPLoss(0.1), epochs=1)
    net = nn.Sequential(nn.Linear(4, 3), nn.Lambda(lambda x: sg.where(x > 0, x, 0.0)))
    with pytest.raises(ArgumentError, match="no interval bounds for the op less"):
        sg.fit(net, X, Y, loss=IBPLoss(0.1), epochs=1)
