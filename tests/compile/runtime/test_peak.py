"""The measured limit of a core, and profiles held to it."""

import numpy as np

from subgrad.compile.runtime.cpu import host
from subgrad.compile.runtime.peak import CHAINS, fma_probe, peak_gflops, probe_flops
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder


def test_the_limit_is_what_a_core_can_do_and_is_measured_once():
    cpu = host()
    assert probe_flops(cpu, 10) == 2 * 10 * CHAINS * cpu.lanes("float32")
    fma_probe(cpu)(1)
    assert 0.1 < peak_gflops(cpu) < 10_000
    assert peak_gflops(cpu) == peak_gflops(cpu)


def test_a_profile_accounts_for_the_whole_step():
    x, w = placeholder((64, 96), "float32"), placeholder((96, 80), "float32")
    program = Program([x, w], [((x @ w) * 2).sum(1)], n_threads=2)
    found = program.profile([np.ones(i.shape, np.float32) for i in (x, w)], steps=20)
    assert [r.kernel for r in found.rows] == [str(k) for k in program.kernels]
    np.testing.assert_allclose(sum(r.microseconds for r in found.rows) + found.between, found.microseconds)
    product = next(r for r in found.rows if r.gflops)
    np.testing.assert_allclose(product.gflops * product.microseconds, 2 * 64 * 96 * 80 / 1e3)
    assert str(found).splitlines()[-1].endswith("between kernels")
