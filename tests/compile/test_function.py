"""`sg.compile`: what it takes and returns, parameters, random numbers, many steps a call, and the ways to fall back."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile.runtime import fallback
from subgrad.errors import ArgumentError, NotTraceableError, ShapeError
from subgrad.graph.op import TABLE


def array(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.fixture
def no_llvmlite(monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    fallback.say_once.cache_clear()
    yield
    fallback.say_once.cache_clear()


# Arguments and results


def test_it_computes_what_the_function_does():
    def f(x, y):
        return sg.softmax(x @ y) * 2

    x, y = array(4, 3), array(3, 5, seed=1)
    np.testing.assert_allclose(sg.compile(f)(x, y), f(sg.tensor(x), sg.tensor(y)).numpy(), rtol=1e-6)


def test_it_keeps_the_name_and_the_docstring():
    @sg.compile
    def doubled(x):
        """Twice x."""
        return 2 * x

    assert (doubled.__name__, doubled.__doc__) == ("doubled", "Twice x.")


def test_trees_go_in_and_come_out():
    @sg.compile
    def f(a, rest):
        return {"sum": a + rest["b"][0], "all": [rest["b"], (a,)], "none": None}

    a, b, c = (array(3, seed=k) for k in range(3))
    found = f(a, {"b": (b, c)})
    np.testing.assert_array_equal(found["sum"], a + b)
    assert isinstance(found["all"][0], tuple)
    np.testing.assert_array_equal(found["all"][0][1], c)
    np.testing.assert_array_equal(found["all"][1][0], a)
    assert found["none"] is None


def test_the_same_arrays_nested_otherwise_are_another_trace():
    lengths = lambda args: sum(len(a) if isinstance(a, list) else 1 for a in args)  # noqa: E731
    f = sg.compile(lambda *args: len(args) * 10 + lengths(args) + 0 * args[0][0])
    x = np.zeros(2, np.float32)
    assert [f([x], x)[0], f([x, x])[0], f([x], [x])[0], f([x, x], [])[0]] == [22, 12, 22, 22]


def test_lists_tuples_and_dicts_of_the_same_arrays_are_told_apart():
    f = sg.compile(lambda tree: {"list": 1.0, "tuple": 2.0, "dict": 3.0}[type(tree).__name__] + 0 * sum(leaves(tree)))
    leaves = lambda tree: tree.values() if isinstance(tree, dict) else tree  # noqa: E731
    x = np.zeros((), np.float32)
    assert [float(f(t)) for t in ([x, x], (x, x), {"a": x, "b": x}, [x, x])] == [1, 2, 3, 1]


def test_dicts_with_other_keys_are_another_trace():
    f = sg.compile(lambda d: d["a"] * 2 if "a" in d else d["b"] * 3)
    x = np.ones(2, np.float32)
    assert [f({"a": x})[0], f({"b": x})[0]] == [2, 3]


def test_what_is_no_data_is_a_constant_of_the_trace():
    @sg.compile
    def f(x, how, flag):
        return {"up": x + 1, "down": x - 1}[how] * (2 if flag else 1)

    x = np.zeros(2, np.float32)
    assert [f(x, h, b)[0] for h, b in (("up", False), ("down", False), ("up", True), ("up", False))] == [1, -1, 2, 1]


def test_each_combination_of_shapes_and_dtypes_is_compiled_once():
    traced = []

    @sg.compile
    def f(x):
        traced.append((x.shape, x.dtype.name))
        return (x * x).sum()

    for _ in range(2):
        for shape in ((3,), (2, 3), (), (1,), (0,), (5, 1, 2)):
            for dtype in ("float32", "float64"):
                x = sg.tensor(array(*shape), dtype)
                np.testing.assert_allclose(f(x), (x.numpy() ** 2).sum(), rtol=1e-5)
                assert f(x).dtype == dtype
    assert len(traced) == len(set(traced)) == 12


def test_results_are_the_callers_own():
    f = sg.compile(lambda x: x + 1)
    first = f(np.zeros(3, np.float32))
    second = f(np.ones(3, np.float32))
    np.testing.assert_array_equal(first, 1)
    second[:] = 9
    np.testing.assert_array_equal(f(np.zeros(3, np.float32)), 1)


@pytest.mark.parametrize("layout", [lambda x: x.T, lambda x: x[::-1], lambda x: x[:, ::2], np.asfortranarray])
def test_arrays_of_any_layout(layout):
    x = layout(array(4, 6))
    np.testing.assert_allclose(sg.compile(lambda x: x * 2)(x), x * 2)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "uint16", "int32", "int64", "float16", ">f4", ">i8"])
def test_arrays_of_other_dtypes_become_tensors_as_anywhere(dtype):
    x = np.array([0, 1, 3]).astype(dtype)
    found = sg.compile(lambda x: x * 1)(x)
    expected = (sg.tensor(x.astype(x.dtype.newbyteorder("="))) * 1).numpy()
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


def test_numbers_take_the_default_dtype():
    f = sg.compile(lambda x, rate, n: x * rate + n)
    found = f(np.ones(2, np.float32), 0.5, 3)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, 3.5)
    np.testing.assert_array_equal(f(np.ones(2, np.float32), 0.25, 4), 4.25)


def test_tensors_and_parameters_are_arguments_too():
    f = sg.compile(lambda x, w: x * w)
    np.testing.assert_array_equal(f(sg.tensor([2.0]), sg.Parameter([3.0])), [6])


def test_dlpack_arrays():
    torch = pytest.importorskip("torch")
    x = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    np.testing.assert_array_equal(sg.compile(lambda x: x.sum(0))(x), [3, 5, 7])


def test_products_over_nothing():
    f = sg.compile(lambda a, b: sg.relu(a @ b) + 1)
    np.testing.assert_array_equal(f(array(2, 0), array(0, 3)), np.ones((2, 3)))
    assert f(array(0, 2), array(2, 3)).shape == (0, 3)


def test_a_function_without_arguments_and_one_that_returns_its_argument():
    np.testing.assert_array_equal(sg.compile(lambda: sg.ones(3))(), np.ones(3))
    x = array(3)
    for found in sg.compile(lambda x: (x, x))(x):
        np.testing.assert_array_equal(found, x)
        assert not np.shares_memory(found, x)


def test_one_compiled_function_inside_another():
    inner = sg.compile(lambda x: sg.tanh(x))
    x = array(4)
    np.testing.assert_array_equal(sg.compile(lambda x: inner(x) * 2)(x), inner(x) * 2)


def test_gradients_inside():
    f = sg.compile(lambda x: sg.grad((x**3).sum(), x))
    np.testing.assert_allclose(f(np.array([1, 2], np.float32)), [3, 12], rtol=1e-6)


# Parameters


def test_parameters_are_read_at_each_call():
    w = sg.Parameter([2.0])
    f = sg.compile(lambda x: x * w)
    x = np.ones(1, np.float32)
    assert f(x) == 2
    w.assign([5.0])
    assert f(x) == 5


def test_parameters_that_the_function_assigns_have_their_new_values_after_it():
    w, v = sg.Parameter([2.0]), sg.Parameter([7.0])

    @sg.compile
    def swap_and_add(x):
        old = w + 0
        w.assign(v)
        v.assign(old + x)
        return w * 10

    found = swap_and_add(np.ones(1, np.float32))
    assert (found.item(), w.item(), v.item()) == (70, 7, 3)
    swap_and_add(np.ones(1, np.float32))
    assert (w.item(), v.item()) == (3, 8)


def test_a_graph_built_before_keeps_the_old_value():
    w = sg.Parameter([2.0])
    before = w * 10
    sg.compile(lambda x: w.assign(w + x))(np.ones(1, np.float32))
    assert (before.item(), w.item()) == (20, 3)


def test_a_training_step_follows_the_eager_one():
    def losses(compiled):
        net = sg.nn.Sequential(sg.nn.Linear(3, 8, seed=0), sg.nn.Tanh(), sg.nn.Linear(8, 1, seed=1))
        adam = sg.Adam(0.05)

        def step(x, y, state):
            loss = sg.nn.squared_loss(net(x), y)
            return loss, sg.update(net, sg.grad(loss, net), adam, state, loss)

        run, state, found = sg.compile(step) if compiled else step, adam.init(net), []
        x, y = (array(16, 3), array(16, 1)) if compiled else (sg.tensor(array(16, 3)), sg.tensor(array(16, 1)))
        for _ in range(10):
            loss, state = run(x, y, state)
            found.append(float(loss))
        return found, [p.numpy() for p in net.parameters()]

    (native, p), (eager, q) = losses(True), losses(False)
    np.testing.assert_allclose(native, eager, rtol=1e-5)
    for a, b in zip(p, q, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_an_error_inside_leaves_parameters_as_they_were():
    w = sg.Parameter([2.0])

    def f(x):
        w.assign(w * 3)
        raise ValueError("of this test")

    with pytest.raises(ValueError, match="of this test"):
        sg.compile(f)(np.ones(1, np.float32))
    assert w.item() == 2


# Random numbers


def test_dropout_draws_anew_at_each_call_and_again_for_the_same_seed():
    f = sg.compile(sg.nn.Dropout(0.5))
    x = np.ones(200, np.float32)

    def draws():
        sg.manual_seed(11)
        return [f(x) for _ in range(3)]

    first, again = draws(), draws()
    assert set(np.unique(first)) == {0, 2}
    assert len({d.tobytes() for d in first}) == 3
    np.testing.assert_array_equal(first, again)


# Many steps


def test_scan_carries_and_stacks():
    fibonacci = sg.compile(lambda pair, x: ((pair[1], pair[0] + pair[1]), pair[0] + x))
    last, seen = fibonacci.scan((np.float32(0), np.float32(1)), np.zeros(10, np.float32))
    assert [float(v) for v in last] == [55, 89]
    assert seen.tolist() == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]


@pytest.mark.parametrize("hidden", [False, True])
def test_scan_is_a_loop_of_calls(hidden, monkeypatch):
    if hidden:
        monkeypatch.setitem(sys.modules, "llvmlite", None)
        fallback.say_once.cache_clear()
        monkeypatch.setattr(warnings, "warn", lambda *_, **__: None)
    w = sg.Parameter(array(3, 3, seed=5))

    def f(carry, x):
        w.assign(w * 0.9)
        state = sg.tanh(carry["state"] @ w + x["in"])
        return {"state": state, "count": carry["count"] + 1}, [state.sum(), carry["state"]]

    start, xs = {"state": array(3), "count": np.float32(0)}, {"in": array(6, 3, seed=2)}
    last, (sums, states) = sg.compile(f).scan(start, xs)
    after = w.numpy()
    w.assign(array(3, 3, seed=5))
    looped, carry = sg.compile(f), start
    for i in range(6):
        np.testing.assert_array_equal(states[i], carry["state"])
        carry, (total, _) = looped(carry, {"in": xs["in"][i]})
        np.testing.assert_allclose(sums[i], total, rtol=1e-6)
    np.testing.assert_allclose(last["state"], carry["state"], rtol=1e-6)
    assert last["count"] == 6
    np.testing.assert_array_equal(after, w.numpy())
    np.testing.assert_array_equal(start["state"], array(3))


def test_a_scan_draws_anew_in_each_step():
    drop = sg.nn.Dropout(0.5)
    _, found = sg.compile(lambda c, x: (c, drop(x))).scan(None, np.ones((5, 100), np.float32))
    assert len({row.tobytes() for row in found}) == 5


def test_a_scan_of_other_trees_with_the_same_arrays_is_another_trace():
    f = sg.compile(lambda c, x: (c, c["a"] - x if isinstance(c, dict) else c[0] + x))
    one, xs = np.float32(1), np.ones(2, np.float32)
    assert f.scan({"a": one}, xs)[1].tolist() == [0, 0]
    assert f.scan([one], xs)[1].tolist() == [2, 2]


def test_scan_says_what_does_not_fit():
    f = sg.compile(lambda c, x, y: (c, x + y))
    with pytest.raises(ShapeError, match=r"one number of steps, got \[2, 3\]"):
        f.scan(None, np.zeros(2, np.float32), np.zeros(3, np.float32))
    with pytest.raises(ShapeError, match="the carry like"):
        sg.compile(lambda c, x: (sg.stack([c, c]), x)).scan(np.float32(0), np.zeros(2, np.float32))
    with pytest.raises(ShapeError, match="returns \\(carry, results\\)"):
        sg.compile(lambda c, x: c + x).scan(np.float32(0), np.zeros(2, np.float32))


# What cannot be traced


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x * float(x[0]),
        lambda x: [x for _ in range(int(x[0]))],
        lambda x: sg.tensor(x.numpy()),
        lambda x: x if (x > 0).tolist()[0] else -x,
    ],
)
def test_asking_for_a_value_while_tracing(f):
    with pytest.raises(NotTraceableError, match="not known while a function is traced"):
        sg.compile(f)(np.ones(2, np.float32))


def test_an_error_in_a_trace_names_the_users_line():
    with pytest.raises(ShapeError, match="test_function.py"):
        sg.compile(lambda x: x @ x)(array(2, 3))


def test_results_that_are_no_tensors_and_programs_that_are_not_there():
    with pytest.raises(ArgumentError, match="expected tensors, or dicts and lists of them, got int"):
        sg.compile(lambda x: 3)(array(2))
    with pytest.raises(ArgumentError, match="nothing is compiled before the first call"):
        sg.compile(lambda x: x).program()


def test_the_program_can_be_read():
    f = sg.compile(sg.nn.Sequential(sg.nn.Linear(3, 4), sg.nn.ReLU()))
    f(array(2, 3))
    assert "contract [2, 4]: contract, add, relu" in f.program().source()
    assert f.program().memory.size == 0
    assert "define" in f.program().ir


# Falling back to the interpreter


def test_without_llvmlite_one_warning_and_the_same_values(no_llvmlite):
    w = sg.Parameter([2.0])

    def f(x):
        w.assign(w + 1)
        return {"y": sg.exp(x) * w}

    g, x = sg.compile(f), np.zeros(2, np.float32)
    with pytest.warns(UserWarning, match="llvmlite is not installed: functions and training steps are interpreted"):
        first = g(x)["y"]
    second = g(x)["y"]  # a second warning would be an error
    sg.compile(lambda x: x * 2)(x)
    assert (first.tolist(), second.tolist(), w.item()) == ([3, 3], [4, 4], 4)


def test_an_op_that_is_not_lowered_is_interpreted_with_one_warning():
    fallback.say_once.cache_clear()

    op = sg.defop(name="cube_root")(lambda x: np.cbrt(x))
    try:
        f = sg.compile(lambda x: op(x) + 1)
        with pytest.warns(UserWarning, match="the compiler does not know the op 'cube_root'"):
            found = f(np.array([8.0], np.float32))
        assert found == pytest.approx(3)
        assert f(np.array([[27.0]], np.float32)) == pytest.approx(4)
        carry, _ = sg.compile(lambda c, x: (op(c) + x, x)).scan(np.float32(8), np.zeros(1, np.float32))
        assert carry == pytest.approx(2)
    finally:
        del TABLE["cube_root"]


def test_importing_the_package_does_not_load_llvm():
    path = [p for p in sys.path if p]
    code = f"import sys; sys.path[:0] = {path!r}; import subgrad; print('llvmlite' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
