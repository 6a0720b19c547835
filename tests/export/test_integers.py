"""Networks in integers of 8 bits: on every machine bit by bit what NumPy makes of the same integers."""

import re

import numpy as np
import pytest
from emulated import Machine
from exported_code import WasmCode, interpreted, routines

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, ShapeError
from subgrad.export.integer.quantize import behind, quantized
from subgrad.export.routine import Routines

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(60, 6)).astype(np.float32)
NET = sg.models.mlp(6, 9, 3, seed=0)


def layer(codes, zero, weights, bias, scale, out, relu):
    """A linear layer in integers, written down from what is said of it: weights of 8 bits with a scale a channel, and
    a product in 32 bits whose lower half is cut off."""
    unit = np.abs(weights).max(1) / 127
    whole = np.rint(weights / unit[:, None]).astype(np.int64)
    sums = codes.astype(np.int64) @ whole.T
    unit = unit * scale
    bias = bias - unit * zero * whole.sum(1)
    room = max(255 * np.maximum(whole, 0).sum(1).max(), -255 * np.minimum(whole, 0).sum(1).min())
    finer = 1 << int(np.floor(np.log2((2**30 - 1) / room)))
    sums, unit = sums * finer, unit / finer
    if out is None:
        step = unit.max() * 2**16 / (2**15 - 1)
        cut, offset = 0, np.rint(bias / step)
    else:
        cut = max(c for c in range(21) if (unit / out[0] * 2**c).max() * 2**16 < 2**15 - 0.5)
        step = out[0] / 2**cut
        offset = np.rint(bias / step + (out[1] << cut) + (1 << cut >> 1))
    products = sums * np.rint(unit / step * 2**16).astype(np.int64) >> 16
    found = products + offset.astype(np.int64) >> cut
    return (np.clip(found, 0, 255), out) if out is not None else (found, (step, 0))


def test_a_network_is_the_integers_that_are_written_down():
    made, _ = quantized(routines(NET), ROWS)
    (routine,) = made.each
    low, high = min(ROWS.min(), 0), max(ROWS.max(), 0)
    grid = (high - low) / 255, round(float(-low / ((high - low) / 255)))
    np.testing.assert_allclose(routine.arguments[0].grid, grid, rtol=1e-6)
    hidden = np.maximum(ROWS @ NET.hidden1.weight.numpy().T + NET.hidden1.bias.numpy(), 0)
    codes = routine.arguments[0].grid.codes(ROWS)
    weights = [p.numpy().astype(np.float64) for _, p in NET.named_state()]
    first, out = layer(codes, grid[1], weights[0], weights[1], grid[0], (float(hidden.max()) / 255, 0), True)
    wanted, out = layer(first, 0, weights[2], weights[3], out[0], None, False)
    np.testing.assert_allclose(routine.results[0].grid.scale, out[0], rtol=1e-5)
    for row, answer in zip(codes, wanted, strict=True):
        ((got,), _) = interpreted(routine, b"", [row[None]])
        np.testing.assert_array_equal(got[0], answer)
    np.testing.assert_allclose(routine.results[0].grid.numbers(wanted), NET.predict(ROWS), atol=0.03)


class Skip(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(8, 8, seed=1)

    def forward(self, x):
        return sg.concatenate([x + self.inner(sg.relu(x)), -x[:, :2]], axis=1)


def convolutional():
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, seed=0), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 6, 2, groups=3, seed=2), nn.LeakyReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(6, 2, seed=3),
    )  # fmt: skip


def residual():
    return nn.Sequential(nn.Linear(6, 8, seed=3), nn.GELU(), Skip(), nn.Tanh(), nn.Linear(10, 1, seed=5), nn.Sigmoid())


@pytest.fixture(scope="module", params=["mlp", "convolutional", "residual"])
def network(request):
    """Integers of a network, calibration, floats and report."""
    net = {"mlp": lambda: NET, "convolutional": convolutional, "residual": residual}[request.param]()
    rows = RNG.normal(size=(40, 2, 6, 6)).astype(np.float32) if request.param == "convolutional" else ROWS
    return (*quantized(routines(net, rows[:1]), rows), net, rows)


def given_and_wanted(made, rows):
    (routine,) = made.each
    given = [routine.arguments[0].grid.codes(rows[:1])]
    return given, interpreted(routine, b"", given)[0]


