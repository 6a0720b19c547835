"""A tensor as a Python object: its value, when it is computed, and the protocols of Python and NumPy."""

import copy
import inspect
import re

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import DataError, DTypeError, NotTraceableError, ShapeError
from subgrad.graph.tensor import placeholder


@pytest.fixture
def counted():
    """An op that counts how often its reference runs, and the count."""
    calls = []

    @sg.defop(name="counted", vjp=lambda g, y, x: (2 * g,))
    def double(x):
        calls.append(x.shape)
        return 2 * x

    return double, calls


# Values on demand, once


def test_nothing_is_computed_before_somebody_looks(counted):
    double, calls = counted
    y = double(double([1.0, 2.0]).sum())
    assert (y.shape, y.dtype, calls) == ((), sg.float32, [])
    assert float(y) == 12
    assert calls == [(2,), ()]


def test_a_value_is_computed_once(counted):
    double, calls = counted
    x = double([1.0])
    y, z = double(x), double(x)
    for _ in range(3):
        assert (y.tolist(), z.tolist(), repr(x)) == ([4.0], [4.0], "tensor([2.])")
    assert len(calls) == 3


def test_only_what_the_value_needs_is_computed(counted):
    double, calls = counted
    x = double([1.0])
    unused = double(x)
    assert (x + 1).tolist() == [3.0]
    assert len(calls) == 1
    assert unused.tolist() == [4.0]


def test_a_value_is_the_same_array_each_time():
    y = sg.tensor([1.0]) + 1
    assert y.numpy() is y.numpy()


# Values never change


def test_values_are_read_only():
    for x in (sg.tensor([1.0, 2.0]), sg.exp([1.0, 2.0]), sg.full((2,), 1.0), sg.stop_gradient([1.0, 2.0])):
        with pytest.raises(ValueError, match="read-only"):
            x.numpy()[0] = 7
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(x)[0] = 7


def test_the_array_given_is_copied():
    for dtype in ("float32", "float64", "int64"):
        source = np.ones(2, dtype)
        x, y = sg.tensor(source, dtype), sg.tensor(np.zeros(2), dtype) + source
        source[:] = 7
        assert x.tolist() == y.tolist() == [1, 1]


def test_np_array_gives_a_copy_of_its_own():
    x = sg.tensor([1.0])
    mine = np.array(x)
    mine[0] = 7
    assert x.tolist() == [1.0]
    assert np.asarray(x, "float64").dtype == np.float64


def test_copies_of_a_tensor_are_the_tensor():
    x = sg.exp([1.0])
    assert copy.copy(x) is x
    assert copy.deepcopy({"x": x})["x"] is x


# Python's protocols


def test_numbers():
    x = sg.tensor([[2.5]])
    assert (float(x), int(x), bool(x), x.item(), f"{x:.3f}") == (2.5, 2, True, 2.5, "2.500")
    assert bool(sg.tensor(0.0)) is False
    assert isinstance(sg.tensor(3).item(), int)
    assert isinstance(sg.tensor(True).item(), bool)


@pytest.mark.parametrize("look", [float, int, bool, lambda x: x.item(), lambda x: f"{x:.2f}"])
def test_only_one_element_is_a_number(look):
    with pytest.raises(ShapeError, match=re.escape("only a tensor with one element is a number")):
        look(sg.tensor([1.0, 2.0]))


def test_an_integer_tensor_is_an_index():
    assert ["a", "b", "c"][sg.argmax([1.0, 5.0, 2.0])] == "b"
    assert list(range(sg.tensor(2))) == [0, 1]
    with pytest.raises(DTypeError, match="only an integer tensor can be an index, this one is float32"):
        ["a", "b"][sg.tensor(1.0)]


def test_length_and_iteration():
    x = sg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    a, b = x
    assert (a + b).tolist() == [4.0, 6.0]
    for look in (len, iter, list):
        with pytest.raises(ShapeError, match=re.escape("a tensor of shape () has no length")):
            look(sg.tensor(1.0))


def test_rows_of_an_iteration_carry_gradients():
    x = sg.tensor([1.0, 2.0, 3.0])
    total = sum(k * xi for k, xi in enumerate(x))
    assert sg.grad(total, x).tolist() == [0.0, 1.0, 2.0]


def test_shape_attributes():
    x = sg.zeros((2, 0, 3))
    assert (x.ndim, x.size, x.shape, x.T.shape) == (3, 0, (2, 0, 3), (3, 0, 2))
    assert (sg.tensor(1.0).ndim, sg.tensor(1.0).size) == (0, 1)


def test_repr():
    assert repr(sg.tensor([1.0, 2.5])) == "tensor([1. , 2.5])"
    assert repr(sg.tensor(3.0, "float64")) == "tensor(3., dtype=float64)"
    assert repr(sg.tensor([1, 2])) == "tensor([1, 2], dtype=int64)"
    assert repr(sg.tensor([True])) == "tensor([ True], dtype=bool)"
    assert repr(sg.Parameter([1.0])) == "Parameter([1.])"
    assert f"{sg.tensor([1, 2])}" == str(sg.tensor([1, 2]))
    with sg.using_dtype("float64"):
        assert repr(sg.tensor(3.0)) == "tensor(3.)"


def test_an_argument_has_no_value():
    x = placeholder((2,), "float32", "x")
    y = x + 1
    assert repr(y) == "<tensor add float32[2], an argument's value is not known yet>"
    assert y.is_symbolic()
    assert sg.stop_gradient(y).is_symbolic()
    assert y.detach().shape == (2,)
    with pytest.raises(NotTraceableError, match="the value of x is not known while a function is traced"):
        y.numpy()


