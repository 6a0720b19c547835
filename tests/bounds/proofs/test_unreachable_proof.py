"""Proofs of what is unreachable as files: the checker accepts them, and nothing that is false or changed."""

import numpy as np
import pytest
from safetensors.numpy import save_file

import subgrad as sg
from subgrad import errors, nn
from subgrad.bounds import Case, Unreachable
from subgrad.io.model_file import read_model_file

pytest.importorskip("flint")
from subgrad.bounds import checker


class Pieces(nn.Module):
    """A convolution, normalisation, pooling, a join, leaky relu and a magnitude, of four numbers."""

    def __init__(self):
        self.conv, self.norm = nn.Conv2d(1, 2, 2, padding=1, seed=1), nn.BatchNorm2d(2)
        self.norm.running_mean.assign([0.2, -0.1])
        self.norm.running_var.assign([0.5, 2.0])
        self.out = nn.Linear(10, 2, seed=2)

    def forward(self, x):
        y = sg.relu(self.norm(self.conv(x.reshape(-1, 1, 2, 2))))
        pooled = nn.MaxPool2d(2, stride=1)(y).reshape(-1, 8)
        return self.out(sg.concatenate([sg.leaky_relu(pooled - 0.1, 0.25), sg.abs(x[:, :2] - 0.3)], 1))


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    """A network, its least first output on samples, and a file that proves it to be larger than a bit below that."""
    with sg.using_dtype("float64"):
        net = Pieces()
    box = np.array([(-1.0, 1.0), (-0.5, 1.0), (0.0, 0.25), (-1.0, 0.0)])
    x = np.random.default_rng(0).uniform(*box.T, (4000, 4))
    y = sg.predict(net, x)
    least = y.min(0)
    cases = [Case(box, [[1.0, 0.0]], [least[0] - 0.15]), Case(box / 2, [[1.0, 0.0], [0.0, 1.0]], [9.0, least[1] - 0.3])]
    found = sg.verify(net, Unreachable(cases), budget=2000)
    assert found.status == "proven"
    path = tmp_path_factory.mktemp("proof") / "proof.safetensors"
    found.save(path)
    return net, least, path


def changed(proof, tmp_path, change):
    """The checker's error for a file with a change; None if it accepts that."""
    tensors, header = read_model_file(proof[2])
    tensors = {k: v.copy() for k, v in tensors.items()}
    change(tensors, header)
    import json

    path = tmp_path / "changed.safetensors"
    save_file(tensors, path, {"subgrad": json.dumps(header)})
    try:
        checker.check(path)
    except errors.FileError as error:
        return str(error)
    return None


def test_the_checker_says_what_it_has_checked(proof):
    said = checker.check(proof[2])
    assert said.startswith("none of 2 polytopes of outputs is reached, by ")
    assert "[-0.5, 1.0]" in said
    assert "1.0 y0 <= " in said
    assert f"network sha256:{sg.bounds.network_digest(proof[0], 4)}" in said


def test_what_is_false_is_refused(proof, tmp_path):
    def reachable(tensors, header):
        tensors["limits 0"][0] = proof[1][0] + 1e-3

    assert "may be reached" in changed(proof, tmp_path, reachable)

    def other_weights(tensors, header):
        name = next(n["attrs"]["name"] for n in header["graph"] if n["op"] == "constant"
                    and tensors[n["attrs"]["name"]].shape == (2, 10))  # fmt: skip
        tensors[name] *= 3.0

    assert changed(proof, tmp_path, other_weights) is not None


def test_files_with_gaps_are_refused(proof, tmp_path):
    def missing(tensors, header):
        tensors["low 0"], tensors["high 0"] = tensors["low 0"][1:], tensors["high 0"][1:]

    def smaller(tensors, header):
        tensors["high 0"][-1, 0] = np.nextafter(tensors["high 0"][-1, 0], -np.inf)

    def larger_domain(tensors, header):
        header["groups"][1]["box"][2][1] = float(np.nextafter(0.125, 1.0))

    def without_polytopes(tensors, header):
        header["groups"][0]["members"] = [[]]

    def other_row(tensors, header):
        header["groups"][0]["members"] = [[-1]]

    def unknown_field(tensors, header):
        header["more"] = 1

    def not_a_number(tensors, header):
        tensors["limits 0"][0] = np.nan

    def more_arrays(tensors, header):
        tensors["rows 7"] = np.zeros((1, 2))

    for change in (missing, smaller, larger_domain, without_polytopes, other_row, unknown_field, not_a_number,
                   more_arrays):  # fmt: skip
        assert changed(proof, tmp_path, change) is not None, change.__name__


def test_what_the_checker_does_not_know_leaves_no_file(tmp_path):
    with sg.using_dtype("float64"):
        net = nn.Sequential(nn.Linear(2, 3, seed=0), nn.Step(), nn.Linear(3, 1, seed=1))
    found = sg.verify(net, Unreachable([Case([(-1, 1)] * 2, [[1.0]], [-9.0])]))
    assert found.status == "proven"
    with pytest.raises(errors.ArgumentError, match="means that the checker of proofs does not know"):
        found.save(tmp_path / "proof.safetensors")
    assert list(tmp_path.iterdir()) == []
