"""Long runs in a log file: a line for an epoch, at most one every few seconds, none on a terminal or when quiet."""

import io

import numpy as np
import pytest
from command import succeed
from rich.console import Console

import subgrad as sg
from subgrad.cli import epochs
from subgrad.cli.epochs import SECONDS, epoch_lines


def train(console, ticks, count=6):
    net = sg.nn.Linear(2, 1, seed=0)
    x = np.eye(2, dtype=np.float32)
    lines = epoch_lines(console, count, clock=iter(ticks).__next__)
    return sg.fit(net, x, [0.0, 1.0], loss="squared", validation=(x, [0.0, 1.0]), epochs=count, callbacks=lines)


def test_lines_are_some_seconds_apart():
    log = io.StringIO()
    moments = [0.0, 1.0, 6.0, 6.0, 8.0, 10.9, 11.0, 11.0, 12.0]  # two looks at the clock where a line is printed
    history = train(Console(file=log, width=200), moments)
    printed = log.getvalue().splitlines()
    assert [line.split(":")[0] for line in printed] == ["  epoch 2 of 6", "  epoch 5 of 6"]
    assert f"loss {history['loss'][1]:.3g}, validation {history['validation_loss'][1]:.3g};" in printed[0]
    assert printed[0].endswith(" 0 s")


@pytest.mark.parametrize("console", [Console(file=io.StringIO(), force_terminal=True), Console(quiet=True)])
def test_terminals_have_a_bar_and_quiet_runs_nothing(console):
    assert epoch_lines(console, 3) == []


def test_the_command_prints_lines_between_introduction_and_result(tmp_path, monkeypatch):
    monkeypatch.setattr(epochs, "SECONDS", 0.0)
    out = tmp_path / "d.safetensors"
    printed = succeed("train", "digits", "--epochs", 2, "--hidden", 4, "--out", out).splitlines()
    found = [i for i, line in enumerate(printed) if line.startswith("  epoch ")]
    assert [printed[i][:14] for i in found] == ["  epoch 1 of 2", "  epoch 2 of 2"]
    assert printed[found[0] - 1].startswith("Training: ")
    assert printed[found[-1] + 1].startswith("2 epochs in ")
    assert not succeed("train", "digits", "--epochs", 1, "--hidden", 4, "--out", out, "--quiet")
    assert SECONDS > 0
