"""Training natively and on the interpreter: the same numbers, for every kind of module, optimiser and loss."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.fit.arrays import as_batch
from subgrad.fit.engine import Compiled, Interpreted
from subgrad.fit.metrics import resolve
from subgrad.fit.step import trace_step
from subgrad.fit.training_run import Run
from subgrad.graph.tree import leaves
from subgrad.nn import loss as losses
from subgrad.optim.registry import optimizers

N, WIDTH, CLASSES = 70, 6, 3
TOLERANCE = {"float64": 1e-12, "float32": 1e-4}
STEPS = 20


def dense(activation, out=CLASSES):
    return nn.Sequential(nn.Linear(WIDTH, 16, seed=0), activation, nn.Linear(16, out, seed=1))


class Both(nn.Module):
    """Two branches that a bilinear form joins."""

    def __init__(self, out):
        self.left, self.right = nn.Linear(WIDTH, 4, seed=0), nn.Linear(WIDTH, 5, seed=1)
        self.joined = nn.Bilinear(4, 5, out, seed=2)

    def forward(self, x):
        return self.joined(sg.tanh(self.left(x)), self.right(x))


MODELS = {
    "tanh": lambda out: dense(nn.Tanh(), out),
    "relu": lambda out: dense(nn.ReLU(), out),
    "gelu": lambda out: dense(nn.GELU(), out),
    "dropout": lambda out: nn.Sequential(
        dense(nn.Sequential(nn.Tanh(), nn.Dropout(0.3)), 8), nn.Dropout(0.2), nn.Linear(8, out, seed=2),
    ),
    "layer norm": lambda out: dense(nn.Sequential(nn.LayerNorm(16), nn.ReLU()), out),
    "embedding": lambda out: nn.Sequential(nn.Embedding(9, 4, seed=0), nn.Flatten(), nn.Linear(4 * WIDTH, out, seed=1)),
    "residual": lambda out: nn.Sequential(
        nn.Residual(nn.Linear(WIDTH, WIDTH, seed=0)), nn.SiLU(), nn.Linear(WIDTH, out, seed=1),
    ),
    "branches": lambda out: nn.Sequential(
        nn.Branches(nn.Linear(WIDTH, 5, seed=0), nn.Sequential(nn.Linear(WIDTH, 3, seed=1), nn.Softplus())),
        nn.Linear(8, out, seed=2),
    ),
    "bilinear": Both,
    "convolutions": lambda out: nn.Sequential(
        nn.Linear(WIDTH, 72, seed=0), nn.Unflatten(1, (2, 6, 6)), nn.Conv2d(2, 4, 3, padding=1, seed=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(4, 6, 2, groups=2, seed=2), nn.Tanh(), nn.Flatten(), nn.Linear(24, out, seed=3),
    ),
    "residual blocks": lambda out: nn.Sequential(
        nn.Linear(WIDTH, 32, seed=0), nn.Unflatten(1, (2, 4, 4)), nn.ResidualBlock(2, 4, 2, seed=1),
        nn.ResidualBlock(4, 4, seed=9), nn.GlobalAvgPool(), nn.Linear(4, out, seed=2),
    ),
    "inception": lambda out: nn.Sequential(
        nn.Linear(WIDTH, 18, seed=0), nn.Unflatten(1, (2, 3, 3)), nn.Inception(2, 2, (2, 3), (1, 2), 2, seed=1),
        nn.AvgPool2d(2, 1), nn.Flatten(), nn.Linear(36, out, seed=2),
    ),
    "transformer": lambda out: nn.Sequential(
        nn.Unflatten(1, (3, 2)), nn.Linear(2, 4, seed=0), nn.PositionalEmbedding(3, 4, seed=1),
        nn.TransformerBlock(4, 2, 5, dropout=0.2, causal=True, seed=2), nn.Flatten(), nn.Linear(12, out, seed=3),
    ),
}  # fmt: skip
OPTIMISERS = {
    "sgd": sg.SGD(0.05),
    "momentum": sg.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": sg.Adam(0.02),
    "adamw": sg.AdamW(0.02, weight_decay=0.1),
    "rmsprop": sg.RMSprop(0.01),
    "adagrad": sg.Adagrad(0.05),
    "lion": sg.Lion(0.002),
    "adan": sg.Adan(0.01),
    "muon": sg.Muon(0.01),
    "adamax": sg.Adamax(0.02),
    "nadam": sg.NAdam(0.02),
    "radam": sg.RAdam(0.02),
    "adadelta": sg.Adadelta(1.0),
    "rprop": sg.Rprop(0.01),
    "ema": sg.EMA(sg.Adam(0.02), decay=0.9),
    "swa": sg.SWA(sg.SGD(sg.step.Cyclic(0.01, 0.1, 3)), start=4, every=3),
    "lookahead": sg.Lookahead(sg.SGD(0.05, momentum=0.9), steps=3),
    "subgradient": sg.Subgradient(sg.step.SquareSummable(0.5, 10), R=3.0),
    "polyak": sg.Subgradient(sg.step.Polyak(0.0)),
    "constant length": sg.SGD(sg.step.ConstantLength(0.1)),
    "warmup and cosine": sg.Adam(sg.step.Warmup(sg.step.Cosine(0.05, 15), 5)),
    "clipped": sg.chain(sg.clip_by_norm(0.05), sg.weight_decay(0.1), sg.SGD(0.1, momentum=0.5)),
}
LOSSES = [
    "squared", "absolute", "huber", "hinge", "binomial", "binary_cross_entropy", "cross_entropy", "quantile", "focal",
    "multi_margin", "log_cosh", "poisson",
]  # fmt: skip


def samples(model="tanh", loss="cross_entropy", dtype="float64", n=N):
    rng = np.random.default_rng(4)
    x = rng.integers(0, 9, (n, WIDTH)) if model == "embedding" else rng.standard_normal((n, WIDTH)).astype(dtype)
    if losses.TABLE[loss].targets == "classes":
        return x, rng.integers(0, CLASSES, n)
    if losses.TABLE[loss].targets == "signs":
        return x, rng.choice([-1.0, 1.0], n).astype(dtype)
    if loss == "poisson":
        return x, rng.poisson(2.0, n).astype(dtype)
    return x, rng.standard_normal(n).astype(dtype)


def trained(engine, model, loss, optimizer, data, batch_size=16, metrics=None, shorter=False):
    """The losses of some steps, and the variables after them; the last batch of each call may be shorter."""
    net, state = model, optimizer.init([p.node for p in model.parameters()])

    def trace(batch, gathers=False, shorter=None):
        return trace_step(net, losses.get(loss), optimizer, state, batch, metrics or {}, gathers, shorter)

    run = engine(trace, data, [*(p.numpy() for _, p in net.named_state()), *(s.numpy() for s in leaves(state))])
    batches = np.random.default_rng(0).integers(0, len(data[0]), (STEPS, batch_size))
    measured = []
    for at in range(0, STEPS, 7):
        *rows, last = batches[at : at + 7]
        measured.append(run.run([*rows, last[:-5] if shorter else last], 3, at))
    return np.concatenate(measured), run.variables


def compare(dtype, make, loss="cross_entropy", optimizer=None, data=None, **options):
    optimizer = optimizer or sg.Adam(0.02)
    with sg.using_dtype(dtype):
        native, variables = trained(Compiled, make(), loss, optimizer, data, **options)
        expected, reference = trained(Interpreted, make(), loss, optimizer, data, **options)
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(native, expected, rtol=tolerance)
    for v, r in zip(variables, reference, strict=True):
        np.testing.assert_allclose(v, r, rtol=tolerance, atol=tolerance * (1 + np.abs(r).max(initial=0)))
    return native


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_module(name):
    # The biases of attention's keys have the gradient 0, and Adam would make steps of what rounding leaves of that.
    optimizer = sg.SGD(0.05) if name == "transformer" else None
    found = compare("float64", lambda: MODELS[name](CLASSES), optimizer=optimizer, data=samples(name))
    assert found.shape == (STEPS, 1)


@pytest.mark.parametrize("name", ["relu", "dropout", "layer norm"])
def test_in_float32(name):
    compare("float32", lambda: MODELS[name](CLASSES), data=samples(name, dtype="float32"))


def test_batches_of_two_sizes():
    compare("float64", lambda: MODELS["dropout"](CLASSES), data=samples(), shorter=True)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser(name):
    compare("float64", lambda: MODELS["tanh"](CLASSES), optimizer=OPTIMISERS[name], data=samples())


def test_every_optimiser_of_the_table_is_tried():
    assert set(optimizers()) <= {o.name for o in OPTIMISERS.values()}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_with_and_without_weights(loss, weighted):
    x, y = samples(loss=loss)
    weights = [np.random.default_rng(5).uniform(0, 2, N)] if weighted else []
    out = CLASSES if losses.TABLE[loss].targets == "classes" else 1
    data = [x, y, *weights]
    compare("float64", lambda: MODELS["relu"](out), loss=loss, data=data)


def test_every_loss_of_the_table_is_tried():
    assert set(losses.NAMES.values()) == {losses.get(name) for name in LOSSES}


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_large_enough_for_two_threads(threads):
    def make():
        wide = nn.Sequential(nn.Linear(40, 300, seed=0), nn.ReLU(), nn.Linear(300, 50, seed=1))
        return nn.Sequential(wide, nn.Tanh(), nn.Linear(50, 10, seed=2))

    rng = np.random.default_rng(6)
    data = [rng.standard_normal((200, 40)), rng.integers(0, 10, 200)]
    sg.set_threads(threads)
    try:
        compare("float64", make, data=data, batch_size=128)
    finally:
        sg.set_threads(None)


def test_metrics_are_shares_of_a_batch():
    found = compare("float64", lambda: MODELS["relu"](CLASSES), data=samples(), metrics=resolve(["accuracy"]))
    assert found.shape == (STEPS, 2)
    np.testing.assert_array_equal(found[:, 1] * 16 % 1, 0)


def test_the_data_are_left_alone():
    x, y = samples(dtype="float32")
    before = x.copy()
    sg.fit(dense(nn.Tanh()), x, y, loss="cross_entropy", epochs=1)
    np.testing.assert_array_equal(x, before)
    assert x.flags.writeable
    assert y.flags.writeable


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_run_twice_has_the_same_bits(threads):
    def parameters():
        net = nn.Sequential(nn.Linear(WIDTH, 400, seed=0), nn.ReLU(), nn.Dropout(0.2), nn.Linear(400, CLASSES, seed=1))
        sg.fit(net, *samples(n=600), loss="cross_entropy", epochs=2, batch_size=256, seed=5)
        return [p.numpy().tobytes() for p in net.parameters()]

    sg.set_threads(threads)
    try:
        assert parameters() == parameters()
    finally:
        sg.set_threads(None)


def test_fit_runs_natively():
    data = as_batch(np.dtype("float32"), *samples(dtype="float32"))
    run = Run(
        dense(nn.Tanh()), losses.get("cross_entropy"), sg.Adam(), data, data.rows, None, {}, 16, 0, True
    )
    assert isinstance(run.engine, Compiled)
