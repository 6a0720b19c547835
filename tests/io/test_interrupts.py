"""Ctrl-C in the middle of what must not be broken off."""

import signal

import pytest

from subgrad.io.interrupts import Interrupts


def test_the_first_ctrl_c_waits_and_the_second_does_not():
    before, reached = signal.getsignal(signal.SIGINT), []
    found = Interrupts()

    def pressed(times):
        with found, found.later():
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
            reached.append(times)

    with pytest.raises(KeyboardInterrupt):
        pressed(1)
    assert reached == [1]
    assert not found.within
    with pytest.raises(KeyboardInterrupt):
        pressed(2)
    assert reached == [1]
    assert found.within
    with pytest.raises(KeyboardInterrupt), Interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_sigterm_is_heard_as_ctrl_c_where_that_is_asked_for():
    found, before = Interrupts(terminates=True), signal.getsignal(signal.SIGTERM)
    found.go_on()  # nothing has asked for an end
    with pytest.raises(KeyboardInterrupt), found, found.later():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
