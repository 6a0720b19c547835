"""What losses ask for by name: the inputs of the batch, and the number of the step."""

import functools

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError

X = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
Y = X.sum(1)


def of_inputs(output, y, *, inputs):
    return (inputs * inputs).mean() + 0 * output.sum()


def of_step(output, y, step=None):
    return 0 * output.sum() + (-1.0 if step is None else step.astype("float32"))


def run(loss, net=None, **options):
    net = net or nn.Linear(3, 1, seed=0)
    return sg.fit(net, X, Y, loss=loss, epochs=2, batch_size=3, shuffle=False, verbose=False, **options)


def test_a_loss_that_names_inputs_gets_those_of_the_batch():
    history = run(of_inputs, validation=(X[:2], Y[:2]))
    np.testing.assert_allclose(history["loss"], np.mean(X**2), rtol=1e-5)
    np.testing.assert_allclose(history["validation_loss"], np.mean(X[:2] ** 2), rtol=1e-5)
    assert sg.evaluate(nn.Linear(3, 1), X, Y, loss=of_inputs)["loss"] == pytest.approx(np.mean(X**2), rel=1e-5)


def test_a_loss_that_names_the_step_gets_its_number_and_none_in_evaluation():
    history = run(of_step, validation=(X, Y))
    np.testing.assert_allclose(history["loss"], [np.average(steps, weights=[3, 4]) for steps in ([0, 1], [2, 3])])
    assert history["validation_loss"] == [-1, -1]
    trainer = sg.Trainer(nn.Linear(3, 1), loss=of_step)
    assert [trainer.partial_fit(X, Y) for _ in range(3)] == [0, 1, 2]


def test_members_of_an_ensemble_share_the_number_of_the_step():
    history = run(of_step, sg.ensemble(nn.Linear(3, 1), 2))
    assert history["loss"][0] == pytest.approx(np.average([0, 1], weights=[3, 4]))


def test_losses_of_several_outputs_ask_each_for_itself():
    class Two(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(3, 2, seed=0)

        def forward(self, x):
            y = self.layer(x)
            return {"a": y[:, 0], "b": y[:, 1]}

    history = sg.fit(Two(), X, {"a": Y, "b": Y}, loss={"a": of_inputs, "b": "squared"}, epochs=1, verbose=False)
    assert history["a_loss"][0] == pytest.approx(np.mean(X**2), rel=1e-5)


def test_names_of_the_first_two_arguments_and_bound_ones_ask_for_nothing():
    assert run(lambda inputs, step: ((inputs - step) ** 2).mean())["loss"][0] > 0
    assert run(functools.partial(of_step, step=sg.tensor(5)))["loss"] == [5, 5]


def test_weights_go_to_a_loss_that_asks_for_more():
    def weighted(output, y, *, inputs, sample_weight=None):
        return nn.squared_loss(output, y, sample_weight=sample_weight) + 0 * inputs.sum()

    history = run(weighted, sample_weight=np.ones(7))
    assert history["loss"] == pytest.approx(run("squared")["loss"])


def test_a_function_of_the_step_is_none_of_the_parameters_alone():
    with pytest.raises(ArgumentError, match="this loss changes with the number of the step"):
        run(of_step, optimizer=sg.LBFGS())