def test_equality_is_elementwise_and_hashing_by_identity():
    x, y = sg.tensor([1.0]), sg.tensor([1.0])
    assert (x == y).tolist() == [True]
    assert len({x, y, x}) == 2


def test_detach_cuts_the_graph():
    x = sg.tensor([2.0])
    assert sg.grad((x * x.detach()).sum(), x).tolist() == [2.0]
    assert x.detach().inputs == ()


def test_a_node_knows_the_line_that_made_it():
    line = inspect.currentframe().f_lineno
    x = sg.tensor([1.0])
    y = sg.softmax(x)
    assert (x.site.file, x.site.line) == (__file__, line + 1)
    assert (y.site.line, y.inputs[0].site.line) == (line + 2, line + 2)


def test_methods_are_the_functions():
    a = np.array([[4.0, 1.0], [2.0, 3.0]])
    x = sg.tensor(a, "float64")
    pairs = {
        "sum": a.sum(1), "mean": a.mean(1), "max": a.max(1), "min": a.min(1), "var": a.var(1), "std": a.std(1),
        "norm": np.linalg.norm(a, axis=1), "argmax": a.argmax(1), "argmin": a.argmin(1), "cumsum": a.cumsum(1),
    }  # fmt: skip
    for name, expected in pairs.items():
        np.testing.assert_allclose(getattr(x, name)(1).numpy(), expected)
    for name in ("abs", "exp", "log", "sqrt", "tanh"):
        np.testing.assert_allclose(getattr(x, name)().numpy(), getattr(np, name)(a))
    np.testing.assert_array_equal(x.clip(2, 3).numpy(), a.clip(2, 3))
    np.testing.assert_array_equal(x.reshape(4, 1).squeeze(1).numpy(), a.ravel())
    np.testing.assert_array_equal(x.flatten().numpy(), a.ravel())
    np.testing.assert_array_equal(x.swapaxes(0, 1).transpose(1, 0).numpy(), a)
    np.testing.assert_array_equal((+x).numpy(), a)
    np.testing.assert_array_equal(abs(-x).numpy(), a)


def test_logic():
    a, b = np.array([True, True, False]), np.array([True, False, False])
    x, y = sg.tensor(a), sg.tensor(b)
    assert (x & y).tolist() == (a & b).tolist() == (a & y).tolist()
    assert (x | y).tolist() == (a | b).tolist() == (a | y).tolist()
    assert (~x).tolist() == (~a).tolist()
    with pytest.raises(DTypeError, match="logic needs bool tensors, got float32"):
        x & sg.tensor([1.0])


# Data that is no tensor


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[1.0], [1.0, 2.0]], "a tensor needs rectangular data"),
        ("text", "a tensor needs real numbers, got str"),
        (["a", "b"], "a tensor needs real numbers, got list"),
        (None, "a tensor needs real numbers, got NoneType"),
        ({"a": 1}, "a tensor needs real numbers, got dict"),
        ([1.0, None], "a tensor needs real numbers, got list"),
        (2j, "a tensor needs real numbers, got complex"),
        (np.array([1j]), "a tensor needs real numbers, got ndarray of dtype complex128"),
        (np.array(["2020-01-01"], "datetime64[D]"), "a tensor needs real numbers, got ndarray of dtype datetime64"),
    ],
)
def test_data_that_is_no_tensor(data, message):
    for use in (sg.tensor, sg.exp, lambda x: sg.tensor([1.0, 2.0]) * x, sg.Parameter):
        with pytest.raises(DataError, match=re.escape(message)):
            use(data)


def test_an_integer_too_large_for_any_dtype():
    with pytest.raises(DTypeError, match="expected a real number"):
        sg.tensor([1.0]) + 2**70


def test_numpy_functions_do_not_take_tensors_apart():
    with pytest.raises(TypeError, match="ufunc"):
        np.exp(sg.tensor([1.0]))


LISTS = {  # what takes a list of tensors, with its derivatives at (1, 2)
    "numbers among tensors": (lambda x: sg.sum([x[0] * 2, 1.0, 3]), [2, 0]),
    "a tuple": (lambda x: (x * (x[0], 2)).sum(), [2, 2]),
    "a matrix": (lambda x: (x @ [[x[0], 1.0], (0.0, x[1])]).sum(), [3, 4]),
    "arrays": (lambda x: sg.max([np.zeros(2), x], 0).sum(), [1, 1]),
    "an index": (lambda x: x[[sg.argmax(x), 1, 0]].sum(), [1, 2]),
    "a loss": (lambda x: sg.nn.squared_loss([x[0], x[1]], [0.0, 1.0]), [1, 1]),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_tensors_is_their_stack(name):
    f, expected = LISTS[name]
    for slopes in (sg.grad(f), sg.compile(sg.grad(f))):
        np.testing.assert_allclose(slopes([1.0, 2.0]), expected)


def test_a_list_of_rows_is_an_input():
    net, rows = sg.nn.Linear(3, 2, seed=0), np.arange(12, dtype=np.float32).reshape(4, 3)
    for call in (net, net.predict, sg.compile(net)):
        np.testing.assert_allclose(call(list(rows)), net(rows).numpy(), rtol=1e-6)
        np.testing.assert_allclose(call(list(rows[:3])), net(rows[:3]).numpy(), rtol=1e-6)
