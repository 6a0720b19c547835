"""Object files: with the system's C compiler, without a library; and what they need from others."""

import os
import shutil
import subprocess

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile.native import portable_object
from subgrad.errors import CheckError
from subgrad.export import MACHINES
from subgrad.export.symbols import undefined
from subgrad.export.targets import machine

START = """
#include "net.h"
static net_state state;
static uint64_t arena[NET_ARENA / 8 + 1];
static const float x[32] = {%s};
static const int64_t y[8] = {%s};
static float loss[4], out[4];
static long call(long number, long a, long b, long c) {
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}
void _start(void) {
    net_init(&state);
    net_step(&state, x, y, loss, 2, arena);
    net_predict(&state, x, out, 2, arena);
    call(1, 1, (long)loss, 8);
    call(1, 1, (long)out, 16);
    call(60, 0, 0, 0);
}
"""


@pytest.mark.skipif(not shutil.which("gcc"), reason="there is no gcc")
@pytest.mark.skipif(os.uname().machine != "x86_64" or os.uname().sysname != "Linux", reason="not x86-64 Linux")
def test_two_steps_and_two_rows_without_a_library(tmp_path):
    net = sg.models.mlp(4, 6, 2, seed=0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 4, 4)).astype(np.float32), rng.integers(0, 2, (2, 4))
    made = sg.export(
        net, tmp_path / "net.o", (x[0], y[0]), cpu="x86-64", loss="cross_entropy", optimizer=sg.Adam(0.1)
    )
    assert made.needs == ()
    (tmp_path / "main.c").write_text(START % (",".join(map(repr, x.ravel().tolist())), ",".join(map(str, y.ravel()))))
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fno-stack-protector"]
    command = ["gcc", *flags, "-nostdlib", "-static", "main.c", "net.o", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    got = np.frombuffer(subprocess.run([tmp_path / "main"], check=True, capture_output=True).stdout, np.float32)
    trainer = sg.Trainer(net, loss="cross_entropy", optimizer=sg.Adam(0.1))
    losses = [trainer.partial_fit(a, b) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(got[:2], losses, rtol=1e-5)
    np.testing.assert_allclose(got[2:].reshape(2, 2), net.predict(x[0, :2]), rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not shutil.which("gcc"), reason="there is no gcc")
def test_the_example_in_the_header_is_a_program(tmp_path):
    def scaled(x, seven):
        return {"float": x * 2, "double": seven.sum()}

    sg.export(scaled, tmp_path / "a-b.o", (np.zeros((2, 3), np.float32), np.zeros(2, np.int32)), cpu="x86-64")
    text = '#define A_B_EXAMPLE\n#include "a-b.h"\n'
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-x", "c", "-"]
    subprocess.run(command, cwd=tmp_path, check=True, input=text, text=True)
    rows = np.ones((4, 3))
    sg.export(sg.models.mlp(3, 2, 2, seed=0), tmp_path / "a-b.o", cpu="x86-64", quantize="int8", calibration=rows)
    subprocess.run(command, cwd=tmp_path, check=True, input=text, text=True)
    sg.export(scaled, tmp_path / "a-b.o", (np.zeros((2, 3), np.float32), np.zeros(2, np.int32)), cpu="x86-64")
    header = (tmp_path / "a-b.h").read_text()
    assert "void a_b_scaled(const float *x, const int32_t *seven, float *float_, int64_t *double_, size_t" in header


TWO = """
#include "first.h"
#include "second.h"
#include <stdio.h>
static uint64_t arena[FIRST_ARENA / 8 + SECOND_ARENA / 8 + 1];
static first_state of_first;
static second_state of_second;
int main(void) {
    float x[3] = {1, -2, 0.5f}, y[2] = {0, 0}, one[2], two[2];
    first_init(&of_first);
    second_init(&of_second);
    second_step(&of_second, x, y, two, 1, arena);
    first_predict(&of_first, x, one, 1, arena);
    second_predict(&of_second, x, two, 1, arena);
    printf("%.9g %.9g %.9g %.9g", (double)one[0], (double)one[1], (double)two[0], (double)two[1]);
    return 0;
}
"""


@pytest.mark.skipif(not shutil.which("gcc"), reason="there is no gcc")
@pytest.mark.skipif(os.uname().machine != "x86_64" or os.uname().sysname != "Linux", reason="not x86-64 Linux")
@pytest.mark.parametrize("language", ["c", "c++"])
def test_two_models_in_one_program(tmp_path, language):
    """Both with constants, a state and a remainder; parameters are called as padding is, and have no elements."""

    class Net(sg.nn.Module):
        def __init__(self, seed):
            self.pad_0, self.none = sg.nn.Linear(3, 2, seed=seed), sg.Parameter(np.zeros((0, 3)))

        def forward(self, x):
            return sg.remainder(self.pad_0(x), 0.3) + self.none.sum()

    nets, x = (Net(0), Net(1)), np.array([[1, -2, 0.5]], np.float32)
    sg.export(nets[0], tmp_path / "first.o", x, cpu="x86-64", weights="apart", info={"of": "a/*b*/"})
    batch = x, np.zeros((1, 2), np.float32)
    sg.export(nets[1], tmp_path / "second.o", batch, cpu="x86-64", loss="mse", optimizer=sg.SGD(0.1))
    compiler = shutil.which({"c": "gcc", "c++": "g++"}[language]) or pytest.skip("there is no compiler of C++")
    flags = [{"c": "-std=c99", "c++": "-std=c++11"}[language], "-Wall", "-Wextra", "-Werror", "-pedantic"]
    command = [compiler, *flags, "-x", language, "-", "-x", "none", "first.o", "second.o", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True, input=TWO, text=True)
    got = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout
    sg.Trainer(nets[1], loss="mse", optimizer=sg.SGD(0.1)).partial_fit(*batch)
    np.testing.assert_allclose([*map(float, got.split())], np.ravel([n.predict(x) for n in nets]), rtol=1e-5)


@pytest.mark.parametrize("cpu", ["aarch64-windows", "aarch64-macos", "x86-64-windows", "rv64gc", "cortex-m7"])
def test_every_format_says_what_it_needs(cpu):
    assert cpu in MACHINES
    text = "declare void @else_where() define void @here() nounwind { call void @else_where() ret void }"
    needs = undefined(portable_object([text], machine(cpu), [[]]).content)
    assert [name.lstrip("_") for name in needs] == ["else_where"]


def read(path, cpu):
    """By LIEF: the machine, symbols by name with whether they are defined, and where relocations lead, by name."""
    lief = pytest.importorskip("lief", reason="LIEF, which reads object files, is not installed")
    if "windows" in cpu:
        found = lief.COFF.parse(path)
        symbols = [(s.name, not s.is_undefined) for s in found.symbols]
        return found.header.machine.name, symbols, [r.symbol.name for r in found.relocations if r.symbol]
    found = lief.parse(path)
    if "macos" in cpu:
        symbols = [(s.name, s.numberof_sections > 0) for s in found.symbols]
        return found.header.cpu_type.name, symbols, [r.symbol.name for r in found.relocations if r.has_symbol]
    symbols = [(s.name, s.shndx > 0) for s in found.symbols if s.name]
    return found.header.machine_type.name, symbols, [r.symbol.name for r in found.object_relocations if r.symbol.name]


@pytest.mark.parametrize(
    ("cpu", "machine", "needed"),
    [
        ("x86-64", "X86_64", []),
        ("x86-64-windows", "AMD64", ["_fltused"]),  # which says that there are floats, to Microsoft's library
        ("aarch64-windows", "ARM64", []),
        ("x86-64-macos", "X86_64", []),
        ("aarch64-macos", "ARM64", []),
        ("cortex-m7", "ARM", []),
        ("rv64gc", "RISCV", []),
    ],
)
def test_another_reader_finds_what_is_defined_and_nothing_undefined(cpu, machine, needed, tmp_path):
    made = sg.export(sg.models.mlp(3, 4, 2, activation="tanh", seed=0), tmp_path / "net.o", cpu=cpu)
    found, symbols, targets = read(str(tmp_path / "net.o"), cpu)
    assert found == machine
    defined = {name for name, is_defined in symbols if is_defined}
    assert {"_net_predict" if "macos" in cpu else "net_predict"} <= defined
    assert [name for name, is_defined in symbols if not is_defined] == needed == list(made.needs)
    assert {*targets} <= defined
    assert len(targets) >= 4  # the weights


def test_other_bytes_are_no_object_file():
    with pytest.raises(CheckError, match=r"object file, got bytes that begin with b'\\x00asm"):
        undefined(b"\0asm\1\0\0\0")
