"""What is said while a network is built, and what Ctrl-C does then."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import subgrad as sg
from subgrad.approx.builders import training_baseline
from subgrad.io import terminal


class Recorder:
    """Stands for a bar of Rich."""

    def __init__(self):
        self.said = []

    def add_task(self, text, total):
        self.said.append(text)

    def update(self, task, completed, description):
        self.said.append(description)

    def start(self):
        pass

    stop = start


@pytest.mark.parametrize("method", ["exact1d", "sampled"])
def test_what_is_being_built_is_said(method, monkeypatch):
    bar = Recorder()
    monkeypatch.setattr(terminal, "MOMENT", 0)
    monkeypatch.setattr("rich.progress.Progress", lambda *columns, **options: bar)
    sg.approximate("sin(x)", (0, 1), n=8, method=method, verbose=False)
    assert not bar.said
    sg.approximate("sin(x)", (0, 1), n=8, method=method, verbose=True)
    assert any("8 units" in text for text in bar.said)


def test_an_interrupted_training_gives_no_network(monkeypatch):
    monkeypatch.setattr(training_baseline, "fit", lambda *given, **named: SimpleNamespace(stopped="interrupted"))
    with pytest.raises(KeyboardInterrupt):
        sg.approximate("sin(x)", (0, 1), n=8, method="train")
