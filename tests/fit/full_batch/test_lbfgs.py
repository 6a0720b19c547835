"""L-BFGS on all samples, against closed forms and SciPy, and what it promises of weights and parts."""

import numpy as np
import pytest
from scipy import optimize

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, NonFiniteError
from subgrad.fit import kept
from subgrad.fit.full_batch import loss_of_all, quasi_newton

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = np.sin(X[:, 0]) + 0.1 * RNG.normal(size=60)
CLASSES = (X[:, 0] + 0.5 * RNG.normal(size=60) > 0).astype(int)
SIZES = RNG.integers(0, 4, 60)


def mlp(outputs=1, seed=0):
    with sg.using_dtype("float64"):
        return sg.models.mlp(3, 6, outputs, activation="tanh", seed=seed)


def run(net, X=X, Y=Y, loss="squared", epochs=60, **options):
    return sg.fit(net, X, Y, loss=loss, epochs=epochs, **{"optimizer": sg.LBFGS(1e-2), **options})


def test_ridge_regression_has_its_closed_form():
    with sg.using_dtype("float64"):
        net = nn.Linear(3, 1, seed=0)
    history = run(net, optimizer=sg.LBFGS(weight_decay=0.1, tol=1e-10))
    A = np.hstack([X, np.ones((60, 1))])
    best = np.linalg.solve(2 * A.T @ A / 60 + 0.1 * np.eye(4), 2 * A.T @ Y / 60)
    assert history.stopped == "converged"
    np.testing.assert_allclose([*net.weight.numpy()[0], *net.bias.numpy()], best, rtol=1e-8)
    assert history["loss"][-1] == pytest.approx(np.mean((A @ best - Y) ** 2), rel=1e-10)


def test_logistic_regression_is_scipys():
    with sg.using_dtype("float64"):
        net = nn.Linear(3, 2, seed=0)
    run(net, Y=CLASSES, loss="cross_entropy", optimizer=sg.LBFGS(0.1, tol=1e-9), epochs=200)

    def f(u):
        scores = X @ u[:6].reshape(2, 3).T + u[6:]
        return np.mean(np.logaddexp.reduce(scores, 1) - scores[np.arange(60), CLASSES]) + 0.05 * u @ u

    best = optimize.minimize(f, np.zeros(8), tol=1e-12).x
    np.testing.assert_allclose([*net.weight.numpy().ravel(), *net.bias.numpy()], best, atol=1e-5)


@pytest.mark.parametrize(("loss", "y", "outputs"), [("squared", Y, 1), ("cross_entropy", CLASSES, 2)])
def test_a_weight_is_a_repeated_row_and_order_does_not_matter(loss, y, outputs):
    weighted, repeated, order = mlp(outputs), mlp(outputs), RNG.permutation(60)
    run(weighted, X[order], y[order], loss, sample_weight=SIZES[order])
    run(repeated, np.repeat(X, SIZES, axis=0), np.repeat(y, SIZES), loss)
    np.testing.assert_allclose(sg.predict(weighted, X), sg.predict(repeated, X), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("weight", [None, SIZES])
def test_the_loss_of_all_is_put_together_of_parts(weight, monkeypatch):
    whole, parts = mlp(), mlp()
    expected = run(whole, sample_weight=weight)["loss"]
    monkeypatch.setattr(quasi_newton, "PART", 16)
    np.testing.assert_allclose(run(parts, sample_weight=weight)["loss"], expected, rtol=1e-7)


def test_native_and_interpreted_agree(monkeypatch):
    interpreted, native = mlp(), mlp()
    expected = run(interpreted, epochs=20)["loss"]
    monkeypatch.setattr(loss_of_all, "is_worth_compiling", lambda products: True)
    kept.MADE.clear()
    np.testing.assert_allclose(run(native, epochs=20)["loss"], expected, rtol=1e-6)


def test_a_loss_of_ones_own_is_looked_at_whole(monkeypatch):
    monkeypatch.setattr(quasi_newton, "PART", 16)
    net, other = mlp(), mlp()
    found = run(net, loss=lambda f, y: ((f - y) ** 2).sum() / 60)["loss"]
    np.testing.assert_allclose(found, run(other)["loss"], rtol=1e-7)


def test_what_a_run_has_besides(monkeypatch):
    seen = []
    history = run(
        mlp(), validation=(X[:9], Y[:9]), metrics=["mae"], early_stopping=5, callbacks=lambda h: seen.append(len(h))
    )
    assert seen == [*range(1, len(history) + 1)]
    assert {"loss", "mae", "validation_loss", "validation_mae", "seconds"} == set(history.names)
    assert history.stopped in ("early stopping", "converged")
    stopped = run(mlp(), callbacks=lambda h: len(h) == 3)
    assert (len(stopped), stopped.stopped) == (3, "callback")


def test_frozen_parameters_stay():
    net = mlp()
    frozen = net.hidden1.weight
    frozen.requires_grad = False
    before = frozen.numpy().copy()
    history = run(net)
    np.testing.assert_array_equal(frozen.numpy(), before)
    assert history["loss"][-1] < history["loss"][0]


def test_a_second_run_goes_on_where_the_first_ended():
    net = mlp()
    first, second = run(net, epochs=10), run(net, epochs=10, optimizer="lbfgs")
    assert second["loss"][-1] < second["loss"][0] <= first["loss"][-1] + 1e-3


@pytest.mark.parametrize(
    ("net", "options", "message"),
    [
        (lambda: nn.Sequential(nn.Linear(3, 1, seed=0), nn.Dropout(0.5)), {}, "draws random numbers"),
        (lambda: nn.Sequential(nn.Linear(3, 4, seed=0), nn.BatchNorm1d(4), nn.Linear(4, 1, seed=0)), {},
         "changes itself"),
        (lambda: sg.ensemble(mlp(), 2), {}, "takes no ensemble"),
        (mlp, {"checkpoint": "x.safetensors"}, "no checkpoint"),
    ],
)  # fmt: skip
def test_what_is_refused(net, options, message):
    with pytest.raises(ArgumentError, match=message):
        run(net(), **options)


def test_settings_and_numbers_that_are_none():
    with pytest.raises(ArgumentError, match="tol of LBFGS"):
        sg.LBFGS(tol=-1)
    with pytest.raises(NonFiniteError, match="before the first step"):
        run(mlp(), loss=lambda f, y: nn.squared_loss(f, y) * 1e308 * 1e10)
