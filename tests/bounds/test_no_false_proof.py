"""A short form of `random_claims`: nothing false is proven, nor refuted, nor accepted by the checker."""

import pytest

pytest.importorskip("flint")
from random_claims import Claim

from subgrad.bounds import bounder


@pytest.mark.parametrize("seed", range(40))
def test_random_claim(seed):
    assert Claim(seed).check(budget=1500) in ("proven", "refuted", "unknown")


@pytest.mark.parametrize("seed", range(1000, 1003))
def test_random_claim_in_native_code(seed, monkeypatch):
    monkeypatch.setattr(bounder, "PATIENCE", 0)
    Claim(seed).check(budget=1500)
