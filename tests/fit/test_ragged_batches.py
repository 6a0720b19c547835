"""Batches of several lengths run in one program, and give what programs for these lengths would give."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.runtime.fallback import runnable
from subgrad.errors import CheckError, NonFiniteError, ShapeError
from subgrad.fit.engine import Compiled
from subgrad.fit.metrics import resolve
from subgrad.fit.step import initial_state, trace_forward, trace_step
from subgrad.graph.op import apply
from subgrad.graph.tensor import placeholder
from subgrad.graph.tree import leaves
from subgrad.nn import loss as losses
from subgrad.ops import gather

N, WIDTH, CLASSES = 40, 6, 3
LENGTHS = 16, 16, 11, 16


def data(weighted=False):
    rng = np.random.default_rng(4)
    arrays = [rng.standard_normal((N, WIDTH)), rng.integers(0, CLASSES, N)]
    return [*arrays, rng.uniform(0, 2, N)] if weighted else arrays


def steps(model, loss, ragged, arrays, optimizer):
    """What some steps measure, the variables after them, and how many programs that took."""
    state, metrics = initial_state(model, optimizer), resolve(["accuracy"])

    def trace(batch, gathers=False, shorter=None):
        return trace_step(model, loss, optimizer, state, batch, metrics, gathers, shorter)

    def forward(batch):
        return trace_forward(model, loss, batch, metrics)

    variables = [*(p.numpy() for _, p in model.named_state()), *(s.numpy() for s in leaves(state))]
    engine = Compiled(trace, arrays, variables, *([[11, 16], forward] if ragged else []))
    rng = np.random.default_rng(0)
    measured = engine.run([rng.integers(0, N, n) for n in LENGTHS], 3, 0)
    return [measured, *engine.variables], len({id(native.program) for native in engine._programs.values()})


def check(make, loss="cross_entropy", programs=1, arrays=None, optimizer=None):
    loss, optimizer, arrays = losses.get(loss), optimizer or sg.SGD(0.05), arrays or data()
    with sg.using_dtype("float64"):
        found, count = steps(make().train(), loss, True, arrays, optimizer)
        expected, _ = steps(make().train(), loss, False, arrays, optimizer)
    assert count == programs
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13 * (1 + np.abs(b).max(initial=0)))


def mlp(out=CLASSES, *between):
    return nn.Sequential(nn.Linear(WIDTH, 8, seed=0), *between, nn.Tanh(), nn.Linear(8, out, seed=1))


class Recurrent(nn.Module):
    def __init__(self):
        self.cells, self.out = nn.GRU(2, 5, seed=0), nn.Linear(5, CLASSES, seed=1)

    def forward(self, x):
        return self.out(self.cells(x.reshape(-1, 3, 2))[0][:, -1])


def images(*layers):
    return nn.Sequential(
        nn.Linear(WIDTH, 32, seed=0), nn.Unflatten(1, (2, 4, 4)), nn.Conv2d(2, 4, 3, padding=1, seed=1), *layers,
        nn.ReLU(), nn.Flatten(), nn.Linear(64, CLASSES, seed=2),
    )  # fmt: skip


MODELS = {
    "mlp": mlp,
    "dropout": lambda: mlp(CLASSES, nn.Dropout(0.3)),
    "batch norm": lambda: mlp(CLASSES, nn.BatchNorm1d(8)),
    "images with batch norm": lambda: images(nn.BatchNorm2d(4)),
    "flips": lambda: images(nn.RandomHorizontalFlip(), nn.RandomCrop(4, 1)),
    "gru": Recurrent,
    "transformer": lambda: nn.Sequential(
        nn.Unflatten(1, (3, 2)), nn.TransformerBlock(2, 1, seed=0), nn.Flatten(), nn.Linear(WIDTH, CLASSES, seed=1)
    ),
    "ensemble": lambda: sg.ensemble(mlp(), 3),
}


@pytest.mark.parametrize("name", MODELS)
def test_all_lengths_in_one_program(name):
    check(MODELS[name])


LOSSES = {
    "ignored labels": lambda f, y: nn.cross_entropy(f, y, ignore_index=1),
    "smoothed labels": lambda f, y: nn.cross_entropy(f, y, label_smoothing=0.1, class_weight=[1.0, 2.0, 3.0]),
    "sum": lambda f, y: nn.cross_entropy(f, y, reduction="sum"),
    "a mean of one's own": lambda f, y: nn.cross_entropy(f, y, reduction="sum") / len(f),
    "two terms": lambda f, y: nn.cross_entropy(f, y) + 0.1 * sg.square(f).mean() + sg.norm(f.mean(0)),
    "softmax of rows": lambda f, y: nn.cross_entropy(f, y) + (sg.softmax(f, axis=0) ** 2).sum(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    check(mlp, LOSSES[name])


def test_weighted_samples():
    check(mlp, arrays=data(weighted=True))


def test_adaptive_steps():
    check(mlp, optimizer=sg.Adam(0.02))


class Centred(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(WIDTH, CLASSES, seed=0)

    def forward(self, x):
        return self.layer(x - x.mean(0))


def test_a_model_that_mixes_rows():
    check(Centred)


class Alone(nn.Module):
    """A network of which rows are taken by their distance from the end."""

    def __init__(self, change):
        self.layer, self.change = nn.Linear(WIDTH, CLASSES, seed=0), change

    def forward(self, x):
        return self.layer(self.change(x))


MIXING = {
    "flipped": lambda x: x + sg.flip(x, 0),
    "rolled": lambda x: x + sg.concatenate([x[1:], x[:1]]),
    "mixed": lambda x: 0.9 * x + 0.1 * x[np.random.default_rng(len(x)).permutation(len(x))],
}


@pytest.mark.parametrize("name", MIXING)
def test_what_cannot_be_shown_has_programs_of_its_own(name):
    check(lambda: Alone(MIXING[name]), programs=2)


def test_members_that_draw_have_programs_of_their_own():
    check(lambda: sg.ensemble(mlp(CLASSES, nn.Dropout(0.3)), 2), programs=2)


# Whole runs


def run(n, batch_size=8, epochs=2, **options):
    x, y = data()
    net = mlp()
    history = sg.fit(net, x[:n], y[:n], loss="cross_entropy", epochs=epochs, batch_size=batch_size, **options)
    return net, history


def test_an_epoch_with_a_rest_takes_one_program(compilations):
    run(30)
    assert compilations() == 1
    run(33, epochs=1)  # one is left over: batches of 8 and one of 9
    assert compilations() == 2


def test_the_mean_over_all_samples_is_that_of_ragged_batches():
    x, y = data()
    net, history = run(30, optimizer=sg.SGD(1e-30), epochs=1, metrics=["accuracy"])
    found = sg.evaluate(net, x[:30], y[:30], loss="cross_entropy", metrics=["accuracy"])
    assert history["loss"][0] == pytest.approx(found["loss"], rel=1e-6)
    assert history["accuracy"][0] == pytest.approx(found["accuracy"], rel=1e-6)


def test_an_op_is_named_where_a_ragged_batch_has_no_finite_loss():
    def loss(f, y):
        return nn.cross_entropy(f, y) + sg.log(sg.abs(f - f).sum())

    x, y = data()
    with pytest.raises(NonFiniteError, match="came from log"):
        sg.fit(mlp(), x[:30], y[:30], loss=loss, epochs=1, batch_size=8, shuffle=False)


# Data of any number of samples


def test_a_program_takes_open_inputs_of_any_length():
    data, rows = placeholder((2, 3), "float64", open=True), placeholder((2,), "int64")
    program = runnable([data, rows], [apply(gather, (data, rows), {"axes": (0,)})])
    for n in (1, 5):
        x = np.arange(3.0 * n).reshape(n, 3)
        np.testing.assert_array_equal(program([x, np.array([n - 1, 0])])[0], x[[n - 1, 0]])
    for bad in (np.zeros((0, 3)), np.zeros((4, 2)), np.zeros((4, 3), np.float32), np.zeros(3)):
        with pytest.raises(ShapeError, match="expected"):
            program([bad, np.array([0, 0])])


def test_data_of_another_length_need_no_other_program(compilations):
    net = mlp()
    for n in (24, 30, 40, 37):
        x, y = data()
        sg.fit(net, x[:n], y[:n], loss="cross_entropy", epochs=1, batch_size=8)
    assert compilations() == 1


def test_rows_that_are_not_there_are_never_read():
    arrays, loss = data(), losses.get("cross_entropy")
    state = initial_state(mlp(), sg.SGD(0.1))

    def trace(batch, gathers=False):
        return trace_step(model, loss, sg.SGD(0.1), state, batch, {}, gathers)

    with sg.using_dtype("float64"):
        model = mlp()
        engine = Compiled(trace, arrays, [p.numpy() for _, p in model.named_state()])
    for row in (-1, N):
        with pytest.raises(CheckError, match="samples"):
            engine.run([np.array([0, row])], 0, 0)
