"""What holds state goes through pickle, cloudpickle, joblib and `copy`, and works where it lands."""

import copy
import functools
import io
import multiprocessing
import pickle
import subprocess
import sys

import numpy as np
import pytest

import subgrad as sg
from subgrad import errors, nn
from subgrad.graph.op import TABLE

X = np.ones((4, 2), np.float32)


def joblib_copy(x):
    joblib, file = pytest.importorskip("joblib"), io.BytesIO()
    joblib.dump(x, file)
    file.seek(0)
    return joblib.load(file)


def cloud_copy(x):
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(x))


COPIES = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "protocol 2": lambda x: pickle.loads(pickle.dumps(x, 2)),
    "deepcopy": copy.deepcopy,
    "cloudpickle": cloud_copy,
    "joblib": joblib_copy,
}


@pytest.fixture(params=COPIES, name="copied")
def _copied(request):
    return COPIES[request.param]


@sg.compile
def doubled(x):
    return x * 2


def tripled(x):
    return x * 3


class Trainer:
    def __init__(self):
        self.net = nn.Linear(2, 1, seed=0)
        self.step = sg.compile(self._step)

    def _step(self, x):
        return self.net(x)


def test_tensors_are_their_values(copied):
    for t in (sg.tensor([1, 2]), sg.tensor([1.0], "float64") * 2, sg.tensor(3.0, requires_grad=True)):
        found = copied(t)
        assert (found.tolist(), found.dtype, found.requires_grad) == (t.tolist(), t.dtype, t.requires_grad)


def test_parameters_keep_their_sharing(copied):
    p = sg.Parameter([1.0, 2.0], "float64")
    p.requires_grad = False
    a, b = copied([p, p])
    assert a is b
    assert a is not p
    assert (type(a), a.tolist(), a.dtype, a.requires_grad) == (sg.Parameter, [1, 2], np.float64, False)
    a.assign([5.0, 5.0])
    assert p.tolist() == [1, 2]


def test_modules_with_their_modes_and_without_machine_code(copied):
    net = nn.Sequential(nn.Linear(2, 3, seed=0), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1, seed=1)).eval()
    net[2].train()
    expected = net.predict(X)
    found = copied(net)
    assert [m.training for _, m in found.named_modules()] == [m.training for _, m in net.named_modules()]
    np.testing.assert_array_equal(found.predict(X), expected)
    found[0].weight.assign(np.zeros((3, 2)))
    np.testing.assert_array_equal(net.predict(X), expected)
    members = copied(sg.ensemble(nn.Linear(2, 1), 3))
    assert members(X).shape == (3, 4, 1)


@pytest.mark.parametrize("f", [doubled, sg.compile(tripled)], ids=["decorated", "called"])
def test_compiled_functions(copied, f):
    expected = f(X)
    np.testing.assert_array_equal(copied(f)(X), expected)


def test_compiled_modules_and_methods_belong_to_the_copy():
    net, trainer = nn.Linear(2, 1, seed=0), Trainer()
    for made in (sg.compile(net), trainer):
        for name in ("pickle", "deepcopy"):
            found = COPIES[name](made)
            call = found.step if isinstance(found, Trainer) else found
            np.testing.assert_array_equal(call(X), net(X).numpy())
            inner = found.net if isinstance(found, Trainer) else found.function
            inner.bias.assign([9.0])
            np.testing.assert_allclose(call(X), inner(X).numpy(), rtol=1e-6)
    assert float(net.bias) == float(trainer.net.bias) != 9


class Activated(nn.Module):
    def __init__(self):
        self.layer, self.act, self.clip = nn.Linear(2, 2, seed=0), sg.relu, functools.partial(sg.maximum, 0.5)

    def forward(self, x):
        return self.clip(self.act(self.layer(x)))


def test_ops_stay_what_they_are(copied):
    for op in TABLE.values():
        if op.__module__.startswith("subgrad."):
            assert copied(op) is op
    assert copied(functools.partial(sg.relu)).func is sg.relu
    net = Activated()
    found = copied(net)
    assert found.act is sg.relu
    np.testing.assert_array_equal(found.predict(X), net.predict(X))


def test_an_op_of_no_module_goes_with_its_parts():
    @sg.defop(vjp=lambda g, y, x: (3 * x * x * g,))
    def cube(x):
        return x**3

    assert copy.deepcopy(cube) is copy.copy(cube) is cube
    found, x = cloud_copy(cube), sg.tensor([2.0])
    assert (float(found(x)[0]), float(sg.grad(found(x).sum(), x)[0])) == (8, 12)


def test_optimisers_rules_and_histories(copied):
    net = nn.Linear(2, 1, seed=0)
    history = sg.fit(net, X, X[:, :1], loss="squared", epochs=2, verbose=False)
    assert copied(history).epochs == history.epochs
    for made in (sg.Adam(sg.step.Cosine(0.1, 100)), sg.chain(sg.clip_by_norm(1.0), sg.SGD(0.1, momentum=0.9))):
        assert copied(made).config() == made.config()
    state = sg.Adam(0.1).init(net)
    assert {k: str(v) for k, v in copied(state).items()} == {k: str(v) for k, v in state.items()}


def test_errors_arrive_with_their_message(copied):
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.SubgradError)]
    for kind in kinds:
        error = kind("something is wrong")
        found = copied(error)
        assert (type(found), str(found)) == (kind, str(error))


def _called(f):
    return f(X)


def test_a_spawned_process_traces_again():
    fs = [doubled, sg.compile(tripled), sg.compile(nn.Linear(2, 1, seed=0)), nn.Linear(2, 1, seed=0).predict]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map_async(_called, fs).get(120)
    for result, f in zip(found, fs, strict=True):
        np.testing.assert_array_equal(result, f(X))


MAIN = """
import sys, cloudpickle, subgrad as sg
scale = 2.0
@sg.compile
def f(x):
    return sg.tanh(x) * 0 + scale
sys.stdout.buffer.write(cloudpickle.dumps((f, sg.compile(lambda x: x + scale))))
"""


def test_functions_of_a_script_are_pickled_by_value():
    pytest.importorskip("cloudpickle")
    done = subprocess.run([sys.executable, "-c", MAIN], capture_output=True, timeout=120, check=True)
    f, g = pickle.loads(done.stdout)
    assert (f(X)[0, 0], g(X)[0, 0]) == (2, 3)
