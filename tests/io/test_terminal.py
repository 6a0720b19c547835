"""What is shown on a terminal while something takes its time."""

import time

import pytest

from subgrad.io import terminal


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(terminal, "MOMENT", 0.05)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")


def test_what_lasts_is_named(quick, capsys):
    with terminal.waiting("compiling", verbose=True):
        time.sleep(0.6)
    assert "compiling" in capsys.readouterr().err


@pytest.mark.parametrize(("verbose", "seconds"), [(False, 0.3), (None, 0.3), (True, 0.0)])
def test_nothing_is_said_of_a_moment_or_to_a_file(quick, capsys, verbose, seconds):
    with terminal.waiting("compiling", verbose):
        time.sleep(seconds)
    assert "compiling" not in capsys.readouterr().err


def fail_late():
    with terminal.waiting("compiling", verbose=True):
        time.sleep(0.2)
        raise KeyError


def test_an_error_ends_it(quick, capsys):
    with pytest.raises(KeyError):
        fail_late()
    capsys.readouterr()
    time.sleep(0.3)
    assert capsys.readouterr().err == ""
