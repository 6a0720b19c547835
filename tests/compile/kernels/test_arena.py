"""The arena: what is alive together lies apart, and the whole is hardly larger than what is alive at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subgrad as sg
from subgrad.compile.kernels.arena import ALIGN, LiveRange, aligned_copy, plan
from subgrad.compile.runtime.program import Program
from subgrad.fit.step import trace_step
from subgrad.graph.tensor import placeholder
from subgrad.nn import loss

steady = settings(deadline=None, derandomize=True, max_examples=100)
SLACK = 1.1  # how much larger than what liveness requires an arena may be


@st.composite
def intervals(draw):
    found = []
    for i in range(draw(st.integers(0, 25))):
        first = draw(st.integers(0, 12))
        size = draw(st.one_of(st.integers(0, 400), st.sampled_from([64, 4096, 10_000])))
        found.append(LiveRange(f"buffer {i}", size, first, first + draw(st.integers(0, 6))))
    return found


def alive_at_once(spans):
    """The most bytes alive in one phase, counted phase by phase, in whole cache lines."""
    phases = range(1 + max((i.last for i in spans), default=0))
    return max(sum(-(-i.size // ALIGN) * ALIGN for i in spans if i.first <= p <= i.last) for p in phases)


@steady
@given(intervals())
def test_what_is_alive_together_does_not_overlap(spans):
    found = plan(spans)
    for phase in range(20):
        owner = np.full(found.size, -1)
        for k, (interval, offset) in enumerate(zip(spans, found.offsets, strict=True)):
            if interval.first <= phase <= interval.last:
                place = owner[offset : offset + interval.size]
                assert place.size == interval.size
                assert (place == -1).all()
                place[:] = k
    assert all(offset % ALIGN == 0 for offset in found.offsets)


@steady
@given(intervals())
def test_what_is_needed_is_what_is_alive_at_once(spans):
    found = plan(spans)
    assert found.needed == alive_at_once(spans)
    assert found.size >= found.needed


MODELS = {
    "deep tanh": lambda: sg.nn.Sequential(*[m for i in range(8) for m in (sg.nn.Linear(40, 40, seed=i), sg.nn.Tanh())]),
    "bottleneck": lambda: sg.nn.Sequential(
        sg.nn.Linear(40, 256, seed=0), sg.nn.ReLU(), sg.nn.Linear(256, 8, seed=1), sg.nn.GELU(),
        sg.nn.Linear(8, 128, seed=2), sg.nn.Sigmoid(), sg.nn.Linear(128, 40, seed=3),
    ),
    "residual": lambda: sg.nn.Sequential(*[
        sg.nn.Residual(sg.nn.Sequential(sg.nn.LayerNorm(40), sg.nn.Linear(40, 40, seed=i), sg.nn.ReLU()))
        for i in range(4)
    ]),
}  # fmt: skip


def training_program(model, optimizer, rows, threads, loss_name="squared"):
    state = optimizer.init([p.node for p in model.parameters()])
    shape = ((rows, 40), np.dtype("float32"))
    step = trace_step(model, loss.get(loss_name), optimizer, state, [shape, shape], {})
    first = step.first_variable
    variables = {1 + i: first + i for i in range(len(step.inputs) - first)}
    return Program(step.inputs, step.outputs, variables=variables, n_threads=threads)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_the_arena_of_a_training_step_is_hardly_larger_than_liveness_requires(name, threads):
    found = training_program(MODELS[name](), sg.Adam(0.01), 64, threads).memory
    assert found.size <= SLACK * alive_at_once(found.intervals)
    assert found.intervals


def test_nothing_is_kept_of_a_chain_of_elementwise_ops():
    x = placeholder((1000,), "float32")
    y = sg.exp(-x)
    for _ in range(20):
        y = sg.tanh(y) + x
    assert Program([x], [y]).memory.size == 0


@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (300, 200)])
def test_arrays_that_begin_with_a_cache_line(shape):
    given = np.arange(np.prod(shape), dtype=np.float32).reshape(shape[::-1]).T
    found = aligned_copy(given)
    np.testing.assert_array_equal(found, given)
    assert found.ctypes.data % ALIGN == 0 or not found.size
    assert found.flags.c_contiguous
    assert found.flags.writeable
