"""Programs as people bring them from other libraries learn what they are to learn, here in shorter runs."""

import numpy as np
import pytest
from test_examples import example

import subgrad as sg


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    """As users run them: other tests look for writes beyond memory, which takes three times as long."""
    monkeypatch.delenv("SUBGRAD_CHECK", raising=False)


def network(name: str, **shorter: int):
    program = example(f"networks/{name}")
    for constant, value in shorter.items():
        assert getattr(program, constant) > value
        setattr(program, constant, value)
    return program


def test_a_convolutional_network(capsys):
    assert network("convnet", EPOCHS=1).main() > 0.6
    assert capsys.readouterr().out.count("validation") == 1


def test_sentences_of_several_lengths():
    program = network("sentences", EPOCHS=4)
    assert program.main() > 0.9
    net, (tokens, lengths, _) = program.Reader(), program.sentences(8, seed=2)
    filled = np.where(np.arange(program.LONGEST) < lengths[:, None], tokens, 3)  # with other words behind the end
    assert np.array_equal(sg.predict(net, (tokens, lengths)), sg.predict(net, (filled, lengths)))


def test_a_variational_autoencoder():
    program = network("variational", EPOCHS=10)
    losses, drawn = program.main()
    assert losses[-1] < 27 < 35 < losses[0]
    digits = sg.data.load_digits()[0].reshape(-1, 8, 8) / 16
    nearest = [np.sqrt(np.mean((digits - image) ** 2, axis=(1, 2))).min() for image in drawn]
    assert np.mean(nearest) < 0.2  # as near to a digit as blurred ones are: noise is 0.4 away
    # The divergence from the normal distribution, by the mean of the logarithm of a ratio.
    rng = np.random.default_rng(0)
    mean, log_variance = np.array([[1.0, -0.5, 0.0, 2.0]]), np.array([[0.2, -1.0, 0.0, -2.0]])
    z = mean + np.exp(log_variance / 2) * rng.standard_normal((400_000, 4))
    ratio = -0.5 * (((z - mean) ** 2) / np.exp(log_variance) + log_variance) + 0.5 * z**2

    def given(x):
        return x, sg.tensor(mean), sg.tensor(log_variance)

    divergence = float(program.parts(given, sg.zeros((1, 4), "float64"))[1])
    np.testing.assert_allclose(divergence, ratio.sum(1).mean(), rtol=0.01)


def test_a_network_that_solves_an_equation():
    after_adam, after_lbfgs = network("physics", ADAM=200, LBFGS=60).main()
    assert after_lbfgs < 1e-3 < after_adam < 0.5


def test_a_neural_differential_equation():
    before, after = network("neural_ode", EPOCHS=40).main()
    assert after < 0.2 < 0.5 < before
    program = network("neural_ode")
    errors = [abs(program.runge_kutta(lambda y: -y, 1.0, h) - np.exp(-h)) for h in (0.2, 0.1)]
    assert errors[0] / errors[1] > 28  # of fifth order in a step


def test_a_transformer_that_writes(capsys):
    program = network("character_transformer", EPOCHS=15, DEPTH=1)
    loss, written = program.main()
    assert loss < 1.5  # ln 22 = 3.1 without learning
    assert len(written) == program.LENGTH + 60
    assert written[:20] == program.TEXT[:20]
    assert capsys.readouterr().out.count("temperature") == 2
