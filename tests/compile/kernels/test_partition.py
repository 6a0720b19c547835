"""Products with large weights are shared by columns: each thread reads what it has written itself."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.kernels.partition import column_axis
from subgrad.compile.runtime.program import Program
from subgrad.fit.step import trace_step


def columns_shared(program):
    """The shapes of the products that threads share by columns."""
    slots = [slot for slot, _ in program.schedule.flat() if slot.kernel.kind == "contract"]
    return [s.kernel.seed.shape for s in slots if s.axis is not None and s.axis == column_axis(s.kernel.seed)]


def net(inputs, hidden, outputs=10):
    return nn.Sequential(nn.Linear(inputs, hidden, seed=0), nn.ReLU(), nn.Linear(hidden, outputs, seed=1))


def step_of(model, rows, inputs, threads):
    batch = [((rows, inputs), np.dtype("float32")), ((rows,), np.dtype("int64"))]
    sgd = sg.SGD(0.1)
    step = trace_step(model, nn.cross_entropy, sgd, sgd.init([p.node for p in model.parameters()]), batch, {})
    return Program(step.inputs, step.outputs, variables=step.variables, n_threads=threads)


@pytest.mark.parametrize(
    ("inputs", "hidden", "rows", "threads", "expected"),
    [
        (784, 128, 64, 2, [(64, 128)]),
        (784, 128, 64, 4, [(64, 128)]),
        (784, 128, 64, 1, []),
        (784, 128, 256, 2, []),  # the rows are more to read than the weight
        (784, 129, 64, 2, []),  # no equal parts
        (64, 32, 16, 2, []),  # so little that waiting costs more
        (784, 2048, 64, 2, []),  # so much that no cache of one thread keeps it
    ],
)
def test_what_is_shared_by_columns(inputs, hidden, rows, threads, expected):
    assert columns_shared(step_of(net(inputs, hidden), rows, inputs, threads)) == expected


@pytest.mark.parametrize(("hidden", "threads"), [(128, 2), (129, 3)])
def test_steps_are_those_of_one_thread(hidden, threads, on_threads):
    """Parts of 64 columns, and of 43, that no vectors fill."""
    rng = np.random.default_rng(0)
    x, y = rng.random((96, 784), np.float32), rng.integers(0, 10, 96)
    found = []
    for n in (1, threads):
        on_threads(n)
        model = net(784, hidden)
        sg.fit(model, x, y, loss="cross_entropy", optimizer=sg.SGD(0.1), epochs=2, batch_size=48, seed=0)
        found.append([p.numpy() for p in model.parameters()])
    for one, several in zip(*found, strict=True):
        np.testing.assert_allclose(several, one, rtol=1e-4, atol=1e-6)


def test_a_weight_that_nothing_updates_is_read_by_rows(on_threads):
    on_threads(2)
    program = sg.compile(net(784, 128).eval())
    program(np.zeros((64, 784), np.float32))
    assert columns_shared(program.program()) == []
