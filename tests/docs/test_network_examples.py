"""The programs in examples/ that train networks in the ways people bring along."""

import numpy as np
import pytest
from test_examples import example


def test_gan(monkeypatch):
    program = example("gan")
    monkeypatch.setattr(program, "STEPS", 1000)
    distance = np.linalg.norm(program.main() - [1, 0], axis=1)
    assert 1.8 < distance.mean() < 2.2
    assert distance.std() < 0.3


def test_reinforcement():
    arrived, values = example("reinforcement").main()
    assert arrived > 0.9
    assert values[1:-1, 1] == pytest.approx([0.9**4, 0.9**3, 0.9**2, 0.9, 1.0], abs=0.1)


def test_tied_autoencoder():
    found, least = example("tied_autoencoder").main()
    assert least <= found < 1.05 * least


def test_mixture_density():
    mixture, normal, answers = example("mixture_density").main()
    assert mixture < normal - 0.7
    shares = np.histogram(answers, [-0.5, 0.35, 0.65, 1.5])[0] / len(answers)
    assert shares.min() > 0.1


def test_siamese():
    contrastive, triplets = example("siamese").main()
    assert contrastive > 0.85
    assert triplets > 0.8


def test_two_inputs():
    found = example("two_inputs").main()
    assert found["digit_accuracy"] > 0.8
    assert found["price_mae"] < 0.4  # the deviation of prices is 1.2
