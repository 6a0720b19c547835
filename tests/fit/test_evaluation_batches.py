"""Predictions and evaluations of any number of rows, in few programs."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.fit import engine, evaluation


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    """All that is evaluated is compiled, 64 rows at a time."""
    monkeypatch.setattr(engine, "WORTH_COMPILING", 0)
    monkeypatch.setattr(evaluation, "BATCH", 64)
    monkeypatch.setattr(evaluation.predict, "__defaults__", (64,))


def rows(n, width=6):
    return np.random.default_rng(n).standard_normal((n, width)).astype(np.float32)


def mlp():
    hidden = nn.Sequential(nn.Linear(6, 8, seed=0), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5))
    return nn.Sequential(hidden, nn.Linear(8, 3, seed=1))


def interpreted(f):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "WORTH_COMPILING", np.inf)
        return f()


@pytest.mark.parametrize("make", [mlp, lambda: sg.ensemble(mlp(), 2)], ids=["network", "ensemble"])
def test_three_programs_predict_any_number_of_rows(make, compilations):
    net = make()
    for n in (1, 2, 7, 8, 9, 33, 64, 65, 100, 127, 200):
        x = rows(n)
        found = sg.predict(net, x)
        np.testing.assert_allclose(found, interpreted(lambda x=x: sg.predict(net, x)), rtol=1e-4, atol=1e-6)
    assert compilations() == 3


def test_no_rows_give_no_predictions():
    assert sg.predict(mlp(), rows(0)).shape == (0, 3)


class Centred(nn.Module):
    """Each row depends on the batch that it is in."""

    def __init__(self):
        self.layer = nn.Linear(6, 3, seed=0)

    def forward(self, x):
        return self.layer(x - x.mean(0))


class Reversed(Centred):
    def forward(self, x):
        return self.layer(sg.flip(x, 0))


class Running(Centred):
    def forward(self, x):
        return self.layer(sg.cumsum(x, 0))


@pytest.mark.parametrize("make", [Centred, Reversed, Running])
def test_rows_that_depend_on_each_other_see_the_same_batches_as_ever(make, compilations):
    net, x = make(), rows(87)
    found = sg.predict(net, x)
    assert compilations() <= 2
    expected = np.concatenate([net(x[:64]).numpy(), net(x[64:]).numpy()])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_loss_of_any_number_of_rows_takes_three_programs(weighted, compilations):
    net = mlp()
    for n in (1, 7, 33, 65, 100, 127):
        x, y = rows(n), np.arange(n) % 3
        options = {"sample_weight": np.linspace(0.1, 1, n)} if weighted else {"metrics": ["accuracy"]}
        found = sg.evaluate(net, x, y, loss="cross_entropy", **options)
        expected = interpreted(lambda: sg.evaluate(net, x, y, loss="cross_entropy", **options))  # noqa: B023
        assert found == pytest.approx(expected, rel=1e-5)
    assert compilations() <= 3


@pytest.mark.parametrize("worth", [0, np.inf], ids=["compiled", "interpreted"])
def test_a_length_that_was_predicted_before_is_not_traced_again(worth, monkeypatch):
    monkeypatch.setattr(engine, "WORTH_COMPILING", worth)
    traced = []
    trace = evaluation.trace_evaluation
    monkeypatch.setattr(evaluation, "trace_evaluation", lambda *given: traced.append(given) or trace(*given))
    net, x = mlp(), rows(87)
    first = sg.predict(net, x)
    known = len(traced)
    np.testing.assert_array_equal(sg.predict(net, x), first)
    assert len(traced) == known
    layer = net[1]
    layer.weight.assign(2 * layer.weight)
    np.testing.assert_allclose(sg.predict(net, x), net.eval()(x).numpy(), rtol=1e-4, atol=1e-6)
    assert len(traced) == known
