"""The modes of a model, and of its layers, before and after it is trained."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError


def samples(n):
    x = np.random.default_rng(0).standard_normal((n, 4)).astype(np.float32)
    return x, (x[:, 0] > 0) + (x[:, 1] > 0).astype(int)


def fit(net, data, **options):
    return sg.fit(net, *data, **{"loss": "cross_entropy", "epochs": 5, "batch_size": 32, "verbose": False, **options})


def normalised():
    return nn.Sequential(nn.Linear(4, 6, seed=0), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3, seed=1))


def test_a_model_in_evaluation_mode_is_trained_as_any_other():
    (x, y), nets = samples(64), [normalised() for _ in range(2)]
    for net, begin in zip(nets, (nn.Module.train, nn.Module.eval), strict=True):
        fit(begin(net), (x, y))
        trainer = sg.Trainer(begin(net), loss="cross_entropy")
        trainer.partial_fit(x, y)
        assert net.training
        with pytest.raises(ArgumentError, match="draws random numbers"):
            fit(begin(net), (x, y), optimizer="lbfgs", epochs=1)
    for name, value in nets[0].state_dict().items():
        np.testing.assert_array_equal(value, nets[1].state_dict()[name])


def test_a_layer_that_is_in_evaluation_mode_by_itself_stays_so():
    (x, y), net = samples(64), normalised()
    net[1].eval()
    for _ in range(2):
        fit(net, (x, y))
        sg.Trainer(net, loss="cross_entropy").partial_fit(x, y)
    assert (net.training, net[1].training, net[2].training) == (True, False, True)
    np.testing.assert_array_equal(net[1].running_mean, np.zeros(6))
    net.train()
    fit(net, (x, y))
    assert net[1].running_mean.numpy().all()
