"""Proofs about networks of smooth functions: the checker makes lines of its own, and refuses what is false."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import subgrad as sg
from subgrad import errors, nn
from subgrad.bounds import Case, Unreachable, Within
from subgrad.io.model_file import read_model_file

pytest.importorskip("flint")
from subgrad.bounds import checker


class Curves(nn.Module):
    """All kinds of smooth functions: of one number, of two, and of all."""

    def __init__(self):
        self.first, self.last = nn.Linear(2, 3, seed=0), nn.Linear(36, 1, seed=1)

    def forward(self, x):
        h = self.first(x)
        of_one = [sg.tanh, sg.sigmoid, sg.silu, sg.gelu, sg.softplus, sg.exp, sg.mish, sg.softsign, sg.elu]
        root, products = sg.sqrt(1 + h**2), h * sg.concatenate([h[:, 1:], h[:, :1]], 1)
        return self.last(sg.concatenate([*(f(h) for f in of_one), root, products, sg.softmax(h)], 1))


def changed(path, folder, change):
    """The checker's error for a file with a change; None if it accepts that."""
    tensors, header = read_model_file(path)
    tensors = {k: v.copy() for k, v in tensors.items()}
    change(tensors)
    save_file(tensors, folder / "changed.safetensors", {"subgrad": json.dumps(header)})
    try:
        checker.check(folder / "changed.safetensors")
    except errors.FileError as error:
        return str(error)
    return None


def least(net, size, d):
    """The least output on samples of a cube, half of them corners."""
    x = np.random.default_rng(0).uniform(-size, size, (8000, d))
    x[::2] = size * np.sign(x[::2])
    return sg.predict(net, x).min()


def test_smooth_functions_are_followed(tmp_path):
    with sg.using_dtype("float64"):
        net = Curves()
    box, path = [(-0.5, 0.5)] * 2, tmp_path / "proof.safetensors"
    value = least(net, 0.5, 2)
    found = sg.verify(net, Unreachable([Case(box, [[1.0]], [value - 0.02])]))
    assert found.status == "proven"
    found.save(path)
    assert checker.check(path).startswith("none of 1 polytopes of outputs is reached")

    def reachable(tensors):
        tensors["limits 0"][0] = value + 1e-3

    def other_network(tensors):
        name = next(k for k, v in tensors.items() if v.shape == (1,) and not k.startswith("limits"))
        tensors[name] -= 0.05

    assert "may be reached" in changed(path, tmp_path, reachable)
    assert "may be reached" in changed(path, tmp_path, other_network)


def test_parts_by_signs_have_slopes_for_lines_around_smooth_units(tmp_path):
    """Shifted a little, such lines are still bounds, but they do not suffice."""
    with sg.using_dtype("float64"):
        net = nn.Sequential(
            nn.Linear(20, 6, seed=0), nn.ReLU(), nn.Linear(6, 4, seed=1), nn.Sigmoid(), nn.Linear(4, 1, seed=2)
        )
    box, path = [(-1, 1)] * 20, tmp_path / "proof.safetensors"
    found = sg.verify(net, Unreachable([Case(box, [[1.0]], [least(net, 1, 20) - 0.06])]), budget=3000)
    assert found.status == "proven"
    found.save(path)
    tensors, header = read_model_file(path)
    assert header["groups"][0]["by"] == "signs"
    assert tensors["smooth 0"].shape == (4, 2)

    def nearer(tensors):
        tensors["limits 0"][0] -= 0.99 * found.bound

    def shifted(tensors):
        nearer(tensors)
        tensors["smooth slopes 0"][:, 0] += 0.1

    def not_a_number(tensors):
        tensors["smooth slopes 0"][0, 0] = np.nan

    def no_unit(tensors):
        tensors["smooth 0"][0, 1] = 99

    assert changed(path, tmp_path, nearer) is None
    assert "may be reached" in changed(path, tmp_path, shifted)
    for change in (not_a_number, no_unit):
        assert "this is no proof" in changed(path, tmp_path, change)


def test_what_is_proven_of_a_box_of_many_inputs_at_once_leaves_a_proof(tmp_path):
    with sg.using_dtype("float64"):
        net = nn.Sequential(
            nn.Linear(30, 6, seed=0), nn.Tanh(), nn.Linear(6, 6, seed=3), nn.Tanh(), nn.Linear(6, 2, seed=1)
        )
    found = sg.verify(net, [(-0.5, 0.5)] * 30, Within(-1.7, 1.7))
    assert found.status == "proven"
    found.save(tmp_path / "proof.safetensors")
    assert "of 4 polytopes" in checker.check(tmp_path / "proof.safetensors")
