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
from live_values import X, values, x

import subgrad as sg
from subgrad import nn

SCALE, TABLE = 2.0, np.array([1.0, 2.0])


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
