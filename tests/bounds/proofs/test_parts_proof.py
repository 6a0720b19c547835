"""Proofs by signs of units as files: the checker bounds each part again, and accepts nothing that is changed."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import subgrad as sg
from subgrad import errors, nn
from subgrad.bounds import Case, Unreachable
from subgrad.io.model_file import read_model_file

pytest.importorskip("flint")
from subgrad.bounds import checker

D = 20
BOX = [(-1, 1)] * D


class Kinks(nn.Module):
    """Relu, leaky relu, a magnitude, a clip, pooling and a residual sum, of many numbers."""

    def __init__(self):
        self.first, self.second = nn.Linear(D, 6, seed=1), nn.Linear(6, 6, seed=2)
        self.third, self.out = nn.Linear(6, 4, seed=3), nn.Linear(6, 2, seed=4)

    def forward(self, x):
        y = sg.leaky_relu(self.first(x), 0.25)
        y = y + sg.abs(self.second(y))
        pooled = nn.MaxPool1d(2)(sg.relu(self.third(y)).reshape(-1, 1, 4)).reshape(-1, 2)
        return self.out(sg.concatenate([sg.clip(y[:, :4], -0.5, 0.75), pooled], 1))


def networks():
    with sg.using_dtype("float64"):
        plain = nn.Sequential(
            nn.Linear(D, 8, seed=10), nn.ReLU(), nn.Linear(8, 8, seed=11), nn.ReLU(), nn.Linear(8, 2, seed=12)
        )
        return {"plain": plain, "kinks": Kinks()}


def least(net, row):
    """About the least ``row @ y`` on the box, by descent from random corners."""
    rng = np.random.default_rng(0)
    best = np.sign(rng.normal(size=(500, D)))
    for _ in range(20):
        best = best[np.argsort(sg.predict(net, best) @ row)[:25]]
        moves = np.repeat(best, 20, axis=0)
        moves[rng.random(moves.shape) < 0.1] *= -1
        best = np.concatenate([best, moves])
    return float((sg.predict(net, best) @ row).min())


def saved(net, path, off):
    """A file that proves two limits a bit below what samples reach."""
    rows = [np.array([1.0, -0.5]), np.array([0.0, 1.0])]
    cases = [Case(BOX, [row], [least(net, row) - off]) for row in rows]
    found = sg.verify(net, Unreachable(cases), budget=3000)
    assert found.status == "proven"
    found.save(path)
    return path


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    net = networks()["plain"]
    return net, saved(net, tmp_path_factory.mktemp("proof") / "proof.safetensors", 0.02)


def changed(proof, tmp_path, change):
    """The checker's error for a file with a change; None if it accepts that."""
    tensors, header = read_model_file(proof[1])
    tensors = {k: v.copy() for k, v in tensors.items()}
    change(tensors, header)
    path = tmp_path / "changed.safetensors"
    save_file(tensors, path, {"subgrad": json.dumps(header)})
    try:
        checker.check(path)
    except errors.FileError as error:
        return str(error)
    return None


def test_the_checker_follows_splits_of_units(proof, tmp_path):
    parts = len(read_model_file(proof[1])[0]["row 0"])
    assert parts > 4
    said = checker.check(proof[1])
    assert said.startswith(f"none of 2 polytopes of outputs is reached, by {parts} parts: from [[-1.0, 1.0], ")
    assert said.endswith(f"network sha256:{sg.bounds.network_digest(proof[0], D)}")
    kinks = saved(networks()["kinks"], tmp_path / "kinks.safetensors", 0.3)
    assert (read_model_file(kinks)[0]["signs 0"] != 0).any()
    assert checker.check(kinks).startswith("none of 2 polytopes")


def test_a_part_that_is_missing_or_has_another_sign_is_refused(proof, tmp_path):
    names = ("row 0", "signs 0", "slopes 0", "weights 0", "smooth slopes 0")

    def missing(tensors, header):
        tensors.update({name: tensors[name][1:] for name in names})

    def none(tensors, header):
        tensors.update({name: tensors[name][:0] for name in names})

    def other_sign(tensors, header):
        part, unit = np.argwhere(tensors["signs 0"])[0]
        tensors["signs 0"][part, unit] *= -1

    def twice_a_sign(tensors, header):
        tensors["signs 0"][tensors["signs 0"] < 0] = -2

    def other_row(tensors, header):
        tensors["row 0"][:] = 1 - tensors["row 0"]

    for change in (missing, none, other_sign, twice_a_sign, other_row):
        assert changed(proof, tmp_path, change) is not None, change.__name__
    assert "parts by signs of units are missing" in changed(proof, tmp_path, missing)


def test_weights_and_slopes_that_prove_nothing_are_refused(proof, tmp_path):
    def negative(tensors, header):
        tensors["weights 0"][tensors["weights 0"] > 0] *= -1

    def no_number(tensors, header):
        tensors["weights 0"][0, 0] = np.nan

    def infinite(tensors, header):
        tensors["weights 0"][tensors["weights 0"] > 0] = np.inf

    def steep(tensors, header):
        tensors["slopes 0"][0, 0] = 1.5

    def no_slope(tensors, header):
        tensors["tight slopes 0"][0, 0] = np.nan

    for change, what in ((negative, "weight"), (no_number, "weight"), (infinite, "weight"), (steep, "slope"),
                         (no_slope, "slope")):  # fmt: skip
        assert f"a {what}" in changed(proof, tmp_path, change), change.__name__

    def large(tensors, header):
        tensors["weights 0"] *= 1e6

    assert changed(proof, tmp_path, large) is not None


def test_what_is_false_or_of_another_network_is_refused(proof, tmp_path):
    def reachable(tensors, header):
        tensors["limits 0"] += 0.03

    def other_network(tensors, header):
        for name, value in tensors.items():
            if name.startswith("constant") and value.shape == (8, 8):
                tensors[name] = -value

    def no_unit(tensors, header):
        tensors["units 0"][0, 0] = header["network"]

    def no_element(tensors, header):
        tensors["units 0"][0, 1] = 8

    def twice(tensors, header):
        tensors["units 0"][1] = tensors["units 0"][0]

    def other_kind(tensors, header):
        header["groups"][0]["by"] = "boxes"

    for change in (reachable, other_network, no_unit, no_element, twice, other_kind):
        assert changed(proof, tmp_path, change) is not None, change.__name__
    assert "may be reached where units have the signs of a part" in changed(proof, tmp_path, reachable)
    assert "what is no unit's argument" in changed(proof, tmp_path, no_unit)


def test_parts_are_all_only_if_no_combination_is_missing():
    every = np.array([[1, 0, 0], [-1, 1, 0], [-1, -1, 1], [-1, -1, -1]], np.int8)
    assert checker.unreachable.are_all(every)
    assert checker.unreachable.are_all(np.zeros((1, 0), np.int8))
    for k in range(len(every)):
        assert not checker.unreachable.are_all(np.delete(every, k, axis=0))
    assert not checker.unreachable.are_all(np.array([[1, 0], [0, 1]], np.int8))
    assert not checker.unreachable.are_all(np.zeros((0, 3), np.int8))


def test_a_proof_that_is_too_large_to_keep_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("subgrad.bounds.branching.shown_parts.ROOM", 100)
    with pytest.raises(errors.ArgumentError, match="this proof is too large: what it takes was not kept"):
        saved(networks()["plain"], tmp_path / "proof.safetensors", 0.02)
    assert list(tmp_path.iterdir()) == []
