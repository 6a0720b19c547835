"""The ready networks: sizes that are published or counted by hand, gradients that arrive, learning, saving."""

from __future__ import annotations

import numpy as np
import pytest

import subgrad as sg
from subgrad import models, nn
from subgrad.errors import ArgumentError

IMAGES = {
    "mlp": (lambda: models.mlp(64, 16, 4, seed=0), (1, 8, 8)),
    "lenet": (lambda: models.lenet(4, size=12, seed=0), (1, 12, 12)),
    "resnet": (lambda: models.resnet(8, 4, 1, seed=0), (1, 8, 8)),
    "inception_small": (lambda: models.inception_small(4, 1, seed=0), (1, 8, 8)),
}


def count(net):
    return sum(p.size for p in net.parameters())


def test_numbers_of_parameters():
    assert count(models.mlp(784, 128, 10)) == 784 * 128 + 128 + 128 * 10 + 10
    assert count(models.lenet()) == 61_706  # 156 + 2,416 + 48,120 + 10,164 + 850
    assert count(models.resnet(32)) == 466_906
    one, two = (c * 16 + 16 + (c * 16 + 16 + 16 * 9 * 32 + 32) + (c * 8 + 8 + 8 * 25 * 16 + 16) + c * 16 + 16
                for c in (32, 80))  # fmt: skip
    assert count(models.inception_small()) == 3 * 9 * 32 + 32 + one + two + 80 * 10 + 10


def test_a_resnet_has_as_many_weight_layers_as_its_depth_says():
    for depth in (8, 20, 56):
        net = models.resnet(depth)
        kernels = [p for name, p in net.named_parameters() if p.ndim > 1 and "downsample" not in name]
        assert len(kernels) == depth


def test_stages_of_a_resnet_halve_the_image():
    net = models.resnet20()
    x, seen = sg.zeros((1, 3, 32, 32)), []
    for name in ("conv1", "bn1", "relu", "layer1", "layer2", "layer3"):
        x = net[name](x)
        seen.append(x.shape[1:])
    assert seen[3:] == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


@pytest.mark.parametrize("name", IMAGES)
def test_seeds_decide_the_initial_values(name):
    make = IMAGES[name][0]
    first, second = make().state_dict(), make().state_dict()
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key])
    weights = [value.ravel()[:4].tolist() for key, value in first.items() if key.endswith("weight") and value.ndim > 1]
    assert len({tuple(w) for w in weights}) == len(weights)  # no two layers start alike


@pytest.mark.parametrize("name", IMAGES)
def test_every_parameter_gets_a_gradient_and_the_network_learns(name):
    make, shape = IMAGES[name]
    rng = np.random.default_rng(0)
    y = np.arange(32) % 4
    x = rng.normal(size=(32, *shape)).astype("f4")
    x[np.arange(32), 0, y] += 2  # a bright row says the class
    net = make()
    slopes = sg.grad(nn.cross_entropy(net(x), y), net)
    assert all(np.abs(g.numpy()).max() > 0 for g in slopes.values())
    history = sg.fit(net, x, y, loss="cross_entropy", optimizer=sg.Adam(0.01), epochs=12, batch_size=16, verbose=False)
    assert history["loss"][-1] < 0.5 * history["loss"][0]


@pytest.mark.parametrize("name", IMAGES)
def test_networks_are_saved_and_loaded(name, tmp_path):
    make, shape = IMAGES[name]
    net, x = make(), np.random.default_rng(0).normal(size=(2, *shape)).astype("f4")
    net(x)  # running statistics, if there are any, move
    sg.save(net, tmp_path / "net.safetensors")
    again = sg.load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(again.eval()(x).numpy(), net.eval()(x).numpy())


def test_a_transformer_predicts_without_looking_ahead():
    net = models.transformer_small(tokens=6, length=9, features=8, heads=2, depth=2, seed=1)
    text = np.random.default_rng(0).integers(0, 6, (2, 9))
    whole = net(text).numpy()
    changed = text.copy()
    changed[:, 5:] = (changed[:, 5:] + 1) % 6
    np.testing.assert_allclose(net(changed).numpy()[:, :5], whole[:, :5], rtol=1e-5, atol=1e-6)
    assert (np.abs(net(changed).numpy()[:, 5:] - whole[:, 5:]) > 1e-4).any()
    np.testing.assert_allclose(net(text[:, :4]).numpy(), whole[:, :4], rtol=1e-5, atol=1e-6)


def test_a_transformer_learns_to_repeat():
    net = models.transformer_small(tokens=5, length=12, features=16, heads=2, depth=2, seed=0)
    start = np.random.default_rng(0).integers(0, 5, (64, 4))
    text = np.tile(start, (1, 3))
    x, y = text[:, :-1], text[:, 1:]

    def loss(scores, y):
        return nn.cross_entropy(scores[:, 4:].reshape(-1, 5), y[:, 4:].reshape(-1))

    history = sg.fit(net, x, y, loss=loss, optimizer=sg.Adam(0.01), epochs=60, batch_size=32, verbose=False)
    assert history["loss"][-1] < 0.2 < 1 < history["loss"][0]


@pytest.mark.parametrize("depth", [18, 2, 20.0, "20"])
def test_a_resnet_of_another_depth_is_refused(depth):
    with pytest.raises(ArgumentError, match=r"6n \+ 2 layers"):
        models.resnet(depth)
