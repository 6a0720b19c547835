"""A model keeps what its runs have traced and compiled, until something changes that a trace depends on."""

import copy
import gc
import pickle
import signal
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile import native
from subgrad.compile.executable import STORE
from subgrad.compile.runtime import fallback, program
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.fit import kept as fit_kept
from subgrad.fit import trainer, training_run
from subgrad.nn.module import Module

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)).astype(np.float32), RNG.integers(0, 2, 40)


def mlp(seed=0):
    return nn.Sequential(nn.Linear(3, 4, seed=seed), nn.Tanh(), nn.Linear(4, 2, seed=seed + 1))


@pytest.fixture(autouse=True)
def _nothing_made():
    """Other tests have models of the same forms."""
    fit_kept.MADE.clear()


@pytest.fixture
def traced(monkeypatch):
    """The number of training steps traced so far, in a list of one."""
    count = [0]
    for module in (training_run, trainer):
        trace = module.trace_step

        def counting(*args, _trace=trace, **options):
            count[0] += 1
            return _trace(*args, **options)

        monkeypatch.setattr(module, "trace_step", counting)
    return count


def fit(net, loss="cross_entropy", y=Y, **options):
    return sg.fit(net, X, y, loss=loss, **{"batch_size": 8, "epochs": 1, "metrics": ["accuracy"], **options})


def test_a_second_run_traces_nothing(traced):
    net = mlp()
    fit(net)
    assert traced == [1]
    fit(net, epochs=3, seed=5, shuffle=False)
    fit(net, optimizer=sg.Adam())  # "adam" by another name
    assert traced == [1]


def test_a_second_run_is_that_of_a_new_model(traced):
    """Bit for bit: what is kept is the code, and not the numbers."""
    net, other = mlp(), mlp()
    fit(net)
    for p, q in zip(other.parameters(), net.parameters(), strict=True):
        p.assign(q.numpy())
    assert fit(net, seed=3).epochs[-1]["loss"] == fit(other, seed=3).epochs[-1]["loss"]
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


class Scaled(Module):
    def __init__(self):
        self.inner, self.factor, self.options = mlp(), 1.0, {"shift": 0.0}

    def forward(self, x):
        return self.inner(x) * self.factor + self.options["shift"]


WEIGHT = 1.0


def weighted(f, y):
    return WEIGHT * nn.cross_entropy(f, y)


def changes():
    def attribute(net):
        net.factor = 2.0

    def entry(net):
        net.options["shift"] = 1.0

    def layer(net):
        net.inner = nn.Sequential(nn.Linear(3, 5, seed=0), nn.ReLU(), nn.Linear(5, 2, seed=1))

    def frozen(net):
        next(iter(net.parameters())).requires_grad = False

    def code(net):
        global WEIGHT
        WEIGHT += 1.0

    return [attribute, entry, layer, frozen, code]


@pytest.mark.parametrize("change", changes(), ids=lambda f: f.__name__)
def test_what_a_trace_depends_on_is_looked_at(traced, change):
    net, new = Scaled(), Scaled()
    fit(net, weighted)
    change(net)
    change(new) if change.__name__ != "code" else None
    for (_, p), (_, q) in zip(new.named_state(), net.named_state(), strict=True):
        p.assign(q.numpy())
    found = fit(net, weighted, seed=1)
    assert traced == [2]
    assert found.epochs[-1]["loss"] == fit(new, weighted, seed=1).epochs[-1]["loss"]


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": sg.Adam(0.1)}, {"optimizer": sg.SGD(0.1)}, {"metrics": []}, {"batch_size": 10},
        {"sample_weight": np.ones(40)}, {"loss": weighted},
    ],
    ids=lambda options: next(iter(options)),
)  # fmt: skip
def test_other_runs_have_programs_of_their_own(traced, options):
    net = mlp()
    fit(net)
    fit(net, **options)
    assert traced == [2]
    fit(net)
    fit(net, **options)
    assert traced == [2]


def test_labels_that_are_told_from_the_data_are_looked_at(traced):
    """What `accuracy` makes of targets follows from all of them."""
    net = nn.Sequential(nn.Linear(3, 1, seed=0))
    signs, zeros = np.where(Y > 0, 1.0, -1.0), Y.astype(float)
    first = fit(net, "squared", signs)["accuracy"]
    second = fit(net, "squared", zeros)["accuracy"]
    assert traced == [2]
    assert len(first) == len(second) == 1


def test_bad_labels_are_found_in_a_second_run():
    net = mlp()
    fit(net)
    with pytest.raises(sg.errors.DataError):
        fit(net, y=np.full(40, 2))