@pytest.mark.parametrize("cpu", ["cortex-m0", "cortex-m4f", "rv32imc"])
def test_firmware_computes_the_same_bits(network, cpu):
    made, _, _, rows = network
    given, wanted = given_and_wanted(made, rows)
    machine = Machine(made, cpu)  # which asserts that no function of a library is called
    machine.watch_stack()
    results, _ = machine.run(made.each[0], given)
    np.testing.assert_array_equal(results[0], wanted[0])
    assert machine.code.stack - 16 <= machine.stack - machine.lowest <= machine.code.stack


@pytest.mark.parametrize("simd", [True, False], ids=["vectors", "scalars"])
def test_webassembly_computes_the_same_bits(network, simd):
    made, _, _, rows = network
    given, wanted = given_and_wanted(made, rows)
    results, _ = WasmCode(made, simd).call(made.each[0], given)
    np.testing.assert_array_equal(results[0], wanted[0])


def test_the_bound_holds_for_all_codes(network):
    """Far more of the box than calibration has seen: its corners, and points in between."""
    made, report, net, rows = network
    (routine,) = made.each
    low, high = routine.arguments[0].grid.numbers(np.array([0, 255]))
    corners = np.where(RNG.random((10, *rows.shape[1:])) < 0.5, low, high)
    inside = RNG.uniform(low, high, (10, *rows.shape[1:]))
    for x in np.concatenate([corners, inside]).astype(np.float32).astype(float):
        ((got,), _) = interpreted(routine, b"", [routine.arguments[0].grid.codes(x[None])])
        number = routine.results[0].grid.numbers(got)
        np.testing.assert_allclose(report.network(x[None]).numpy(), number, rtol=0, atol=1e-9)
        difference = np.abs(number - net.eval()(x[None]).numpy()).max()
        assert difference <= report.proven
    assert report.largest <= report.proven_inside <= report.proven < 100
    assert report.proven_inside < 4
    assert report.agreement > 0.9


def test_digits_lose_nothing_and_half_of_the_bytes(tmp_path):
    X, y = sg.data.load_digits()
    net = sg.models.mlp(64, 16, 10, seed=0)
    sg.fit(net, X, y, loss="cross_entropy", epochs=2, batch_size=64)
    whole = sg.export(net, tmp_path / "d.o", cpu="cortex-m4f")
    made = sg.export(net, tmp_path / "d.o", cpu="cortex-m0", quantize="int8", calibration=(X, y))
    assert made.needs == ()
    assert made.code < 0.5 * whole.code
    report = made.quantized
    scores = net.predict(X)
    assert (report.rows, report.before) == (len(X), np.mean(scores.argmax(1) == y))
    assert abs(report.after - report.before) < 0.01
    header = (tmp_path / "d.h").read_text()
    assert f" * int8: {report}" in header
    assert "for all inputs between the ends of their codes" in str(report)  # those that lie outside are cut off
    assert "void d_predict(const uint8_t *x, int32_t *out, size_t count, void *arena);" in header
    assert re.search(r"#define D_X_SCALE 0\.0627\d+f\n#define D_X_ZERO 0\n", header)


def test_targets_that_are_numbers_are_scored_by_their_error():
    y = ROWS.sum(1)
    _, report = quantized(routines(sg.models.mlp(6, 4, 1, seed=0)), (ROWS, y))
    wanted = np.sqrt(np.mean((sg.models.mlp(6, 4, 1, seed=0).predict(ROWS)[:, 0] - y) ** 2))
    np.testing.assert_allclose(report.before, wanted, rtol=1e-5)
    assert "before, " in str(report)


