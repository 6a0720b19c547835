"""Where the compiler fails, the interpreter runs, after one warning that names the op."""

import warnings

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile import pipeline
from subgrad.compile.codegen.loops import LoopKernel
from subgrad.compile.executable import STORE
from subgrad.compile.runtime import fallback
from subgrad.errors import ArgumentError, ShapeError
from subgrad.fit import kept

pytest.importorskip("llvmlite")

X = np.random.default_rng(0).random((12, 3)).astype(np.float32)


def broken(*_):
    raise KeyError("a fault of the compiler")


@pytest.fixture(params=["a pass", "the code of a kernel"])
def fault(request, monkeypatch):
    """A compiler that fails at each sum."""
    monkeypatch.delenv("SUBGRAD_CHECK", raising=False)
    monkeypatch.setenv("SUBGRAD_CACHE", "off")
    STORE.clear()  # what was compiled before needs no compiler
    kept.MADE.clear()
    if request.param == "a pass":
        rule = pipeline.factored
        monkeypatch.setattr(pipeline, "factored", lambda node: broken() if node.op is sg.sum else rule(node))
    else:
        monkeypatch.setattr(LoopKernel, "_reduce", broken)
    fallback.say_once.cache_clear()
    yield
    fallback.say_once.cache_clear()
    kept.MADE.clear()  # models of the same form in other tests shall not run on the interpreter


def expected():
    return pytest.warns(UserWarning, match=r"the compiler failed at the op 'sum' of \w+.py:\d+ \(KeyError")


def test_compile(fault):
    w = sg.Parameter(np.ones(3, np.float32))
    f = sg.compile(lambda x: (x * w).sum(1))
    with expected():
        np.testing.assert_allclose(f(X), X.sum(1), rtol=1e-6)
    w.assign(w * 2)
    np.testing.assert_allclose(f(X), 2 * X.sum(1), rtol=1e-6)  # a second warning would be an error


def test_many_steps(fault):
    step = sg.compile(lambda total, x: (total + x.sum(), total))
    with expected():
        total, before = step.scan(np.float32(0), X)
    assert total == pytest.approx(X.sum(), rel=1e-5)
    assert before[0] == 0


def test_fit_and_predict(fault):
    def trained():
        net = nn.Sequential(nn.Linear(3, 4, seed=0), nn.Tanh(), nn.Linear(4, 1, seed=1))
        history = sg.fit(net, X, X.sum(1), loss="squared", epochs=3, batch_size=5, seed=0)
        return history["loss"][-1], sg.predict(net, X)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loss, found = trained()
    assert 1 <= len(caught) <= 2  # of the sums of the loss and of a gradient
    kept.MADE.clear()
    with pytest.MonkeyPatch.context() as healthy:
        healthy.setattr(pipeline, "factored", lambda node: node)
        healthy.setattr(LoopKernel, "_reduce", REDUCE)
        wanted, outputs = trained()
    assert loss == pytest.approx(wanted, rel=1e-4)
    np.testing.assert_allclose(found, outputs, rtol=1e-4, atol=1e-5)


REDUCE = LoopKernel._reduce


def test_errors_of_the_user_stay_what_they_are(fault, monkeypatch):
    with pytest.raises(ShapeError):
        sg.compile(lambda x: x @ x)(X)
    with pytest.raises(ZeroDivisionError):
        sg.compile(lambda x: x * (1 // 0))(X)
    monkeypatch.setenv("SUBGRAD_CPU", "z80")
    with pytest.raises(ArgumentError, match="SUBGRAD_CPU=z80"):
        sg.compile(lambda x: x * 2)(X)


def test_whoever_looks_for_faults_sees_them(fault, monkeypatch):
    monkeypatch.setenv("SUBGRAD_CHECK", "1")
    with pytest.raises(KeyError, match="a fault of the compiler"):
        sg.compile(lambda x: x.sum())(X)
