"""A short form of `random_networks`: nothing false is proven of convolutions, normalisation, pooling and joins."""

from collections import Counter

from random_networks import Claim


def test_no_claim_of_random_networks_is_proven_that_is_false():
    found = Counter(Claim(seed).check(40) for seed in range(24))
    assert {status for _, status in found} == {"proven", "refuted", "unknown"}
    assert found["perhaps true", "proven"] >= 3
    assert found["false", "proven"] == 0
    assert found["false", "refuted"] >= 3
