"""Compiled functions and `predict` see what is live when they are called, as eager code does, and no trace too many."""

import array
import collections
import contextvars
import dataclasses
import enum
import functools
import threading
import types
import weakref

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import NotTraceableError

X = np.ones((1, 2), np.float32)
x = np.ones(2, np.float32)
SCALE, TABLE = 2.0, np.array([1.0, 2.0])


def values(*calls):
    return [float(np.ravel(found)[0]) for found in calls]


# Arguments that are no data


@dataclasses.dataclass
class Config:
    scale: object


@dataclasses.dataclass(frozen=True)
class Frozen:
    scale: object


class Named:
    """Equal by name alone."""

    def __init__(self, name, scale):
        self.name, self.scale = name, scale

    def __eq__(self, other):
        return self.name == other.name

    def __hash__(self):
        return hash(self.name)


class Held:
    def __init__(self, held):
        self.held = held


class Colour(enum.Enum):
    RED, GREEN = 2.0, 3.0


def test_objects_are_known_by_what_they_hold():
    f = sg.compile(lambda x, c: x * c.scale)
    assert values(*(f(x, Config(float(k))) for k in range(1, 6))) == [1, 2, 3, 4, 5]
    assert values(f(x, Named("a", 1.0)), f(x, Named("a", 2.0)), f(x, types.SimpleNamespace(scale=4.0))) == [1, 2, 4]


def test_an_object_that_changes_between_calls():
    f, config = sg.compile(lambda x, c: x * c.scale), Config(2.0)
    before = f(x, config)
    config.scale = 3.0
    assert values(before, f(x, config)) == [2, 3]


@pytest.mark.parametrize("make", [Config, Frozen, lambda k: [str(k), (k is True, type(k).__name__)]])
def test_numbers_that_are_equal_are_told_apart_by_type(make):
    kind = lambda c: type(c.scale).__name__ if hasattr(c, "scale") else c[1][1]  # noqa: E731
    f = sg.compile(lambda x, c: x * {"bool": 2.0, "int": 3.0, "float": 4.0}[kind(c)])
    assert values(*(f(x, make(k)) for k in (True, 1, 1.0, True))) == [2, 3, 4, 2]


def test_zeros_of_either_sign_and_nan():
    f = sg.compile(lambda x, c: x / c.scale)
    assert values(f(x, Frozen(0.0)), f(x, Frozen(-0.0))) == [np.inf, -np.inf]
    assert np.isnan(f(x, Frozen(np.nan))).all()


def test_constants_of_many_kinds():
    f = sg.compile(lambda x, c: x * c.value)
    assert values(f(x, Colour.RED), f(x, Colour.GREEN)) == [2, 3]
    f = sg.compile(lambda x, s: x[s].sum())
    assert values(f(np.arange(5.0), slice(0, 2)), f(np.arange(5.0), slice(2, 5))) == [1, 9]
    f = sg.compile(lambda x, s: x * len(s))
    assert values(f(x, {"a", "b"}), f(x, {"a"}), f(x, b"abc"), f(x, "abcd"), f(x, range(5))) == [2, 1, 3, 4, 5]
    f = sg.compile(lambda x, d: x * next(iter(d)))
    assert values(f(x, {1: x}), f(x, {2: x}), f(x, {2.5: x}), f(x, {True: x})) == [1, 2, 2.5, 1]


def test_lists_of_strings_that_grow():
    f, names = sg.compile(lambda x, names: x * len(names)), ["a"]
    before = f(x, names)
    names.append("b")
    assert values(before, f(x, names)) == [1, 2]


def test_functions_are_known_by_code_and_what_they_close_over():
    traced = []

    def apply(x, g):
        traced.append(g)
        return g(x)

    f, by = sg.compile(apply), lambda k: lambda x: x * k
    assert values(f(x, by(2.0)), f(x, by(3.0)), f(x, by(2.0)), f(x, lambda x: x - 1)) == [2, 3, 2, 0]
    assert len(traced) == 3


def test_arguments_by_name():
    f = sg.compile(lambda x, *, scale, how="times": x * scale if how == "times" else x + scale)
    assert values(f(x, scale=2.0), f(x, scale=x), f(x, scale=2.0, how="plus")) == [2, 1, 3]


def test_a_module_as_an_argument():
    f, net = sg.compile(lambda net, x: net(x)), nn.Linear(2, 1, seed=0)
    before = f(net, X)
    np.testing.assert_allclose(before, net(X).numpy(), rtol=1e-6)
    net.weight.assign(net.weight * 2)
    net.bias.assign([5.0])
    np.testing.assert_allclose(f(net, X), net(X).numpy(), rtol=1e-6)
    np.testing.assert_allclose(f(nn.Linear(2, 1, seed=3), X), nn.Linear(2, 1, seed=3)(X).numpy(), rtol=1e-6)


# What the function reaches


def helper(x):
    return x * SCALE


