"""RNN, LSTM and GRU: against the equations in NumPy, against PyTorch where it is installed, and with masks."""

import itertools

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.graph.tensor import placeholder
from subgrad.graph.tree import leaves

KINDS = ["RNN", "LSTM", "GRU"]
EXAMPLES, STEPS, INPUTS, WIDTH = 4, 7, 3, 5


@pytest.fixture(autouse=True)
def double():
    with sg.using_dtype("float64"):
        yield


def layer(kind, **options):
    return getattr(nn, kind)(INPUTS, WIDTH, seed=3, **options)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def first_state(kind, runs=1):
    h, c = numbers(runs, EXAMPLES, WIDTH, seed=1), numbers(runs, EXAMPLES, WIDTH, seed=2)
    return (h, c) if kind == "LSTM" else h


# The equations


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_the_equations(kind, p, x, state):
    """The outputs of one layer for one example, step by step."""
    h, c = state if kind == "LSTM" else (state, None)
    found = []
    for row in x:
        a, b = p["weight_ih_l0"] @ row + p["bias_ih_l0"], p["weight_hh_l0"] @ h + p["bias_hh_l0"]
        if kind == "RNN":
            h = np.tanh(a + b)
        elif kind == "LSTM":
            i, f, g, o = np.split(a + b, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (r, z, n), (r2, z2, n2) = np.split(a, 3), np.split(b, 3)
            z = sigmoid(z + z2)
            h = (1 - z) * np.tanh(n + sigmoid(r + r2) * n2) + z * h
        found.append(h)
    return np.stack(found)


@pytest.mark.parametrize("kind", KINDS)
def test_each_example_follows_the_equations(kind):
    net, x, state = layer(kind), numbers(EXAMPLES, STEPS, INPUTS), first_state(kind)
    outputs, last = net(x, state)
    for k in range(EXAMPLES):
        own = tuple(s[0, k] for s in state) if kind == "LSTM" else state[0, k]
        np.testing.assert_allclose(outputs.numpy()[k], by_the_equations(kind, net.state_dict(), x[k], own), rtol=1e-12)
    np.testing.assert_allclose(leaves(last)[0].numpy()[0], outputs.numpy()[:, -1])


# PyTorch

OPTIONS = [
    dict(zip(("num_layers", "bidirectional", "bias"), chosen, strict=True))
    for chosen in itertools.product((1, 2), (False, True), (True, False))
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_states_and_gradients_are_pytorchs(kind, options):
    torch = pytest.importorskip("torch")
    ours = layer(kind, **options)
    theirs = getattr(torch.nn, kind)(INPUTS, WIDTH, batch_first=True, **options).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict({name: torch.tensor(np.array(value)) for name, value in ours.state_dict().items()})
    state = first_state(kind, options["num_layers"] * (1 + options["bidirectional"]))
    given = [numbers(EXAMPLES, STEPS, INPUTS), *(state if kind == "LSTM" else [state])]

    inputs = [torch.tensor(a, requires_grad=True) for a in given]
    y, last = theirs(inputs[0], tuple(inputs[1:]) if kind == "LSTM" else inputs[1])
    results = [y, *(last if kind == "LSTM" else [last])]
    sum((r**3).sum() for r in results).backward()

    mine = [sg.tensor(a) for a in given]
    found = leaves(ours(mine[0], tuple(mine[1:]) if kind == "LSTM" else mine[1]))
    slopes = sg.grad(sum((r**3).sum() for r in found), {"inputs": mine, **dict(ours.named_parameters())})
    for got, expected in zip(found, results, strict=True):
        np.testing.assert_allclose(got.numpy(), expected.detach().numpy(), rtol=0, atol=1e-9)
    for got, expected in zip(slopes["inputs"], inputs, strict=True):
        np.testing.assert_allclose(got.numpy(), expected.grad.numpy(), rtol=0, atol=1e-9)
    for name, parameter in theirs.named_parameters():
        np.testing.assert_allclose(slopes[name].numpy(), parameter.grad.numpy(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences_of_pytorch_are_masks_here(kind):
    torch = pytest.importorskip("torch")
    lengths = [7, 2, 5, 1]
    ours = layer(kind, bidirectional=True)
    theirs = getattr(torch.nn, kind)(INPUTS, WIDTH, batch_first=True, bidirectional=True).double()
    theirs.load_state_dict({name: torch.tensor(np.array(value)) for name, value in ours.state_dict().items()})
    x = numbers(EXAMPLES, STEPS, INPUTS)
    packed = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x), lengths, batch_first=True, enforce_sorted=False)
    y, last = theirs(packed)
    y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
    found, state = ours(x, mask=np.arange(STEPS) < np.array(lengths)[:, None])
    np.testing.assert_allclose(found.numpy(), y.detach().numpy(), rtol=0, atol=1e-12)
    for a, b in zip(leaves(state), last if kind == "LSTM" else [last], strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=0, atol=1e-12)


# Masks, directions, forms


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_mask_hides_has_no_influence(kind):
    net = layer(kind, bidirectional=True, num_layers=2)
    x, mask = numbers(EXAMPLES, STEPS, INPUTS), np.arange(STEPS) < np.array([[7], [3], [1], [5]])
    other = np.where(mask[:, :, None], x, 1e3)
    for a, b in zip(leaves(net(x, mask=mask)), leaves(net(other, mask=mask)), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    short = net(x[1:2, :3])[0].numpy()
    np.testing.assert_allclose(net(x, mask=mask)[0].numpy()[1:2, :3], short, rtol=1e-12)
    assert not net(x, mask=mask)[0].numpy()[~mask].any()


@pytest.mark.parametrize("kind", KINDS)
def test_forms_of_the_result(kind):
    x = numbers(EXAMPLES, STEPS, INPUTS)
    both, _ = layer(kind, bidirectional=True)(x)
    last = layer(kind, bidirectional=True, returns="last")(x).numpy()
    np.testing.assert_array_equal(layer(kind, bidirectional=True, returns="sequence")(x).numpy(), both.numpy())
    np.testing.assert_array_equal(last[:, :WIDTH], both.numpy()[:, -1, :WIDTH])  # the end of the way forward
    np.testing.assert_array_equal(last[:, WIDTH:], both.numpy()[:, 0, WIDTH:])  # and of the way back
    steps_first, _ = layer(kind, bidirectional=True, batch_first=False)(x.transpose(1, 0, 2))
    np.testing.assert_array_equal(steps_first.numpy().transpose(1, 0, 2), both.numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_in_two_parts_is_the_whole(kind):
    net, x = layer(kind, num_layers=2), numbers(EXAMPLES, STEPS, INPUTS)
    whole, end = net(x)
    first, state = net(x[:, :3])
    second, after = net(x[:, 3:], state)
    np.testing.assert_allclose(sg.concatenate([first, second], 1).numpy(), whole.numpy(), rtol=1e-12)
    for a, b in zip(leaves(after), leaves(end), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


def test_dropout_stands_between_layers_in_training_mode():
    net, x = layer("GRU", num_layers=2, dropout=0.5), numbers(EXAMPLES, STEPS, INPUTS)
    assert not np.array_equal(net(x)[0].numpy(), net(x)[0].numpy())
    np.testing.assert_array_equal(net.eval()(x)[0].numpy(), layer("GRU", num_layers=2)(x)[0].numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_native_code_agrees(kind):
    program = pytest.importorskip("subgrad.compile.runtime.program")
    net = layer(kind, bidirectional=True)
    x = placeholder((EXAMPLES, STEPS, INPUTS), "float64")
    mask = placeholder((EXAMPLES, STEPS), "bool")
    loss = (net(x, mask=mask)[0] ** 2).sum()
    outputs = [loss.node, *(g.node for g in sg.grad(loss, [x, *net.parameters()]))]
    given = [numbers(EXAMPLES, STEPS, INPUTS), np.arange(STEPS) < np.array([[7], [3], [1], [5]])]
    expected = Interpreter([x, mask], outputs)(given)
    for threads in (1, 2):
        got = program.Program([x, mask], outputs, n_threads=threads)(given)
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_it_learns_what_needs_memory():
    """The parity of eight bits, by many-to-one training."""
    with sg.using_dtype("float32"):
        bits = np.random.default_rng(0).integers(0, 2, (512, 8))
        x, y = bits[:, :, None].astype("float32"), bits.sum(1) % 2
        net = nn.Sequential(nn.GRU(1, 16, returns="last", seed=0), nn.Linear(16, 2, seed=1))
        history = sg.fit(
            net, x, y, loss="cross_entropy", optimizer=sg.Adam(0.02), epochs=80, batch_size=64, metrics=["accuracy"]
        )
    assert max(history["accuracy"]) > 0.97  # guessing is right in half of the cases


def test_bad_arguments_raise():
    net = layer("LSTM")
    x = numbers(EXAMPLES, STEPS, INPUTS)
    for error, words, call in (
        (sg.errors.ArgumentError, "hidden_size", lambda: nn.LSTM(3, 0)),
        (sg.errors.ArgumentError, "returns one of", lambda: nn.GRU(3, 5, returns="first")),
        (sg.errors.ArgumentError, "tanh or relu", lambda: nn.RNN(3, 5, nonlinearity="gelu")),
        (sg.errors.ShapeError, r"\(examples, steps, features\), got \(7, 3\)", lambda: net(x[0])),
        (sg.errors.ShapeError, r"\(..., 3\)", lambda: net(x[:, :, :2])),
        (sg.errors.ArgumentError, r"pair \(h, c\)", lambda: net(x, first_state("GRU"))),
        (sg.errors.ShapeError, r"\(1, 4, 5\), got \(2, 4, 5\)", lambda: net(x, first_state("LSTM", 2))),
        (sg.errors.DTypeError, "a mask is bool", lambda: net(x, mask=np.ones((EXAMPLES, STEPS)))),
        (sg.errors.ShapeError, r"\(4, 7\) here, got \(4, 6\)", lambda: net(x, mask=np.ones((EXAMPLES, 6), bool))),
    ):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize("filler", [np.nan, np.inf, -np.inf, 1e38])
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_what_fills_up_a_sequence_never_counts(kind, filler):
    """Outputs, states and all gradients are those of sequences filled up with zeros; one has no steps at all."""
    net = kind(2, 3, num_layers=2, bidirectional=True, seed=0)
    lengths = np.array([4, 2, 0])
    mask = np.arange(4) < lengths[:, None]
    x = np.where(mask[:, :, None], np.random.default_rng(0).normal(size=(3, 4, 2)), 0).astype("f4")

    def results(x):
        given = sg.tensor(x, requires_grad=True)
        y, state = net(given, mask=mask)
        loss = (y**2).sum() + sum((s**2).sum() for s in (state if kind is nn.LSTM else [state]))
        return [y, *sg.grad(loss, [given, *net.parameters()])]

    filled = np.where(mask[:, :, None], x, filler).astype("f4")
    for found, expected in zip(results(filled), results(x), strict=True):
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
