"""Levenberg and Marquardt's method against closed forms and SciPy's."""

import numpy as np
import pytest
from scipy import optimize

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
Y = np.exp(-X[:, 0]) + 0.3 * X[:, 1] + 0.05 * RNG.normal(size=40)


def run(net, X=X, Y=Y, epochs=50, **options):
    return sg.fit(net, X, Y, loss="squared", epochs=epochs, **{"optimizer": sg.LevenbergMarquardt(), **options})


class Curve(nn.Module):
    """a exp(b x) + c z."""

    def __init__(self):
        self.a, self.b, self.c = (sg.Parameter(v, dtype="float64") for v in (0.5, -0.2, 0.0))

    def forward(self, x):
        return self.a * sg.exp(self.b * x[:, 0]) + self.c * x[:, 1]


def residuals(u, weight=1.0):
    return np.sqrt(weight) * (u[0] * np.exp(u[1] * X[:, 0]) + u[2] * X[:, 1] - Y)


@pytest.mark.parametrize("weight", [None, RNG.random(40)])
def test_a_curve_is_that_of_scipy(weight):
    net = Curve()
    history = run(net, sample_weight=weight)
    best = optimize.least_squares(residuals, [0.5, -0.2, 0.0], args=(1.0 if weight is None else weight,), xtol=1e-14).x
    np.testing.assert_allclose([float(p) for p in net.parameters()], best, rtol=1e-7)
    assert history.stopped == "converged"
    assert len(history) < 20


def test_a_linear_model_takes_two_steps():
    with sg.using_dtype("float64"):
        net = nn.Linear(2, 1, seed=0)
    run(net, epochs=3, optimizer=sg.LevenbergMarquardt(damping=1e-12))
    best = np.linalg.lstsq(np.hstack([X, np.ones((40, 1))]), Y, rcond=None)[0]
    np.testing.assert_allclose([*net.weight.numpy()[0], *net.bias.numpy()], best, rtol=1e-8)


def test_several_outputs_and_a_frozen_part_in_fewer_steps_than_lbfgs():
    def net():
        with sg.using_dtype("float64"):
            made = sg.models.mlp(2, 5, 2, activation="tanh", seed=1)
        sg.freeze(made, "out.bias")
        return made

    two = np.stack([Y, np.sin(2 * X[:, 0])], 1)
    mine, other = net(), net()
    history = run(mine, Y=two, epochs=40)
    slower = run(other, Y=two, epochs=40, optimizer="lbfgs")
    assert history["loss"] == sorted(history["loss"], reverse=True)
    assert history["loss"][-1] < slower["loss"][-1]
    assert (mine.out.bias.numpy() == net().out.bias.numpy()).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "absolute"}, 'levenberg_marquardt is for least squares: it takes loss="squared"'),
        ({"net": nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 1))}, "this model draws random numbers"),
        ({"checkpoint": "run"}, "takes no checkpoint"),
    ],
)
def test_what_it_does_not_take(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = options.pop("net", None) or Curve()
    options = {"loss": "squared", "optimizer": "levenberg_marquardt", **options}
    with pytest.raises(ArgumentError, match=message):
        sg.fit(net, X, Y, epochs=1, **options)
    with pytest.raises(ArgumentError, match="damping"):
        sg.LevenbergMarquardt(damping=0.0)