def test_globals_also_those_of_functions_that_it_calls(monkeypatch):
    f, g = sg.compile(lambda x: helper(x)), sg.compile(lambda x: x * TABLE)
    before = values(f(x), g(x))
    monkeypatch.setitem(globals(), "SCALE", 5.0)
    monkeypatch.setitem(globals(), "TABLE", np.array([7.0, 0.0]))
    assert (before, values(f(x), g(x))) == ([2, 1], [5, 7])
    monkeypatch.setitem(globals(), "helper", lambda x: x - 1)
    assert values(f(x)) == [0]


def _global(name):
    return globals()[name]


def test_globals_by_a_name_in_a_string(monkeypatch):
    f, g = sg.compile(lambda x: x * globals()["SCALE"]), sg.compile(lambda x: x * _global("SCALE"))
    assert values(f(x), g(x)) == [2, 2]
    monkeypatch.setattr(f"{__name__}.SCALE", 7.0)
    assert values(f(x), g(x)) == [7, 7]


class OfClasses(type):
    factor = 2.0

    @property
    def scale(cls):
        return cls.hidden


class OfUsers(metaclass=OfClasses):
    hidden = 3.0


def test_what_a_class_of_classes_holds(monkeypatch):
    f = sg.compile(lambda x: x * OfUsers.factor * OfUsers.scale)
    assert values(f(x)) == [6]
    monkeypatch.setattr(OfClasses, "factor", 5.0)
    assert values(f(x)) == [15]
    monkeypatch.setattr(OfUsers, "hidden", 1.0)
    assert values(f(x)) == [5]


def test_variables_of_a_closure():
    scale, table, settings, tensor = 2.0, np.array([1.0, 1.0]), {"k": [1.0]}, sg.tensor([1.0, 1.0])
    f = sg.compile(lambda x: x * scale * table * settings["k"][0] * tensor)
    found = values(f(x))
    scale = 3.0
    found += values(f(x))
    table[0] = 2.0
    found += values(f(x))
    settings["k"][0] = 2.0
    found += values(f(x))
    tensor = sg.tensor([2.0, 2.0])
    assert [*found, *values(f(x))] == [2, 3, 6, 12, 24]


def test_objects_and_classes_around_it():
    class Settings:
        scale = 2.0

    class Model:
        def __init__(self):
            self.scale, self.losses, self._hidden = 2.0, [], 1.0

        @property
        def factor(self):
            return self._hidden * self.scale

        def step(self, x):
            return x * self.factor * Settings.scale * getattr(self, "late", 1.0)

    model, traced = Model(), []
    f = sg.compile(model.step)
    found = values(f(x))
    for change in ({"scale": 3.0}, {"_hidden": 2.0}, {"late": 10.0}):
        vars(model).update(change)
        found += values(f(x))
    Settings.scale = 4.0
    assert [*found, *values(f(x))] == [4, 6, 12, 120, 240]
    g = sg.compile(lambda x: traced.append(x) or model.step(x))
    for k in range(3):
        g(x)
        model.losses.append(k)  # nobody who is traced asks for it
    assert len(traced) == 1


def _changed(f, change):
    """What a compiled function gives before and after a change of what it reads."""
    compiled = sg.compile(f)
    before = values(compiled(x), compiled(x))
    change()
    return [*before, *values(compiled(x), compiled(x))]


def test_buffers_and_arrays_of_objects_that_change():
    kept, numbers, objects = bytearray(b"\x01"), array.array("d", [1.0]), np.array([1.0, None], object)
    assert _changed(lambda x: x * kept[0], lambda: kept.__setitem__(0, 5)) == [1, 1, 5, 5]
    assert _changed(lambda x: x * numbers[0], lambda: numbers.__setitem__(0, 5)) == [1, 1, 5, 5]
    assert _changed(lambda x: x * objects[0], lambda: objects.__setitem__(0, 5.0)) == [1, 1, 5, 5]


def test_the_order_and_the_views_of_a_dict():
    table = collections.OrderedDict(a=1.0, b=5.0)
    get, found = table.get, table.values()
    assert _changed(lambda x: x * next(iter(table.values())), lambda: table.move_to_end("a")) == [1, 1, 5, 5]
    assert _changed(lambda x: x * get("a"), lambda: table.__setitem__("a", 2.0)) == [1, 1, 2, 2]
    assert _changed(lambda x: x * max(found), lambda: table.__setitem__("a", 7.0)) == [5, 5, 7, 7]


def test_variables_of_contexts_and_of_threads():
    variable, local = contextvars.ContextVar("variable", default=1.0), threading.local()
    local.scale = 1.0
    assert _changed(lambda x: x * variable.get(), lambda: variable.set(5.0)) == [1, 1, 5, 5]
    assert _changed(lambda x: x * local.scale, lambda: setattr(local, "scale", 5.0)) == [1, 1, 5, 5]
    f, found = sg.compile(lambda x: x * getattr(local, "scale", 9.0)), []
    threads = [threading.Thread(target=lambda: found.append(f(x))) for _ in range(2)]
    found.append(f(x))
    for thread in threads:
        thread.start()
        thread.join()
    assert values(*found, f(x)) == [5, 9, 9, 5]


