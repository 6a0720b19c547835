"""The five dtype rules of `subgrad.graph.dtype`, and what each refusal says."""

import asyncio
import threading

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import DTypeError, LocatedError

OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
}
COMPARISONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
FLOAT_ARRAYS = [np.array([1.0, 2.0], t) for t in (np.float16, np.float32, np.float64, np.longdouble)]


# 1. Floats without a named dtype take the default.


@pytest.mark.parametrize("data", [0.5, [0.5, 1.5], np.float64(0.5), np.float32(0.5), np.float16(0.5), *FLOAT_ARRAYS])
def test_floats_take_the_default_dtype(data):
    assert sg.tensor(data).dtype == sg.float32
    with sg.using_dtype("float64"):
        assert sg.tensor(data).dtype == sg.float64
    np.testing.assert_array_equal(sg.tensor(data).numpy(), np.asarray(data, np.float32))


def test_a_named_dtype_wins_over_the_default():
    assert sg.tensor([1, 2], dtype="float64").dtype == sg.float64
    assert sg.tensor(np.ones(2), dtype=np.float64).dtype == sg.float64
    assert sg.tensor([1.0, 2.0], dtype=int).tolist() == [1, 2]
    assert sg.tensor([0, 2], dtype=bool).tolist() == [False, True]


def test_the_default_dtype_is_set_and_restored():
    assert sg.default_dtype() == sg.float32
    sg.set_default_dtype("float64")
    assert sg.zeros(2).dtype == sg.one_hot([1], 2).dtype == sg.mean([1, 2]).dtype == sg.float64
    with sg.using_dtype("float32"):
        assert sg.tensor(1.0).dtype == sg.float32
    assert sg.default_dtype() == sg.float64


def test_a_block_is_about_its_own_thread():
    inside, seen = threading.Barrier(2, timeout=20), {}

    def block(dtype):
        with sg.using_dtype(dtype):
            inside.wait()
            seen[dtype] = sg.default_dtype(), sg.tensor(0.5).dtype
            inside.wait()

    workers = [threading.Thread(target=block, args=[d]) for d in ("float32", "float64")]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert seen == {d: (np.dtype(d),) * 2 for d in ("float32", "float64")}
    assert sg.default_dtype() == "float32"


def test_a_block_is_about_its_own_task():
    async def block(dtype):
        with sg.using_dtype(dtype):
            await asyncio.sleep(0)
            found = sg.default_dtype()
            await asyncio.sleep(0)
        return found, sg.default_dtype()

    async def together():
        return await asyncio.gather(block("float64"), block("float32"))

    assert asyncio.run(together()) == [("float64", "float32"), ("float32", "float32")]


def test_the_default_of_the_process_holds_in_all_threads_and_inside_a_block_until_its_end():
    sg.set_default_dtype("float64")
    found = []
    thread = threading.Thread(target=lambda: found.append(sg.default_dtype()))
    thread.start()
    thread.join()
    with sg.using_dtype("float64"):
        sg.set_default_dtype("float32")
        found.append(sg.default_dtype())
    assert [*found, sg.default_dtype()] == ["float64", "float32", "float64"]


def test_using_dtype_restores_after_an_exception():
    with pytest.raises(KeyError), sg.using_dtype("float64"):
        raise KeyError
    assert sg.default_dtype() == sg.float32


@pytest.mark.parametrize("dtype", ["int64", "bool", "float16", "nonsense", object])
def test_the_default_dtype_is_float32_or_float64(dtype):
    with pytest.raises(DTypeError, match="float32"):
        sg.set_default_dtype(dtype)
    assert sg.default_dtype() == sg.float32


@pytest.mark.parametrize("dtype", ["float16", "complex64", "int8", "uint16", "<U3", "nonsense", object])
def test_unknown_dtypes_are_refused_by_name(dtype):
    with pytest.raises(DTypeError, match="unknown tensor dtype .* float32, float64, int32, int64, uint8, bool"):
        sg.tensor([1.0], dtype=dtype)


# 2. Integers and bools stay.


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int32, np.int64])
def test_integers_and_bools_stay(dtype):
    assert sg.tensor(np.ones(2, dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.uint32, np.uint64])
