"""``subgrad approximate``: a formula in, a network in a file and a picture out."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from command import fail, misuse, run, succeed

import subgrad as sg
from subgrad.approx.plot import plot
from subgrad.errors import ArgumentError
from subgrad.io.model_file import read_model_file


def test_the_network_in_the_file_is_as_near_as_it_says(tmp_path):
    net, picture = tmp_path / "net.safetensors", tmp_path / "fit.svg"
    formula = "exp(-x**2)*sin(5*x)"
    printed = succeed("approximate", formula, "--box", "-2,2", "--eps", "1e-2", "--out", net, "--plot", picture)
    assert "23 relu units by exact1d" in printed
    assert "proven: sup <= 0.01, asked 0.01" in printed
    x = np.linspace(-2, 2, 5001)
    error = np.abs(sg.load(net)(x[:, None]).numpy()[:, 0] - np.exp(-(x**2)) * np.sin(5 * x))
    assert 0.0099 < error.max() < 0.01
    said = read_model_file(net)[1]["info"]["approximation"]
    assert (said["formula"], said["box"], said["n"]) == (formula, [[-2, 2]], 23)
    assert picture.read_text(encoding="utf-8").startswith("<?xml")


def test_two_variables_share_an_interval_or_have_their_own(tmp_path):
    picture = tmp_path / "fit.png"
    assert "8 relu units by greedy" in succeed("approximate", "x*y", "--box", "-1,1", "-n", 8, "--plot", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "4 tanh units by sampled" in succeed(
        "approximate", "x*y", "--box", "-1,1", "--box", "0,3", "-n", 4, "--method", "sampled", "--activation", "tanh"
    )


def test_an_error_that_is_not_reached_is_a_failure():
    result = run("approximate", "sin(9*x)", "--box", "0,1", "--eps", "1e-3", "-n", 10)
    assert result.exit_code == 1
    assert "not reached" in result.output


def test_jobs_that_fail():
    assert fail("approximate", "log(x)", "--box", "0,1") == "f is -inf at [0.0]"
    assert "exact1d makes relu networks" in fail("approximate", "x*y", "--box", "0,1", "-n", 3, "--method", "exact1d")
    assert "eps is a positive number" in fail("approximate", "x", "--box", "0,1", "--eps", 0)
    assert "a box has finite ends" in fail("approximate", "x", "--box", "0,inf")


def test_a_picture_that_cannot_be_is_refused_before_the_work(monkeypatch):
    monkeypatch.setattr("subgrad.approx.build.build", None)
    assert "got fit.xyz" in fail("approximate", "x", "--box", "0,1", "--plot", "fit.xyz")
    assert "one and two variables" in fail("approximate", "x*y*z", "--box", "0,1", "-n", 4, "--plot", "fit.png")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'subgrad[plot]'" in fail("approximate", "x", "--box", "0,1", "--plot", "fit.png")


@pytest.mark.parametrize(("arguments", "message"), [
    (("foo(x)", "--box", "0,1"), "Invalid value for 'FORMULA'"),
    (("x", "--box", "1,0"), "the lower end comes first"),
    (("x", "--box", "1"), "expected two numbers such as -2,2"),
    (("x*y*z", "--box", "0,1", "--box", "0,1"), "the formula has 3 variables, there are 2 intervals"),
    (("x", "--box", "0,1", "--method", "magic"), "'magic' is not one of"),
    (("x",), "Missing option '--box'"),
    (("x", "--box", "0,1", "--out", "no-such-folder/net.safetensors"), "is in a folder that does not exist"),
    (("x", "--box", "0,1", "--plot", "no-such-folder/fit.png"), "Invalid value for '--plot'"),
])  # fmt: skip
def test_wrong_usage(arguments, message):
    assert message in misuse("approximate", *arguments)


def test_pictures_are_for_one_and_two_variables():
    net, report = sg.approximate("x*y*z", [(0, 1)] * 3, n=4, method="sampled")
    with pytest.raises(ArgumentError, match="one and two variables, this function has 3"):
        plot("x*y*z", [(0, 1)] * 3, net, report)
