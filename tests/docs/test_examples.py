"""The programs in examples/ do what they say."""

from __future__ import annotations

import importlib.util
import re

import numpy as np
import pytest
from doc_pages import ROOT
from scipy.optimize import linprog

import subgrad as sg


def example(name: str):
    """The program as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_xor(capsys, tmp_path):
    program = example("xor")
    linear, net = program.main(str(tmp_path / "xor.dot"))
    assert float(program.loss_of(linear)) == pytest.approx(np.log(2), abs=1e-4)
    assert float(program.loss_of(net)) < 0.01
    assert (np.sign(net(program.POINTS)[:, 0].numpy()) == program.LABELS.numpy()).all()
    assert "a hidden layer of 8" in capsys.readouterr().out
    assert "softplus" in (tmp_path / "xor.dot").read_text(encoding="utf-8")


def test_digits(tmp_path):
    path = tmp_path / "digits.safetensors"
    assert example("digits").main(str(path)) > 0.96
    X, y = sg.data.load_digits()
    assert np.mean(sg.predict(sg.load(path), X / 16).argmax(1) == y) > 0.97


def test_residual(capsys, tmp_path):
    program = example("residual")
    assert program.main(str(tmp_path / "residual.dot")) < 0.02
    assert "the same numbers: True" in capsys.readouterr().out
    assert (tmp_path / "residual.dot").read_text(encoding="utf-8").count("relu") == 2


def test_subgradient_steps(tmp_path):
    program = example("subgradient_steps")
    found = program.main(str(tmp_path / "steps.svg"))
    assert len(found) == 5
    for name, (gap, bound) in found.items():
        assert -1e-12 <= gap <= bound, name
    assert found["polyak"][0] < 1e-9
    assert (tmp_path / "steps.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_approximation(capsys, tmp_path):
    example("approximation").main(str(tmp_path / "fit.svg"), errors=(1e-2,), sizes=((2, 8),))
    printed = capsys.readouterr().out
    assert re.search(r"1e-02 +23 +0\.65 +0\.01 ", printed)  # 23 units, 0.65 times those of the interpolant
    error, bound = (float(x) for x in re.search(r"^2 +8 +(\S+) +(\S+)", printed, re.MULTILINE).groups())
    assert 0 < error < 1e-3 < bound
    assert (tmp_path / "fit.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_barron_rates(capsys, tmp_path):
    program = example("barron_rates")
    found = program.main(str(tmp_path / "rates.svg"), dimensions=(2,), units=4)
    assert len(found) == 5
    for name, by_dimension in found.items():
        errors = by_dimension[2]
        assert (np.diff(errors) < 0).all(), name
        assert errors[-1] < sg.barron_bound(program.FAMILIES[name][1](2), 1, 4) / 10, name
    rows = re.findall(r"^ 2 +(\S+) +(\S+)", capsys.readouterr().out, re.MULTILINE)
    assert len(rows) == 5
    assert all(by_rules == closed for by_rules, closed in rows)
    assert (tmp_path / "rates.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_the_optimum_that_subgradient_steps_names():
    """min mean |Xw - y| as a linear program: minimise mean t with -t <= Xw - y <= t."""
    X, y, w = example("subgradient_steps").problem()
    n, d = X.shape
    found = linprog(
        np.r_[np.zeros(d), np.full(n, 1 / n)],
        A_ub=np.block([[X, -np.eye(n)], [-X, -np.eye(n)]]),
        b_ub=np.r_[y, -y],
        bounds=[(None, None)] * d + [(0, None)] * n,
    )
    np.testing.assert_allclose(found.x[:d], w, atol=1e-7)


@pytest.mark.parametrize("name", ["xor", "residual"])
def test_pictures_in_the_documentation_are_of_today(name, tmp_path):
    """As many nodes and arrows as in the graph that is drawn now."""
    example(name).main(str(tmp_path / "now.dot"))
    assert_of_today(name, (tmp_path / "now.dot").read_text(encoding="utf-8"))


def test_the_picture_of_a_cell_is_of_today():
    assert_of_today("lstm", str(sg.draw(sg.nn.LSTM(3, 4), input_shape=(1, 5, 3), depth=2)))


def assert_of_today(name: str, dot: str) -> None:
    svg = (ROOT / "docs" / "images" / f"{name}.svg").read_text(encoding="utf-8")
    assert svg.count('class="node"') == len(re.findall(r"^ *n\d+ \[", dot, flags=re.MULTILINE))
    assert svg.count('class="edge"') == dot.count(" -> ")