def test_indices_are_looked_at_in_each_run():
    net = nn.Sequential(nn.Embedding(5, 4, seed=0), nn.Flatten(), nn.Linear(8, 2, seed=1))
    rows = RNG.integers(0, 5, (40, 2))
    options = {"loss": "cross_entropy", "epochs": 1, "batch_size": 8}
    sg.fit(net, rows, Y, **options)
    with pytest.raises(sg.errors.ShapeError, match="out of range"):
        sg.fit(net, rows + 1, Y, **options)


def test_another_model_of_the_form_traces_nothing_and_has_its_own_numbers(traced):
    first, second = mlp(), mlp(seed=7)
    before = [p.numpy().copy() for p in first.parameters()]
    fit(first)
    first_after = [p.numpy().copy() for p in first.parameters()]
    losses = [fit(second)["loss"], fit(mlp(seed=7))["loss"]]
    assert traced == [1]
    assert losses[0] == losses[1]
    for p, b, a in zip(first.parameters(), before, first_after, strict=True):
        np.testing.assert_array_equal(p.numpy(), a)
        assert not np.array_equal(a, b)


def test_a_parameter_that_is_not_the_models_is_known_by_itself(traced):
    """A loss reads its value, which stands in the trace as a number."""
    losses = []
    for value in (1.0, 2.0):
        scale = sg.Parameter(np.float32(value))
        losses.append(fit(mlp(), lambda f, y, scale=scale: nn.cross_entropy(f, y) * scale)["loss"][0])
    assert traced == [2]
    assert losses[1] > 1.5 * losses[0]


def test_models_of_one_form_train_at_the_same_time(traced):
    alone = [fit(mlp(seed=s), epochs=20)["loss"] for s in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = [*pool.map(lambda s: fit(mlp(seed=s), epochs=20)["loss"], range(4))]
    assert together == alone
    assert traced == [1]


def test_copies_and_pickles_hold_no_programs(traced):
    net = mlp()
    fit(net)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert "_programs" not in vars(other)
    assert {name for name, _ in net.named_parameters()} == {name for name, _ in mlp().named_parameters()}


def test_a_model_keeps_no_large_memory(monkeypatch):
    monkeypatch.setattr(program, "KEPT_ROOM", 0)
    made = []
    original = program.Program._take_room
    monkeypatch.setattr(program.Program, "_take_room", lambda self: made.append(self) or original(self))
    net = mlp()
    first = fit(net)
    assert {p.room for p in made} == {None}
    before = len(made)
    second = fit(net, epochs=2)
    assert len(made) == before + 1
    assert second["loss"][0] < first["loss"][0]


def test_as_many_programs_are_kept_as_are_useful(traced):
    one = sg.Trainer(mlp(), loss="cross_entropy", optimizer=sg.SGD(0.1))
    one.partial_fit(X[:1], Y[:1])
    table = fit_kept.kept(one.model, one.loss, one.optimizer)
    for i in range(2 * fit_kept.ENTRIES):
        table[i] = i
    assert len(table) == fit_kept.ENTRIES


def test_programs_go_with_their_model():
    net = mlp()
    fit(net)
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None


@pytest.fixture
def compiled(monkeypatch):
    """The texts compiled so far, that of a whole program each."""
    monkeypatch.delenv("SUBGRAD_CHECK", raising=False)
    monkeypatch.setenv("SUBGRAD_CACHE", "off")
    STORE.clear()
    texts = []
    original = native.compile_object
    note = lambda ir: texts.append(ir) if "@run" in ir else None  # noqa: E731
    monkeypatch.setattr(native, "compile_object", lambda ir, *rest: note(ir) or original(ir, *rest))
    yield texts
    STORE.clear()


def test_folds_are_compiled_once(compiled):
    """Five models of one form on five parts of the data, of several lengths, with short batches at the end."""
    for fold in range(5):
        rows = np.arange(38) % 5 != fold
        sg.fit(mlp(seed=fold), X[:38][rows], Y[:38][rows], loss="cross_entropy", epochs=2, batch_size=8)
    assert len(compiled) == 1


@pytest.mark.parametrize(
    "optimizer", [sg.SGD, sg.Adam, lambda lr: sg.chain(sg.clip_by_norm(1.0), sg.SGD(lr, momentum=0.9))]
)
def test_members_of_a_search_are_compiled_once(compiled, optimizer):
    """Step sizes are arguments of the program. The results are those of an interpreter that has them as constants."""
    for lr in (0.3, 0.1, 0.01):
        net, other = mlp(), mlp()
        fit(net, optimizer=optimizer(lr), batch_size=40, shuffle=False)
        state, opt = optimizer(lr).init(other), optimizer(lr)
        loss = nn.cross_entropy(other(X), Y)
        sg.update(other, sg.grad(loss, other), opt, state)
        for p, q in zip(net.parameters(), other.parameters(), strict=True):
            np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5, atol=1e-6)
    assert len(compiled) == 1


