"""``subgrad certify`` and ``subgrad verify``: proofs of networks in files."""

from __future__ import annotations

import gzip
import textwrap

import numpy as np
import pytest
from command import fail, misuse, python, run, succeed

import subgrad as sg


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """A relu network within 0.01 of sin on [0, 3]."""
    path = tmp_path_factory.mktemp("nets") / "net.safetensors"
    succeed("approximate", "sin(x)", "--box", "0,3", "--eps", "1e-2", "--out", path)
    return path


def test_the_error_of_a_network_is_proven_and_the_proof_saved(net, tmp_path):
    proof = tmp_path / "proof.safetensors"
    printed = succeed("certify", "sin(x)", net, "--box", "0,3", "--eps", "0.0101", "--proof", proof)
    assert printed.startswith("proven: ")
    pytest.importorskip("flint", reason="the checker needs the extra approx")
    from subgrad.bounds.checker import check

    assert "0.0101" in str(check(str(proof)))


def test_an_error_that_is_too_small_is_refuted_by_a_point(net, tmp_path):
    proof = tmp_path / "proof.safetensors"
    result = run("certify", "sin(x)", net, "--box", "0,3", "--eps", "0.001", "--proof", proof)
    assert result.exit_code == 1
    assert result.output.startswith("refuted: ")
    assert not proof.exists()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (("--within", "-0.1,1.1"), "proven"), (("--within", "0.5,1.1"), "refuted"), (("--rising", 0), "refuted"),
        (("--falling", 0), "refuted"),
    ],
)  # fmt: skip
def test_properties(net, asked, status):
    result = run("verify", net, "--box", "0,3", *asked)
    assert result.output.startswith(status)
    assert result.exit_code == (0 if status == "proven" else 1)


def test_a_rising_network(tmp_path):
    path = tmp_path / "line.safetensors"
    line = sg.nn.Linear(1, 1)
    line.weight.assign([[2.0]])
    sg.save(sg.nn.Sequential(line), path)
    assert succeed("verify", path, "--box", "-1,1", "--rising", 0).startswith("proven")


def test_the_class_of_a_point_and_its_surroundings(tmp_path):
    path = tmp_path / "classes.safetensors"
    scores = sg.nn.Linear(1, 2)
    scores.weight.assign([[1.0], [-1.0]])
    scores.bias.assign([0.0, 0.0])
    sg.save(sg.nn.Sequential(scores), path)
    assert succeed("verify", path, "--box", "0.1,2", "--label", 0).startswith("proven")
    assert run("verify", path, "--box", "-0.1,2", "--label", 0).output.startswith("refuted")


def test_wrong_usage(net):
    assert "has 1 outputs" in fail("verify", net, "--box", "0,3", "--label", 0)
    assert "one of --within, --label" in misuse("verify", net, "--box", "0,3")
    assert "two numbers" in misuse("verify", net, "--box", "0", "--label", 0)
    assert fail("verify", net, "--box", "0,3", "--box", "0,1", "--within", "0,1") == (
        "the network takes no points of 2 variables, as the box has: Linear(1, 6) takes a shape (..., 1), got (1, 2)"
    )
    proof = "no-such-folder/proof.safetensors"
    assert "folder that does not exist" in misuse("certify", "sin(x)", net, "--box", "0,3", "--proof", proof)
    assert "no-such" in fail("certify", "x", "no-such-file.safetensors", "--box", "0,1")


def test_files_of_the_field(net, tmp_path):
    """A VNN-LIB file: the answer and the exit code of each kind, and the witness of sat."""
    prop = tmp_path / "prop.vnnlib"

    def ask(unsafe, *more):
        prop.write_text(
            "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (>= X_0 0))(assert (<= X_0 3))"
            f"(assert {unsafe})"
        )
        result = run("verify", net, prop, *more)
        return result.exit_code, result.output.split("\n")

    assert ask("(>= Y_0 1.2)") == (0, ["unsat", ""])
    code, (answer, x, y, _) = ask("(>= Y_0 0.9)")
    assert (code, answer) == (3, "sat")
    assert float(y.removeprefix("(Y_0 ").removesuffix("))")) >= 0.9
    assert 0 <= float(x.removeprefix("((X_0 ").removesuffix(")")) <= 3
    assert ask("(and (>= Y_0 0.5) (<= Y_0 0.499))") == (0, ["unsat", ""])
    assert ask("(and (>= Y_0 0.5) (<= Y_0 (+ 0.49 (* 1e-3 X_0))))", "--budget", 1) == (4, ["unknown", ""])
    assert ask("(>= Y_0 1.2)", "--lp") == (0, ["unsat", ""])
    assert ask("(>= Y_0 0.9902)", "--timeout", 0.001)[0] in (0, 5)
    assert "line 1 of this VNN-LIB file" in fail("verify", net, prop) if ask("(not (= Y_0 1))")[0] == 1 else False
    assert "has its own boxes" in misuse("verify", net, prop, "--box", "0,3")
    assert "--timeout is for a VNN-LIB file" in misuse("verify", net, "--box", "0,3", "--timeout", 3)
    assert "--lp is for a VNN-LIB file" in misuse("verify", net, "--box", "0,3", "--lp")
    assert "a property is a VNN-LIB file" in misuse("verify", net)


def test_onnx_files_are_networks_too(net, tmp_path):
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    sg.onnx.save(sg.load(net), path, np.zeros((1, 1), np.float32))
    packed = tmp_path / "net.onnx.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for file in (path, packed):
        assert succeed("verify", file, "--box", "0,3", "--within", "-0.1,1.1").startswith("proven")


def test_what_native_code_prints_is_not_in_the_answer(tmp_path):
    """As HiGHS does at times: by C's own buffer, which is written when the program ends."""
    program = """
        import ctypes, os
        from subgrad.cli.native_output import off_standard_output
        library = ctypes.CDLL("ucrtbase" if os.name == "nt" else None)
        with off_standard_output():
            library.puts(b"noise")
        print("answer")
        library.puts(b"later")
    """
    done = python("-c", textwrap.dedent(program), folder=tmp_path)
    assert sorted(done.stdout.split()) == ["answer", "later"]
    assert done.stderr.split() == ["noise"]
