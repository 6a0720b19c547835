"""Compiled functions see what changes in modules, and trace again for nothing else."""

import weakref

import numpy as np
import pytest
from live_values import X, values, x

import subgrad as sg
from subgrad import nn
from subgrad.errors import NotTraceableError

# Modules


class Net(nn.Module):
    def __init__(self):
        self.p, self.slopes, self.shift = 0.5, {"a": 1.0}, np.ones(2)
        self.first, self.layers = nn.Linear(2, 2, seed=0), [nn.Linear(2, 2, seed=1), nn.BatchNorm1d(2)]

    def forward(self, x):
        x = self.first(x * self.p + self.slopes["a"] * self.shift)
        for layer in self.layers:
            x = layer(x)
        return x


CHANGES = {
    "a number": lambda net: setattr(net, "p", 0.25),
    "a number in a dict": lambda net: net.slopes.update(a=3.0),
    "an array in place": lambda net: net.shift.fill(4.0),
    "another array": lambda net: setattr(net, "shift", np.zeros(2)),
    "a layer": lambda net: setattr(net, "first", nn.Linear(2, 2, seed=7)),
    "a layer in a list": lambda net: net.layers.__setitem__(0, nn.ReLU()),
    "one more layer": lambda net: net.layers.append(nn.Tanh()),
    "one layer less": lambda net: net.layers.pop(),
    "a parameter's value": lambda net: net.first.weight.assign(np.ones((2, 2))),
    "another parameter": lambda net: setattr(net.first, "weight", sg.Parameter(np.ones((2, 2)))),
    "running statistics": lambda net: net.layers[1].running_mean.assign([3.0, 4.0]),
    "a setting of a layer": lambda net: setattr(net.layers[1], "eps", 0.5),
    "forward of this one": lambda net: setattr(net, "forward", lambda x: x * 2),
    "training mode": lambda net: net.train(),
}  # fmt: skip


def test_whatever_changes_in_a_module_is_seen():
    net = Net().eval()
    f, data = sg.compile(lambda x: net(x)), np.array([[1.0, 2.0], [3.0, -4.0], [0.5, 1.0]], np.float32)
    last = None
    for name, change in CHANGES.items():
        change(net)
        expected = net(data).numpy() if name != "training mode" else None
        if expected is not None:
            np.testing.assert_allclose(f(data), expected, rtol=1e-5, atol=1e-6, err_msg=name)
            last = expected
        np.testing.assert_allclose(net.predict(data), last, rtol=1e-5, atol=1e-6, err_msg=name)


def test_training_mode_and_the_rate_of_dropout():
    net, ones = nn.Sequential(nn.Dropout(0.9)), np.ones(500, np.float32)
    f = sg.compile(lambda x: net(x))
    assert f(ones).max() == pytest.approx(10)
    assert net.eval() is net
    assert f(ones).max() == 1
    net.train()
    assert f(ones).max() == pytest.approx(10)
    net[0].p = 0.5
    assert f(ones).max() == 2
    assert net.predict(ones).max() == 1


def test_which_parameters_are_trained():
    net = nn.Linear(2, 1, seed=0)
    f = sg.compile(lambda x: sg.grad(net(x).sum(), net))
    assert sorted(f(X)) == ["bias", "weight"]
    net.bias.requires_grad = False
    assert sorted(f(X)) == ["weight"]


def test_the_value_of_a_parameter_decides_nothing_in_a_trace():
    w = sg.Parameter(2.0)
    with pytest.raises(NotTraceableError, match=r"a parameter of shape \(\) is not known"):
        sg.compile(lambda x: x if float(w) > 1 else -x)(x)


def test_a_graph_made_before_keeps_the_value_it_was_made_with():
    w = sg.Parameter([2.0, 2.0])
    before = w * 2
    f = sg.compile(lambda x: x * before + w)
    first = f(x)
    w.assign([5.0, 5.0])
    assert values(first, f(x)) == [6, 9]


# How often


class Counting(nn.Module):
    def __init__(self):
        self.calls, self.cache = 0, {}

    def forward(self, x):
        self.calls += 1
        self.cache.setdefault("scale", 2.0)
        self.last = x * self.cache["scale"]
        return self.last


def test_what_a_function_changes_itself_is_no_reason_to_trace_again():
    net = Counting()
    for _ in range(3):
        net.predict(x)
    assert net.calls == 1
    for _ in range(2):
        net(x)
        net.predict(x)
    assert net.calls == 3
    net.predict(X)
    assert net.calls == 4


def test_going_back_to_what_was_before_takes_the_program_of_then():
    net, traced = nn.Sequential(nn.Dropout(0.5)), []
    f = sg.compile(lambda x: traced.append(x) or net(x))
    for _ in range(3):
        net.train()
        f(x)
        net.eval()
        f(x)
    assert len(traced) == 2


def test_other_modules_and_other_values_are_no_reason_to_trace_again():
    net, traced = nn.Linear(2, 1, seed=0), []
    f = sg.compile(lambda x: traced.append(x) or net(x))
    for _ in range(3):
        f(X)
        nn.Linear(2, 2).eval()
        net.weight.assign(net.weight * 2)
    assert len(traced) == 1


def test_a_module_that_is_not_needed_any_more_goes():
    net = nn.Sequential(nn.Linear(2, 1), nn.ReLU())
    net.predict(X)
    gone = weakref.ref(net)
    del net
    assert gone() is None


def test_a_tensor_of_a_former_trace_is_refused():
    kept = []
    sg.compile(lambda x: kept.append(x * 2) or x)(x)
    with pytest.raises(NotTraceableError, match="of another trace"):
        sg.compile(lambda x: x + kept[0])(x)


def test_code_and_defaults_that_are_put_into_a_function():
    """As IPython does when it loads a module again."""

    def f(x, by=2.0):
        return by * x

    compiled, other = sg.compile(lambda x: f(x)), sg.compile(f)
    found = [*values(compiled(x), other(x))]
    f.__defaults__ = (3.0,)
    found += values(compiled(x), other(x))
    f.__code__ = (lambda x, by: by * x + 10.0).__code__
    assert [*found, *values(compiled(x), other(x))] == [2, 2, 3, 3, 13, 13]
