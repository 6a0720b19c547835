"""Clipping and weight decay, alone and in a chain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import subgrad as sg
from subgrad import optim

numbers = st.floats(-1e3, 1e3)


@given(st.lists(numbers, min_size=1, max_size=5), numbers, st.floats(1e-2, 1e4))
def test_clipping_keeps_the_direction_and_bounds_the_norm_over_all_parameters(first, second, max_norm):
    grads = [sg.tensor(first, "float64"), sg.tensor(second, "float64")]
    clipped = optim.clip_by_norm(max_norm)(grads, grads)
    before, after = (np.concatenate([g.numpy().ravel() for g in gs]) for gs in (grads, clipped))
    norm = np.linalg.norm(before)
    expected = before if norm <= max_norm else before / norm * max_norm
    np.testing.assert_allclose(after, expected, rtol=1e-12, atol=1e-12)


def test_clipping_where_the_square_of_the_norm_would_overflow():
    grads = [sg.tensor([3e30]), sg.tensor([4e30])]
    assert [g.item() for g in optim.clip_by_norm(1.0)(grads, grads)] == pytest.approx([0.6, 0.8], rel=1e-6)


def test_a_chain_applies_its_parts_in_order():
    x = sg.Parameter([10.0], "float64")
    for parts, step in [
        ((optim.clip_by_norm(1.0), optim.weight_decay(0.5)), 1 + 0.5 * 10),
        ((optim.weight_decay(0.5), optim.clip_by_norm(1.0)), 1.0),
    ]:
        sgd = optim.chain(*parts, optim.SGD(1.0))
        updates, state = sgd.update([sg.tensor([7.0], "float64")], sgd.init([x]), [x])
        assert updates[0].item() == pytest.approx(-step)
        assert int(state["step"]) == 1


def test_weight_decay_before_an_optimiser_is_that_optimisers_own():
    grads, x = [sg.tensor([7.0, 1.0])], [sg.tensor([10.0, -3.0])]
    for chained, own in [
        (optim.chain(optim.weight_decay(0.1), optim.SGD(0.5)), optim.SGD(0.5, weight_decay=0.1)),
        (optim.chain(optim.weight_decay(0.1), optim.Adam(0.5)), optim.Adam(0.5, weight_decay=0.1)),
    ]:
        (a,), _ = chained.update(grads, chained.init(x), x)
        (b,), _ = own.update(grads, own.init(x), x)
        assert a.tolist() == b.tolist()
