"""What the kernels of large products ask for ahead of time, and that long ones have room for sums of blocks."""

import numpy as np
import pytest

from subgrad.compile.runtime.cpu import host
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder

BYTES = 24 * 80 * 4


def program(cpu):
    """w - (x'y) / 4, in place."""
    x, y, w = placeholder((16, 24), "float32"), placeholder((16, 80), "float32"), placeholder((24, 80), "float32")
    return Program([x, y, w], [w - (x.T @ y) * 0.25], variables={0: 2}, cpu=cpu, n_threads=1)


@pytest.mark.parametrize("cache", [BYTES - 1, BYTES])
def test_a_large_update_is_asked_for(cache):
    """The old and the new value lie in one place: it is asked for once, for writing, where it may not be near."""
    made = program(host()._replace(l2_bytes=cache))
    asked = [line for line in made.ir.splitlines() if "call void @llvm.prefetch" in line]
    assert bool(asked) == (cache < BYTES)
    assert all("i32 1, i32 3, i32 1" in line for line in asked)
    assert len(set(asked)) == len(asked)
    rng = np.random.default_rng(0)
    x, y, w = (rng.standard_normal(shape, np.float32) for shape in ((16, 24), (16, 80), (24, 80)))
    expected = w - x.T @ y / 4
    np.testing.assert_allclose(made([x, y, w])[0], expected, atol=1e-5)


@pytest.mark.parametrize("steps", [512, 513])
def test_sums_of_blocks_have_a_place_where_there_are_blocks(steps):
    """The sums themselves are stored nowhere: the update is computed from them in registers."""
    cpu = host()._replace(l2_bytes=4096)
    x, y, w = placeholder((steps, 24), "float32"), placeholder((steps, 16), "float32"), placeholder((24, 16), "float32")
    made = Program([x, y, w], [w - (x.T @ y) * 0.25], variables={0: 2}, cpu=cpu, n_threads=1)
    assert ("partial sums" in str(made.memory)) == (steps > 512)
    rng = np.random.default_rng(0)
    x, y, w = (rng.standard_normal(shape, np.float32) for shape in ((steps, 24), (steps, 16), (24, 16)))
    expected = w - x.astype("float64").T @ y / 4
    np.testing.assert_allclose(made([x, y, w])[0], expected, atol=1e-4)
