"""Any integer is a seed, and no two of them are the same; what is no integer is named."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import entropy, metrics, nn
from subgrad.data import make_moons, train_test_split
from subgrad.errors import ArgumentError

X = np.arange(60.0).reshape(20, 3) / 10
Y = np.arange(20) % 2


def weights(seed):
    sg.manual_seed(seed)
    return nn.Linear(3, 2).weight.numpy()


def trained(seed):
    model = nn.Linear(3, 2, seed=0)
    sg.fit(model, X, Y, loss="cross_entropy", epochs=1, batch_size=3, seed=seed, verbose=False)
    return model.weight.numpy()


def interval(seed):
    return np.array(metrics.bootstrap("accuracy", Y, np.arange(20) % 3 > 0, samples=7, seed=seed)[1:])


DRAWS = {
    "the default stream": weights,
    "a layer": lambda seed: nn.Linear(3, 2, seed=seed).weight.numpy(),
    "batches": trained,
    "a split": lambda seed: train_test_split(100, seed=seed)[1],
    "an interval": interval,
    "points that are made up": lambda seed: make_moons(noise=0.1, seed=seed)[0],
    "generators": lambda seed: np.r_[entropy.philox(seed).random(), entropy.pcg64(seed).random()],
}


@pytest.mark.parametrize("name", DRAWS)
def test_seeds_below_zero_are_seeds_of_their_own(name):
    draw = DRAWS[name]
    found = [np.asarray(draw(seed)) for seed in (-2, -1, 0, 1, 2, 2**40, -(2**40))]
    assert len({f.tobytes() for f in found}) == 7
    np.testing.assert_array_equal(draw(-1), found[1])


def test_seeds_of_zero_and_above_start_the_generators_of_numpy():
    for seed in (0, 7, 2**40):
        assert entropy.pcg64(seed).random() == np.random.default_rng(seed).random()
        assert entropy.philox(seed).random() == np.random.Generator(np.random.Philox(seed)).random()


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("seed", ["1", 1.0, [1]])
def test_what_is_no_seed(name, seed):
    with pytest.raises(ArgumentError, match="seed .*integer"):
        DRAWS[name](seed)
