"""WebAssembly, with vectors and without, computes what the interpreter computes."""

import numpy as np
import pytest
from exported_code import WasmCode, inputs_of, interpreted, numbers, routines, whole

import subgrad as sg
from subgrad import nn


def check(made, simd, given=None, tolerance=2e-5):
    """The first routine, called once."""
    routine, code = made.each[0], WasmCode(made, simd)
    given = inputs_of(routine) if given is None else given
    results, state = code.call(routine, given)
    wanted, after = interpreted(routine, whole(made.state), given)
    assert results or state
    for got, value in zip(results, wanted, strict=True):
        np.testing.assert_allclose(got, value, rtol=tolerance, atol=tolerance)
    now, then = numbers(made.state, state), numbers(made.state, after)
    for name, value in then.items():
        np.testing.assert_allclose(now[name], value, rtol=tolerance, atol=tolerance, err_msg=name)


BATCH = np.zeros((6, 5), np.float32), np.array([0, 1, 2, 0, 1, 2])
both = pytest.mark.parametrize("simd", [True, False], ids=["vectors", "scalars"])


@both
def test_elementary_functions(simd):
    def each(x, wide):
        size = abs(x) + 0.1
        return (
            sg.exp(-size), sg.log(size), sg.tanh(x), sg.sigmoid(x), sg.erf(x), sg.softplus(x), sg.sqrt(size),
            sg.floor(x / 7), sg.sin(x), sg.sin(wide), sg.cos(wide), sg.exp(wide / 1e300),
        )  # fmt: skip

    x = np.array([-2.5, -0.3, 0.0, 0.4, 1.0, 3.7, 100.0, 1e12, -3e20], np.float32)  # the last are far for sin
    wide = np.array([-2.5, 0.0, 710.0, 1e12, -6381956970095103 * 2.0**797])
    example = sg.tensor(x, dtype="float32"), sg.tensor(wide, dtype="float64")
    check(routines(each, example), simd, [x, wide])


@both
def test_a_step_of_an_mlp(simd):
    net = sg.models.mlp(5, 7, 3, activation="tanh", seed=0)
    check(routines(net, BATCH, loss="cross_entropy", optimizer=sg.Adam(0.1)), simd)


def test_a_step_of_a_convolutional_network():
    net = nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1, seed=0), nn.BatchNorm2d(5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(45, 3, seed=1),
    )  # fmt: skip
    batch = np.zeros((4, 2, 6, 6), np.float32), np.array([0, 1, 2, 0])
    check(routines(net, batch, loss="cross_entropy", optimizer=sg.SGD(0.1, momentum=0.9)), True)


@both
def test_remainders_of_floats_are_exact(simd):
    """They are those of a library of C, which there is none of here."""
    rng = np.random.default_rng(0)
    special = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, -3e-320, 1e-310, 2.5e-308, 1.7e308, 3.0]
    drawn = rng.normal(size=400) * 10.0 ** rng.integers(-320, 308, 400)
    x, y = (a.ravel() for a in np.meshgrid(np.append(special, drawn[:60]), np.append(special, drawn[60:120])))
    code = routines(sg.remainder, (sg.tensor(x, dtype="float64"), sg.tensor(y, dtype="float64")))
    (got,), _ = WasmCode(code, simd).call(code.each[0], [x, y])
    with np.errstate(all="ignore"):
        single = x.astype(np.float32), y.astype(np.float32)
        wanted, narrow = np.remainder(x, y), np.remainder(*single)
    np.testing.assert_array_equal(got, wanted)
    code = routines(sg.remainder, tuple(sg.tensor(a, dtype="float32") for a in single))
    (got,), _ = WasmCode(code, simd).call(code.each[0], single)
    np.testing.assert_array_equal(got, narrow)


def test_a_step_that_draws():
    net = nn.Sequential(nn.Linear(5, 8, seed=0), nn.Dropout(0.5), nn.Linear(8, 1, seed=1))
    made = routines(net, (BATCH[0], np.zeros(6)), loss="squared", optimizer=sg.SGD(0.1))
    assert [r.draws for r in made.each] == [True, False]
    check(made, True)


def test_a_loop_over_time():
    check(routines(nn.LSTM(3, 5, seed=0), np.zeros((2, 4, 3), np.float32)), False)


def test_attention_and_an_embedding():
    net = nn.Sequential(nn.Embedding(7, 8, seed=0), nn.TransformerBlock(8, 2, seed=1))
    check(routines(net, np.zeros((2, 5), np.int64)), True)


def test_a_function_of_doubles_with_trees_in_and_out():
    def pair(x, more):
        return {"sum": x + more["b"][0], "largest": more["b"].max()}

    x, b = sg.zeros(3, "float64"), sg.zeros(4, "float64")
    made = routines(pair, (x, {"b": b, "mode": None}))
    (routine,) = made.each
    assert [a.name for a in (*routine.arguments, *routine.results)] == ["x", "more_b", "sum", "largest"]
    check(made, False, tolerance=1e-15)
