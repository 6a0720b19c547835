"""Hundreds of small models are fitted here; what programs do to memory is looked at in the tests of `fit`."""

import pytest


@pytest.fixture(autouse=True)
def _programs_as_users_have_them(monkeypatch):
    monkeypatch.delenv("SUBGRAD_CHECK", raising=False)