def test_other_integers_become_int64(dtype):
    x = sg.tensor(np.array([0, np.iinfo(dtype).max // 2], dtype))
    assert x.dtype == sg.int64
    assert x.tolist() == [0, np.iinfo(dtype).max // 2]


@pytest.mark.parametrize("code", [">u1", ">i2", ">i4", ">i8", ">u4", ">f4", ">f8"])
def test_the_order_of_bytes_does_not_matter(code):
    given = np.array([[1, 2, 3], [4, 5, 120]], code)
    x, y = sg.tensor(given), sg.tensor(given.astype(given.dtype.newbyteorder("=")))
    assert (x.dtype, x.tolist()) == (y.dtype, y.tolist())


def test_python_integers_and_bools():
    assert sg.tensor([1, 2]).dtype == sg.int64
    assert sg.tensor([True]).dtype == sg.bool_


@pytest.mark.parametrize(
    ("data", "dtype", "bad"),
    [
        ([300], "uint8", "300"),
        ([-1], "uint8", "-1"),
        ([2**31], "int32", "2147483648"),
        ([-(2.0**40)], "int32", "-1099511627776"),
        ([2.0**63], "int64", "9.22"),
        ([np.inf], "int64", "inf"),
        (np.array([2**64 - 1], np.uint64), None, "18446744073709551615"),
    ],
)
def test_integers_never_wrap_around_silently(data, dtype, bad):
    with pytest.raises(DTypeError, match=f"cannot hold {bad}.*it goes from"):
        sg.tensor(data, dtype)


@pytest.mark.parametrize("data", [[0.5], [np.nan], [1.0, -0.1]])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_fractions_do_not_become_integers_silently(data, dtype):
    with pytest.raises(DTypeError, match=f"{dtype} cannot hold the fractions"):
        sg.tensor(data, dtype)


# 3. Two float dtypes never meet.


@pytest.mark.parametrize("operator", [*OPERATORS.values(), *COMPARISONS.values(), sg.maximum])
def test_mixed_floats_raise_and_name_both(operator):
    single, double = sg.tensor([1.0]), sg.tensor([1.0], "float64")
    for a, b in ((single, double), (double, single)):
        with pytest.raises(DTypeError, match="(float32 and float64|float64 and float32) do not mix"):
            operator(a, b)


@pytest.mark.parametrize(
    "join",
    [
        lambda a, b: sg.concatenate([a, b]),
        lambda a, b: sg.stack([a, b]),
        lambda a, b: sg.where([True], a, b),
        lambda a, b: sg.einsum("i,i", a, b),
    ],
)
def test_mixed_floats_raise_in_every_function_of_two_tensors(join):
    with pytest.raises(DTypeError, match="float32 and float64 do not mix"):
        join(sg.tensor([1.0]), sg.tensor([1.0], "float64"))


def test_the_error_names_the_line_of_the_user():
    a, b = sg.tensor([1.0]), sg.tensor([1.0], "float64")
    with pytest.raises(LocatedError) as caught:
        a + b
    line = caught.traceback[0].lineno + 1
    assert f"test_dtype.py:{line})" in str(caught.value)


# 4. Integers and bools take the float's dtype.


@pytest.mark.parametrize("floating", ["float32", "float64"])
@pytest.mark.parametrize("integer", ["bool", "uint8", "int32", "int64"])
@pytest.mark.parametrize("symbol", OPERATORS)
def test_integers_take_the_dtype_of_floats(symbol, integer, floating):
    operator, a, b = OPERATORS[symbol], np.array([1, 1, 0]), np.array([0.5, 2.0, 3.0])
    x, y = sg.tensor(a, integer), sg.tensor(b, floating)
    for found, expected in ((operator(x, y), operator(a, b)), (operator(y, x + 1), operator(b, a + 1))):
        assert found.dtype == floating
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("a", ["bool", "uint8", "int32", "int64"])
@pytest.mark.parametrize("b", ["bool", "uint8", "int32", "int64"])
def test_integers_meet_as_in_numpy(a, b):
    x, y = np.array([1, 0], a), np.array([1, 1], b)
    for operator in (OPERATORS["+"], OPERATORS["*"]):
        found = operator(sg.tensor(x), sg.tensor(y))
        assert found.dtype == operator(x, y).dtype
        np.testing.assert_array_equal(found.numpy(), operator(x, y))


def test_division_and_functions_of_integers_are_floats():
    for found in (sg.tensor([1, 2]) / sg.tensor([2, 2]), sg.tensor([1, 2]) / 2, 1 / sg.tensor([1, 2])):
        assert found.dtype == sg.float32
    assert (sg.tensor([1, 2]) / 2).tolist() == [0.5, 1.0]
    assert sg.exp([0]).dtype == sg.sqrt(sg.tensor([True])).dtype == sg.softmax([1, 2]).dtype == sg.float32
    assert sg.square([1, 2]).dtype == (sg.tensor([3]) ** 2).dtype == sg.int64


# 5. Scalars take the dtype of the tensor.

SCALARS = [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.float16(2.5), np.int8(2), np.int64(2), np.bool_(True)]


@pytest.mark.parametrize("scalar", SCALARS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("operator", [OPERATORS[s] for s in "+-*/"] + [OPERATORS["**"]])
def test_scalars_take_the_dtype_of_a_float_tensor_on_both_sides(operator, dtype, scalar):
    x, same = np.array([0.5, 2.0], dtype), np.dtype(dtype).type(scalar)
    for found, expected in (
        (operator(sg.tensor(x, dtype), scalar), operator(x, same)),
        (operator(scalar, sg.tensor(x, dtype)), operator(same, x)),
    ):
        assert found.dtype == dtype
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "scalar", "expected"),
    [
        ("int64", 2, "int64"), ("int64", True, "int64"), ("int64", 2.0, "float32"), ("int32", 2, "int32"),
        ("int32", np.int64(2), "int32"), ("int32", np.float64(2), "float32"), ("uint8", 2, "uint8"),
        ("uint8", True, "uint8"), ("uint8", 0.5, "float32"), ("bool", 2, "int64"), ("bool", True, "bool"),
        ("bool", 0.5, "float32"), ("bool", np.uint8(3), "uint8"),
    ],
)  # fmt: skip
def test_scalars_and_tensors_of_integers_and_bools(dtype, scalar, expected):
    x = sg.tensor([1, 0], dtype)
    for found in (x + scalar, scalar + x):
        assert found.dtype == expected
        np.testing.assert_array_equal(found.numpy(), np.array([1, 0], expected) + np.array(scalar, expected))


@pytest.mark.parametrize("scalar", [300, -1, np.int64(256)])
def test_an_integer_that_the_dtype_cannot_hold_raises(scalar):
    with pytest.raises(DTypeError, match=f"uint8 cannot hold {scalar}"):
        sg.tensor([1], "uint8") + scalar


@pytest.mark.parametrize("compare", COMPARISONS.values())
def test_comparisons_are_bools(compare):
    x = np.array([0.5, 2.0, 2.5])
    for other in (2, 2.0, np.array([0.5, 0.5, 3.0]), np.float32(2)):
        assert compare(sg.tensor(x), other).dtype == sg.bool_
        np.testing.assert_array_equal(compare(sg.tensor(x), other).numpy(), compare(x, other))
        np.testing.assert_array_equal(compare(other, sg.tensor(x)).numpy(), compare(other, x))


# NumPy arrays beside tensors


@pytest.mark.parametrize("operator", OPERATORS.values())
@pytest.mark.parametrize("array", [*FLOAT_ARRAYS, np.array([1, 2]), np.array([True, True]), np.array([1, 2], np.uint8)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_take_the_dtype_of_a_float_tensor_on_both_sides(operator, array, dtype):
    x, same = np.array([3.0, 4.0], dtype), array.astype(dtype)
    for found, expected in (
        (operator(sg.tensor(x, dtype), array), operator(x, same)),
        (operator(array, sg.tensor(x, dtype)), operator(same, x)),
    ):
        assert isinstance(found, sg.Tensor)
        assert found.dtype == dtype
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_float_arrays_beside_integer_tensors_take_the_default_dtype():
    found = np.array([0.5]) * sg.tensor([3])
    assert (found.dtype, found.tolist()) == (sg.float32, [1.5])


def test_lists_beside_tensors():
    assert ([1.0, 2.0] * sg.tensor([3.0, 4.0], "float64")).dtype == sg.float64
    assert (sg.tensor([3, 4]) * [1, 2]).tolist() == [3, 8]


def test_astype_converts_where_the_rules_refuse():
    x = sg.tensor([1.7, -1.7, 0.0])
    assert x.astype("float64").dtype == sg.float64
    assert x.astype("int64").tolist() == [1, -1, 0]
    assert x.astype(bool).tolist() == [True, True, False]
    assert sg.full((2,), 2.5).astype("int32").tolist() == [2, 2]
    assert x.astype("float32") is x
    with pytest.raises(DTypeError, match="unknown tensor dtype"):
        x.astype("float16")
