"""XOR: what a linear classifier cannot do, and a hidden layer can."""

from __future__ import annotations

import math

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn

X = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
Y = np.array([-1.0, 1, 1, -1])


def test_a_linear_classifier_has_its_optimum_at_zero():
    net = nn.Linear(2, 1, init="zeros")
    net.bias.assign([0.0])
    loss = nn.binomial_loss(net(X)[:, 0], Y)
    assert loss.item() == pytest.approx(math.log(2), rel=1e-7)
    for slope in sg.grad(loss, net.parameters()):
        assert not slope.numpy().any()  # exactly zero, and the loss is convex
    for seed in range(5):
        other = nn.Linear(2, 1, seed=seed)
        assert nn.binomial_loss(other(X)[:, 0], Y).item() > math.log(2)


def test_a_hidden_layer_separates_it():
    net = nn.Sequential(nn.Linear(2, 8, seed=0), nn.ReLU(), nn.Linear(8, 1, seed=1))
    for _ in range(200):
        slopes = sg.grad(nn.binomial_loss(net(X)[:, 0], Y), net)
        for name, p in net.named_parameters():
            p.assign(p - 0.3 * slopes[name])
    scores = net(X)[:, 0].numpy()
    assert (np.sign(scores) == Y).all()
    assert nn.binomial_loss(net(X)[:, 0], Y).mean().item() < 0.01