def test_what_weak_tables_and_caches_lead_to():
    one, other, scale = types.SimpleNamespace(scale=1.0), types.SimpleNamespace(scale=5.0), [1.0]
    keep = [Held(one), Held(other)]
    weak = weakref.WeakValueDictionary(a=keep[0])
    assert _changed(lambda x: x * weak["a"].held.scale, lambda: weak.__setitem__("a", keep[1])) == [1, 1, 5, 5]

    @functools.cache
    def cached():
        return scale[0]

    def change():
        scale[0] = 5.0
        cached.cache_clear()

    assert _changed(lambda x: x * cached(), change) == [1, 1, 5, 5]


def test_what_a_trace_writes_itself_in_such_places():
    traces, kept, variable = [], bytearray(1), contextvars.ContextVar("variable", default=0)

    def f(x):
        traces.append(None)
        kept[0] += 1
        variable.set(variable.get() + 1)
        return x * 2

    compiled = sg.compile(f)
    assert values(*(compiled(x) for _ in range(4))) == [2, 2, 2, 2]
    assert len(traces) == 1


def test_partial_functions_defaults_and_weak_references():
    settings = {"k": 2.0}

    def scaled(x, settings=settings):
        return x * settings["k"]

    class Holder:
        scale = 1.0

    holder = Holder()
    fs = sg.compile(scaled), sg.compile(functools.partial(lambda x, s: x * s["k"], s=settings))
    weak = weakref.ref(holder)
    g = sg.compile(lambda x: x * weak().scale)
    before = values(*(f(x) for f in fs), g(x))
    settings["k"], holder.scale = 3.0, 4.0
    assert (before, values(*(f(x) for f in fs), g(x))) == ([2, 2, 1], [3, 3, 4])


def test_the_default_dtype():
    f = sg.compile(lambda: sg.ones(2) / 3)
    assert f().dtype == np.float32
    with sg.using_dtype("float64"):
        assert f().dtype == np.float64
    assert f().dtype == np.float32
    sg.set_default_dtype("float64")
    assert f().dtype == np.float64


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


# Dtypes


def test_floats_without_a_dtype_take_that_of_the_parameters_or_the_default():
    with sg.using_dtype("float64"):
        double = nn.Linear(2, 1, seed=0)
    single, rows = nn.Linear(2, 1, seed=0), [[1.0, 2.0]]
    for net, dtype in ((single, "float32"), (double, "float64")):
        f = sg.compile(lambda x, net=net: net(x))
        for data in (rows, *(np.array(rows, d) for d in ("float64", "float32", "float16", ">f8"))):
            for call in (f, net.predict, sg.compile(net)):
                found = call(data)
                assert found.dtype == dtype
                np.testing.assert_allclose(found, net(np.array(rows)).numpy(), rtol=1e-6)
        np.testing.assert_allclose(net.predict(((1.0, 2.0),)), net(rows).numpy(), rtol=1e-6)
    identity = sg.compile(lambda x: x * 1)
    assert identity(np.ones(2)).dtype == np.float32
    assert identity(sg.tensor([1.0], "float64")).dtype == np.float64
    assert (identity([1, 2]).dtype, identity([1, 2.5]).tolist()) == (np.int64, [1, 2.5])


def test_numbers_too_large_for_the_dtype_are_infinite_without_a_warning():
    f = sg.compile(lambda x: x * 1)
    assert values(f(np.array([1e300])), f(np.array([1e300]))) == [np.inf, np.inf]


# Threads


def test_each_thread_has_its_own_default_dtype():
    f, wrong = sg.compile(lambda x: sg.tanh(x) * 1), []

    def work(dtype):
        with sg.using_dtype(dtype):
            wrong.extend(dtype for _ in range(100) if f(np.ones(3)).dtype != dtype)

    threads = [threading.Thread(target=work, args=[d]) for d in ("float32", "float64")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_model_is_served_while_it_is_trained():
    """What the server finds is some state of training, never a mix: all weights are the number of the step."""
    net = nn.Sequential(*(nn.Linear(1, 1, bias=False) for _ in range(12)))
    for _, p in net.named_state():
        p.assign([[1.0]])
    weights = net.parameters()

    @sg.compile
    def step(x):
        for w in weights:
            w.assign(w + 1.0)
        return x.sum()

    one, stop, wrong = np.ones((1, 1), np.float32), threading.Event(), []

    def train():
        while not stop.is_set() and float(weights[0].numpy()[0, 0]) < 200:
            step(one)

    trainer = threading.Thread(target=train)
    trainer.start()
    for _ in range(300):
        for found in (net.predict(one), sg.predict(net, one)):
            root = float(np.float64(found[0, 0]) ** (1 / 12))
            if abs(root - round(root)) > 1e-3:
                wrong.append(root)
    stop.set()
    trainer.join()
    assert not wrong
