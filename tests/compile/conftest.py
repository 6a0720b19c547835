"""What tests of the compiler share."""

import pytest

import subgrad as sg


@pytest.fixture
def on_threads():
    """Sets the number of threads, for one test."""
    yield sg.set_threads
    sg.set_threads(None)
