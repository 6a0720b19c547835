"""Dead units and units near their kink, over a training run."""

import importlib

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError


def test_a_training_run_is_watched():
    """Each step takes 1 from the bias of every unit that is alive."""
    net = nn.Sequential(nn.Linear(1, 4), nn.ReLU())
    net[0].weight.assign(np.zeros((4, 1)))
    net[0].bias.assign([0.5, 1.5, 2.5, 9.0])
    X, watch = np.zeros((8, 1)), sg.WatchUnits(net, np.zeros((3, 1)), tau=0.6)
    history = sg.fit(
        net, X, np.zeros(8), loss=lambda f, y: f.sum() / 8, optimizer=sg.SGD(1.0), epochs=3, callbacks=[watch]
    )
    assert history["dead 1"] == [0.25, 0.5, 0.75]
    assert history["near 1"] == [0.5, 0.75, 0.75]
    assert len(history["loss"]) == 3


def test_several_activations_of_one_layer_and_fewer_looks():
    class Two(nn.Module):
        def forward(self, x):
            return abs(sg.relu(x))

    net = nn.Sequential(nn.Linear(2, 3, seed=0), Two())
    history = sg.fit(
        net, np.ones((4, 2)), np.ones((4, 3)), loss="squared", epochs=4,
        callbacks=[sg.WatchUnits(net, np.ones((4, 2)), every=2)],
    )  # fmt: skip
    assert {"dead 1 (1)", "near 1 (1)", "dead 1 (2)", "near 1 (2)"} <= history.epochs[0].keys()
    assert history.epochs[2]["near 1 (2)"] == history.epochs[3]["near 1 (2)"]
    for wrong in ({"tau": -1.0}, {"every": 0}):
        with pytest.raises(ArgumentError, match="at least 1"):
            sg.WatchUnits(net, np.ones((4, 2)), **wrong)


def test_the_former_name_in_kinks_works_and_warns():
    kinks = importlib.import_module("subgrad.kinks")
    with pytest.warns(DeprecationWarning, match="sg.WatchUnits"):
        assert kinks.WatchUnits is sg.WatchUnits
    with pytest.raises(AttributeError, match="no attribute 'WatchUnit'"):
        kinks.WatchUnit  # noqa: B018
