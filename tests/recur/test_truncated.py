"""Truncated backpropagation through time: against backpropagation written by hand in NumPy, piece by piece."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn

RNG = np.random.default_rng(8)
PIECES, STEPS, EXAMPLES, INPUTS, UNITS = 4, 6, 3, 2, 5
XS = RNG.normal(size=(PIECES, EXAMPLES, STEPS, INPUTS))
YS = RNG.normal(size=(PIECES, EXAMPLES, STEPS, UNITS))
START = RNG.normal(size=(EXAMPLES, UNITS))
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


@pytest.fixture(autouse=True)
def doubles():
    with sg.using_dtype("float64"):
        yield


def network():
    return nn.RNN(INPUTS, UNITS, seed=0)


def one_piece(weights, state, xs, ys):
    """Loss, gradients and last state of h' = tanh(W x + b + U h + c), loss mean (h - y)^2; ``state`` is a number."""
    w, u, b, c = weights
    states = [state]
    for t in range(STEPS):
        states.append(np.tanh(xs[:, t] @ w.T + b + states[-1] @ u.T + c))
    errors = np.stack(states[1:], 1) - ys
    slopes, back = [np.zeros_like(v) for v in weights], np.zeros_like(state)
    for t in reversed(range(STEPS)):
        inner = (back + 2 * errors[:, t] / errors.size) * (1 - states[t + 1] ** 2)
        terms = inner.T @ xs[:, t], inner.T @ states[t], inner.sum(0), inner.sum(0)
        slopes = [slope + term for slope, term in zip(slopes, terms, strict=True)]
        back = inner @ u
    return (errors**2).mean(), slopes, states[-1]


def loss_of(rnn, state, x, y):
    outputs, state = rnn(x, state)
    return ((outputs - y) ** 2).mean(), state


def test_pieces_with_an_update_after_each_are_one_program_with_the_steps_of_numpy():
    rnn, sgd = network(), sg.SGD(0.3)
    weights = [rnn.state_dict()[name] for name in NAMES]

    @sg.compile
    def train(carry, x, y):
        state, memory = carry
        loss, state = loss_of(rnn, state, x, y)
        return (state, sg.update(rnn, sg.grad(loss, rnn), sgd, memory)), loss

    (last, _), losses = train.scan((START[None], sgd.init(rnn)), XS, YS)
    state, expected = START, []
    for x, y in zip(XS, YS, strict=True):
        loss, slopes, state = one_piece(weights, state, x, y)
        weights = [w - 0.3 * g for w, g in zip(weights, slopes, strict=True)]
        expected.append(loss)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    np.testing.assert_allclose(last[0], state, rtol=1e-12)
    for name, w in zip(NAMES, weights, strict=True):
        np.testing.assert_allclose(rnn.state_dict()[name], w, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_state_that_is_stopped_takes_no_gradient_to_the_piece_before(compiled):
    rnn = network()

    def slopes(cut):
        def run(xs, ys):
            state, total = sg.tensor(START[None]), 0.0
            for k in range(PIECES):
                loss, state = loss_of(rnn, sg.stop_gradient(state) if cut else state, xs[k], ys[k])
                total = total + loss
            return [sg.grad(total, rnn)[name] for name in NAMES]

        return [np.asarray(g) for g in (sg.compile(run) if compiled else run)(sg.tensor(XS), sg.tensor(YS))]

    weights, state, expected = [rnn.state_dict()[name] for name in NAMES], START, 0.0
    for x, y in zip(XS, YS, strict=True):
        _, found, state = one_piece(weights, state, x, y)
        expected = [e + g for e, g in zip(expected or [0.0] * 4, found, strict=True)]
    whole = slopes(cut=False)
    for g, e, w in zip(slopes(cut=True), expected, whole, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-11, atol=1e-13)
        assert np.abs(g - w).max() > 1e-4  # what the pieces before would have added
