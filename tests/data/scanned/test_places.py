"""The order of an epoch, and the shares of rows."""

import numpy as np

from subgrad.data.scanned.places import Order, Share, hashed

COUNTS = np.array([5, 0, 7, 3, 4, 6])


def test_each_row_comes_once_in_groups_that_are_not_too_large():
    seen = []
    for epoch in range(3):
        order = Order(COUNTS, 10, seed=1, epoch=epoch, shuffle=True)
        assert sorted(np.concatenate(order.groups)) == [0, 2, 3, 4, 5]
        assert order.sizes.tolist() == [COUNTS[group].sum() for group in order.groups]
        assert order.sizes.max() <= 10
        assert all(sorted(order.within(i)) == [*range(n)] for i, n in enumerate(order.sizes))
        of_row = np.repeat(np.arange(len(order.sizes)), order.sizes)
        assert [order.group_at(row) for row in range(25)] == of_row.tolist()
        seen.append((np.concatenate(order.groups).tolist(), order.within(0).tolist()))
    again = Order(COUNTS, 10, seed=1, epoch=2, shuffle=True)
    assert seen[2] == (np.concatenate(again.groups).tolist(), again.within(0).tolist())
    assert seen[0] != seen[1] != seen[2]


def test_blocks_stay_where_they_are_all_together_or_cannot_be_had_otherwise():
    for order in (Order(COUNTS, 25, 0, 0, True), Order(COUNTS, 10, 0, 0, True, True), Order(COUNTS, 10, 0, 0, False)):
        assert np.concatenate(order.groups).tolist() == [0, 2, 3, 4, 5]
    assert Order(COUNTS, 4, 0, 0, False).sizes.tolist() == [5, 7, 3, 4, 6]


def test_a_hash_is_even_and_that_of_another_seed_is_another():
    places = np.arange(100_000)
    found = [hashed(places, seed) for seed in (0, 1, -5)]
    for values in found:
        counts = np.histogram(values, 50, (0, 1))[0]
        assert ((counts - 2000) ** 2 / 2000).sum() < 95  # chi square of 49 degrees: 1 in 10,000
    assert np.abs(np.corrcoef(found) - np.eye(3)).max() < 0.02
    assert (Share(0, 0.2, 1.0).has(places) != Share(0, 0.0, 0.2).has(places)).all()


def test_each_block_of_a_group_is_read_by_one_rank():
    order = Order(COUNTS, 16, seed=0, epoch=0, shuffle=True)
    parts = [order.of_rank(rank, 3) for rank in range(3)]
    for group, blocks in enumerate(order.groups):
        assert np.concatenate([part.groups[group] for part in parts]).tolist() == blocks.tolist()
        ends = np.cumsum([part.sizes[group] for part in parts])
        assert order.bounds(group, 3).tolist() == [0, *ends]