def test_batch_by_batch_is_the_run_with_one_batch():
    net, other = mlp(), mlp()
    one = sg.Trainer(net, loss="cross_entropy", optimizer=sg.Adam(0.05), seed=3)
    losses = [one.partial_fit(X, Y) for _ in range(5)]
    history = sg.fit(
        other, X, Y, loss="cross_entropy", optimizer=sg.Adam(0.05), seed=3, epochs=5, batch_size=40, shuffle=False
    )
    np.testing.assert_allclose(losses, history["loss"], rtol=1e-6)
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5, atol=1e-7)


def test_shorter_batches_run_in_the_program_of_a_longer_one(traced, compilations):
    one = sg.Trainer(mlp(), loss="cross_entropy")
    for n in (8, 8, 5, 8, 5):
        one.partial_fit(X[:n], Y[:n])
    assert traced == [1]
    assert compilations() == 1
    assert one.steps == 5
    assert int(one.state["step"]) == 5


class Standardised(Module):
    """A batch norm and dropout: what rows have in common, and what they draw."""

    def __init__(self):
        self.net = nn.Sequential(nn.Linear(3, 6, seed=0), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 2, seed=1))

    def forward(self, x):
        return self.net(x)


@pytest.mark.parametrize("weighted", [False, True])
def test_batches_of_any_length_take_few_programs_and_give_what_each_gives_alone(compilations, weighted):
    def losses(one):
        return [one.partial_fit(X[:n], Y[:n], np.linspace(0.5, 1.5, n) if weighted else None) for n in lengths]

    lengths = (12, 7, 13, 14, 20, 3)
    made, alone = (sg.Trainer(Standardised(), loss="cross_entropy", optimizer=sg.SGD(0.1), seed=4) for _ in range(2))
    found = losses(made)
    assert compilations() == 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "kept", lambda *_: {})
        patch.setattr(trainer, "runnable", lambda i, o, v: fallback.Interpreted(Interpreter(i, o), v, (), ()))
        np.testing.assert_allclose(found, losses(alone), rtol=1e-4)
    for (name, p), (_, q) in zip(made.model.named_state(), alone.model.named_state(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-3, atol=1e-6, err_msg=name)


def test_batches_are_interpreted_without_llvmlite():
    code = """
import sys, warnings
sys.modules["llvmlite"] = None
warnings.simplefilter("ignore")
import subgrad as sg
one = sg.Trainer(sg.nn.Linear(1, 1, seed=0), loss="squared", optimizer=sg.SGD(0.1))
losses = [one.partial_fit([[1.0]], [3.0]) for _ in range(50)]
assert losses[-1] < 1e-3 < losses[0], losses
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_dropout_draws_anew_in_each_step():
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2, seed=1))
    one = sg.Trainer(net, loss="cross_entropy", optimizer=sg.SGD(1e-12))
    assert len({one.partial_fit(X, Y) for _ in range(4)}) == 4


def test_a_step_that_fails_leaves_the_model_as_it_was():
    net = mlp()
    one = sg.Trainer(net, loss=lambda f, y: nn.cross_entropy(f * 1e30, y) * 1e30, optimizer=sg.SGD(1.0))
    before = [p.numpy().copy() for p in net.parameters()]
    with pytest.raises(sg.errors.NonFiniteError, match="step 1: the first NaN or inf came from"):
        one.partial_fit(X, Y)
    for p, b in zip(net.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.numpy(), b)
    assert one.steps == 0


def test_ctrl_c_comes_after_a_step_or_before_it(monkeypatch):
    one, other = (sg.Trainer(mlp(), loss="cross_entropy", optimizer=sg.Adam(0.1)) for _ in range(2))

    def assign(*given, _assign=trainer.assign_all):
        _assign(*given)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(trainer, "assign_all", assign)
        with pytest.raises(KeyboardInterrupt):
            one.partial_fit(X, Y)
    one.partial_fit(X, Y)
    losses = [other.partial_fit(X, Y) for _ in range(2)]
    assert one.steps == len(losses)
    np.testing.assert_equal(one.model.state_dict(), other.model.state_dict())


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: sg.Trainer("net", loss="squared"), sg.errors.ArgumentError),
        (lambda: sg.Trainer(mlp(), loss="no such loss"), sg.errors.ArgumentError),
        (lambda: sg.Trainer(mlp(), loss="cross_entropy").partial_fit(X, Y[:3]), sg.errors.ShapeError),
        (lambda: sg.Trainer(mlp(), loss="cross_entropy").partial_fit(X * np.nan, Y), sg.errors.DataError),
        (lambda: sg.Trainer(mlp(), loss="cross_entropy").partial_fit(X, Y + 7), sg.errors.DataError),
        (lambda: sg.Trainer(mlp(), loss=lambda f, y: f.sum()).partial_fit(X, Y, np.ones(40)), sg.errors.ArgumentError),
    ],
)
def test_bad_arguments(call, error):
    with pytest.raises(error):
        call()
