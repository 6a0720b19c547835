"""The measured limit of a core, and profiles held to it."""

import numpy as np

from subgrad.compile.cpu import host
from subgrad.compile.limit import CHAINS, chains, core_limit, flops
from subgrad.compile.program import Program
from subgrad.graph.tensor import placeholder


def test_the_limit_is_what_a_core_can_do_and_is_measured_once():
    cpu = host()
    assert flops(cpu, 10) == 2 * 10 * CHAINS * cpu.lanes("float32")
    chains(cpu)(1)
    assert 0.1 < core_limit(cpu) < 10_000
    assert core_limit(cpu) == core_limit(cpu)


def test_a_profile_accounts_for_the_whole_step():
    x, w = placeholder((64, 96), "float32"), placeholder((96, 80), "float32")
    program = Program([x, w], [((x @ w) * 2).sum(1)], n_threads=2)
    found = program.profile([np.ones(i.shape, np.float32) for i in (x, w)], steps=20)
    assert [r.kernel for r in found.rows] == [str(k) for k in program.kernels]
    np.testing.assert_allclose(sum(r.microseconds for r in found.rows) + found.between, found.microseconds)
    product = next(r for r in found.rows if r.gflops)
    np.testing.assert_allclose(product.gflops * product.microseconds, 2 * 64 * 96 * 80 / 1e3)
    assert str(found).splitlines()[-1].endswith("between kernels")
