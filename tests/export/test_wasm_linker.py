"""The linker, against modules written down by hand, and its errors."""

import subprocess
import sys

import numpy as np
import pytest
from exported_code import WasmCode, routines

import subgrad as sg
from subgrad.compile.native import portable_object
from subgrad.errors import ArgumentError, CheckError
from subgrad.export.object_code import object_code
from subgrad.export.targets import wasm
from subgrad.export.wasm_linker import link, signed, unsigned
from subgrad.export.wasm_object import HEAD, Reader, read_object


@pytest.mark.parametrize("n", [0, 1, 63, 64, 127, 128, 8191, 8192, 2**31 - 1])
def test_numbers_are_read_as_they_are_written(n):
    assert Reader(unsigned(n)).unsigned() == n
    assert Reader(signed(n)).signed() == n
    assert Reader(signed(-n)).signed() == -n
    assert len(signed(n)) == n.bit_length() // 7 + 1


def test_a_module_imports_nothing_and_exports_what_was_asked_for():
    made = routines(sg.models.mlp(3, 4, 2, seed=0))
    content = link(object_code(made, wasm()).content, made.functions)
    kinds = [kind for kind, _ in Reader(content[len(HEAD) :]).parts()]
    assert kinds == [1, 3, 5, 6, 7, 10, 11]  # in the order of the specification; 2 would be imports
    assert b"net_predict" in content
    assert b"k0" not in content


@pytest.mark.parametrize("simd", [True, False], ids=["vectors", "scalars"])
def test_llvms_linker_makes_code_that_gives_the_same_bits(simd, tmp_path):
    """It comes with the package ziglang, which has 101 MB and is no requirement of the tests."""
    pytest.importorskip("ziglang", reason="ziglang, which has LLVM's wasm-ld in its 101 MB, is not installed")

    def by_llvm(content, names):
        (tmp_path / "net.o").write_bytes(content)
        asked = [f"--export={name}" for name in (*names, "__heap_base")]
        command = [sys.executable, "-m", "ziglang", "wasm-ld", "--no-entry", *asked, "net.o", "-o", "net.wasm"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        return (tmp_path / "net.wasm").read_bytes()

    net = sg.models.mlp(3, 6, 2, activation="tanh", seed=0)
    batch = np.ones((4, 3), np.float32), np.array([0, 1, 1, 0])
    made = routines(net, batch, loss="cross_entropy", optimizer=sg.Adam(0.1))
    ours, theirs = WasmCode(made, simd), WasmCode(made, simd, by_llvm)
    for routine, given in zip(made.each, (batch, [batch[0][:1]]), strict=True):
        (a, state), (b, other) = ours.call(routine, given), theirs.call(routine, given)
        np.testing.assert_array_equal(a[0], b[0])
        assert state == other


def section(kind, *content):
    body = b"".join(content)
    return bytes([kind]) + unsigned(len(body)) + body


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x7fELF", "a WebAssembly object, got bytes that begin with b'.x7fELF'"),
        (HEAD + b"\1\x05", "ends too early"),
        (HEAD + section(6, b"\0"), "a section of kind 6"),
        (HEAD + section(0, b"\x07linking", b"\3"), "linkers of version 3, expected 2"),
        (HEAD + section(0, b"\x0areloc.DATA", b"\0\0"), "addresses in its section DATA"),
        (HEAD + section(11, b"\1", b"\1"), "data whose place is no constant"),
        (HEAD, "does not define run"),
    ],
)
def test_what_is_no_such_object(content, message):
    with pytest.raises(CheckError, match=message):
        link(content, ["run"])


def test_a_relocation_of_an_unknown_kind():
    content = HEAD + section(10, bytes(9)) + section(0, b"\x0areloc.CODE", b"\0\1", b"\x0b\0\0")
    assert read_object(content).relocations[0].kind == 11
    with pytest.raises(CheckError, match="a relocation of kind 11"):
        link(content, [])


def test_what_calls_a_library_is_named():
    text = "declare void @elsewhere() define void @here() nounwind { call void @elsewhere() ret void }"
    with pytest.raises(ArgumentError, match="without a library: it calls elsewhere"):
        link(portable_object([text], wasm(), [[]]).content, ["here"])