@pytest.mark.parametrize(
    ("make", "calibration", "error", "message"),
    [
        (lambda: routines(NET), None, ArgumentError, "needs data for the ranges of its numbers: calibration=X"),
        (lambda: routines(NET), ROWS[:, :5], ShapeError, r"of shape \(n, 6\), got float32\(60, 5\)"),
        (lambda: routines(NET), ROWS * np.nan, ShapeError, r"expected finite numbers.*\(60, 6\), 360 of them"),
        (lambda: routines(NET), ROWS.astype(float) * 1e300, ShapeError, "expected finite numbers"),
        (lambda: routines(NET), ROWS * np.float32(9e37), ArgumentError, "which float32 does not have"),
        (lambda: routines(lambda x: x * 1e38 * 1e38, ROWS[:1]), ROWS, ArgumentError, "expected finite results"),
        (lambda: routines(NET), (ROWS, list("a" * 60)), ArgumentError, "targets that are numbers.*, got <U1"),
        (lambda: routines(sg.tanh, 1.0), ROWS[:, 0], ArgumentError, r"networks that take rows, got an example of \(\)"),
        (lambda: routines(lambda x: x.sum(0), ROWS[:3]), ROWS, ArgumentError, r"that answer each row, got \(6,\)"),
        (lambda: routines(lambda x: sg.exp(sg.pad(x, 1, -np.inf)), ROWS[:1]), ROWS, ArgumentError, "puts -inf around"),
        (lambda: routines(NET), (ROWS, np.zeros(3)), ShapeError, r"60 rows and targets of shape \(3,\)"),
        (lambda: routines(NET), (ROWS, np.zeros((60, 7))), ShapeError, r"targets of shape \(60, 7\) do not fit scores"),
        (lambda: routines(nn.Embedding(4, 2), np.zeros(3, int)), ROWS, ArgumentError, "that takes floats"),
        (lambda: routines(nn.LayerNorm(6), ROWS[:1]), ROWS, ArgumentError, "int8: mul of .* takes several tensors"),
        (lambda: routines(lambda x: x @ x.T, ROWS[:1]), ROWS, ArgumentError, "one has to be weights"),
        (lambda: routines(nn.LSTM(6, 2), ROWS[None, :4]), ROWS[None, :4], ArgumentError, "has no rule for int8"),
        (lambda: Routines("net", routines(NET).each * 2, routines(NET).state), ROWS, ArgumentError, "one input"),
    ],
)
def test_what_does_not_go_into_integers(make, calibration, error, message):
    with pytest.raises(error, match=message):
        quantized(make(), calibration)


def test_a_pooling_of_images_with_something_around_them():
    """There -inf is around them, which no integer stands for; and a channel is the same everywhere."""
    rows = RNG.normal(size=(40, 2, 5, 5)).astype(np.float32)
    rows[:, 1] = 7
    net = nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.Conv2d(2, 3, 2, seed=0), nn.Flatten(), nn.Linear(12, 2, seed=1))
    made, report = quantized(routines(net, rows[:1]), rows)
    (routine,) = made.each
    given, result = routine.arguments[0].grid, routine.results[0].grid
    got = [result.numbers(interpreted(routine, b"", [given.codes(row[None])])[0][0]) for row in rows]
    np.testing.assert_allclose(np.concatenate(got), net.predict(rows), atol=report.proven_inside)
    assert report.proven_inside < 1


def test_a_table_is_prepared_in_floats_before_the_integers():
    words, numbers = np.array(["low", "high", None] * 12, object), [None, 1e6, *RNG.normal(50, 20, 34)]
    table = sg.data.Table({"a": numbers, "b": words, "y": RNG.normal(size=36)})
    prepared = sg.data.TablePreprocessor().fit(table, "y")
    X = prepared.transform(table)
    net = sg.models.mlp(X.shape[1], 5, 2, seed=0)
    alone, _ = quantized(routines(net, X[:1]), X)
    given = {"low": 1.0, "high": 0.0, None: np.nan}
    rows = np.array([[np.nan if a is None else a, given[b]] for a, b in zip(numbers, words, strict=True)])
    made = behind(alone, prepared.of_numbers, sg.tensor(rows[:1], dtype="float64"))
    assert (made.each[0].arguments[0].dtype, made.each[0].arguments[0].grid) == (np.float64, None)
    code = WasmCode(made)
    for row, features in zip(rows, X, strict=True):
        wanted = interpreted(alone.each[0], b"", [alone.each[0].arguments[0].grid.codes(features[None])])[0]
        np.testing.assert_array_equal(code.call(made.each[0], [row[None]])[0][0], wanted[0])


def test_quantize_and_calibration_belong_together(tmp_path):
    with pytest.raises(ArgumentError, match="quantize='int4': expected 'int8'"):
        sg.export(NET, tmp_path / "n.wasm", quantize="int4", calibration=ROWS)
    with pytest.raises(ArgumentError, match="quantize=None: expected 'int8' with calibration="):
        sg.export(NET, tmp_path / "n.wasm", calibration=ROWS)
    assert list(tmp_path.iterdir()) == []
