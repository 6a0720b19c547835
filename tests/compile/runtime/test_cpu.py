"""What the generated code may assume about the processor, and how a lesser one is forced."""

import os
import platform

import pytest

from subgrad.compile.runtime.cpu import available_processors, default_threads, host
from subgrad.errors import ArgumentError

on_x86 = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="names x86 instruction sets")


def test_the_host_is_described_once(monkeypatch):
    monkeypatch.delenv("SUBGRAD_CPU", raising=False)
    cpu = host()
    assert cpu is host()
    assert cpu.vector_bits in (128, 256, 512)
    assert cpu.lanes("float32") == 2 * cpu.lanes("float64") == cpu.vector_bits // 32


@on_x86
@pytest.mark.parametrize(("name", "bits", "registers", "fma"), [("sse2", 128, 16, False), ("avx2", 256, 16, True)])
def test_a_lesser_processor_can_be_forced(monkeypatch, name, bits, registers, fma):
    if name == "avx2" and host().vector_bits < 256:
        pytest.skip("this machine has no AVX2")
    monkeypatch.setenv("SUBGRAD_CPU", name)
    cpu = host()
    assert (cpu.vector_bits, cpu.registers, cpu.fma) == (bits, registers, fma)


@on_x86
def test_instructions_that_are_missing_cannot_be_forced(monkeypatch):
    monkeypatch.setenv("SUBGRAD_CPU", "neon")
    with pytest.raises(ArgumentError, match="this machine has no neon"):
        host()


def test_an_unknown_name_is_refused_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("SUBGRAD_CPU", "mmx")
    with pytest.raises(ArgumentError, match="SUBGRAD_CPU=mmx: expected one of avx512, avx2, sse2, neon"):
        host()


def test_threads_default_to_the_processors_of_this_process(monkeypatch):
    monkeypatch.delenv("SUBGRAD_THREADS", raising=False)
    assert 1 <= default_threads() <= os.cpu_count()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity")
def test_threads_follow_the_affinity(monkeypatch):
    monkeypatch.delenv("SUBGRAD_THREADS", raising=False)
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert default_threads() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_the_environment_chooses_the_threads(monkeypatch):
    monkeypatch.setenv("SUBGRAD_THREADS", "5")
    assert default_threads() == 5


@pytest.mark.parametrize("asked", ["0", "-1", "two", ""])
def test_threads_must_be_a_positive_integer(monkeypatch, asked):
    monkeypatch.setenv("SUBGRAD_THREADS", asked)
    with pytest.raises(ArgumentError, match="expected a positive integer"):
        default_threads()


@pytest.mark.parametrize(("granted", "threads"), [("1", 1), ("1,4", 1), ("0", None), ("many", None), ("9999", None)])
def test_omp_num_threads_bounds_the_threads(monkeypatch, granted, threads):
    monkeypatch.delenv("SUBGRAD_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", granted)
    assert default_threads() == (threads or available_processors())
