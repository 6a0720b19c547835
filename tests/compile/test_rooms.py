"""`Module.predict` with any number of rows, in few programs."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile import function


def rows(n):
    return np.random.default_rng(n).standard_normal((n, 6)).astype(np.float32)


class Centred(nn.Module):
    """Each row depends on the others."""

    def __init__(self):
        self.layer = nn.Linear(6, 3, seed=0)

    def forward(self, x):
        y = self.layer(x - x.mean(0))
        return {"scores": y, "largest": y.max(1), "total": sg.sum(y)}


class Reversed(nn.Module):
    def forward(self, x):
        return sg.flip(x, 0)


def mlp():
    hidden = nn.Sequential(nn.Linear(6, 8, seed=0), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5))
    return nn.Sequential(hidden, nn.Linear(8, 3, seed=1))


@pytest.fixture
def variants(monkeypatch):
    """The programs made so far, but for those of what depends on parameters alone."""
    made, variant = [], function.Variant
    monkeypatch.setattr(function, "Variant", lambda *given: made.append(variant(*given)) or made[-1])
    return made


@pytest.mark.parametrize(("make", "programs"), [(mlp, 3), (Centred, 4), (Reversed, 5)])
def test_calls_with_fewer_rows_run_in_the_program_of_one_with_more(make, programs, variants):
    """What depends on the order of rows has a program for each length, and gives the same."""
    net = make().eval()
    for n in (16, 9, 40, 3, 50, 16):
        expected = net(rows(n))
        found = net.predict(rows(n))
        if not isinstance(expected, dict):
            expected, found = {"": expected}, {"": found}
        assert expected.keys() == found.keys()
        for name, value in expected.items():
            assert found[name].shape == value.shape
            np.testing.assert_allclose(found[name], value.numpy(), rtol=1e-5, atol=1e-6)
    assert len(variants) == programs


def test_a_row_after_many_has_a_program_of_its_own(variants):
    """It would be a hundred times the work in the other one."""
    net = mlp().eval()
    for n in (100, 1, 1):
        np.testing.assert_allclose(net.predict(rows(n)), net(rows(n)).numpy(), rtol=1e-5, atol=1e-6)
    assert len(variants) == 2


def test_new_parameters_count_in_calls_with_fewer_rows():
    net = mlp().eval()
    net.predict(rows(16))
    net.predict(rows(5))
    layer = net[1]
    layer.weight.assign(2 * layer.weight)
    np.testing.assert_allclose(net.predict(rows(5)), net(rows(5)).numpy(), rtol=1e-5, atol=1e-6)
