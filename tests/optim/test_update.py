"""`update`: one step of a loop written by hand."""

from __future__ import annotations

import gc

import pytest

import subgrad as sg
from subgrad import optim
from subgrad.errors import ArgumentError
from subgrad.graph.tree import leaves


def test_gradients_find_their_parameters_by_name():
    w, b = sg.Parameter([1.0, 2.0]), sg.Parameter(3.0)
    sgd = optim.SGD(1.0)
    optim.update({"w": w, "b": b}, {"b": sg.tensor(1.0), "w": sg.tensor([1.0, 0.0])}, sgd, sgd.init([w, b]))
    assert (w.tolist(), b.item()) == ([0.0, 2.0], 2.0)


def test_a_generator_of_parameters():
    x = sg.Parameter([1.0])
    sgd = optim.SGD(1.0)
    state = sgd.init(p for p in [x])
    optim.update((p for p in [x]), [sg.tensor([0.25])], sgd, state)
    assert x.tolist() == [0.75]


def test_a_graph_made_before_keeps_its_value():
    x = sg.Parameter([1.0])
    before = x * 10
    sgd = optim.SGD(1.0)
    optim.update([x], [sg.tensor([1.0])], sgd, sgd.init([x]))
    assert (before.tolist(), x.tolist()) == ([10.0], [0.0])


@pytest.mark.parametrize("optimizer", [optim.Adam(), optim.Subgradient(0.01)], ids=lambda o: o.name)
def test_nothing_of_the_graph_is_kept(optimizer):
    x = sg.Parameter([1.0, -2.0])
    state = optimizer.init([x])
    alive = []
    for _ in range(6):
        loss = (x * x).sum()
        state = optim.update([x], sg.grad(loss, [x]), optimizer, state, loss)
        gc.collect()
        alive.append(sum(issubclass(type(o), sg.Tensor) for o in gc.get_objects()))
        assert all(not leaf.inputs for leaf in [x, *leaves(state)])
    assert len(set(alive[1:])) == 1


def test_forms_that_differ():
    w, b = sg.Parameter([1.0]), sg.Parameter(0.0)
    sgd = optim.SGD(1.0)
    state = sgd.init([w, b])
    with pytest.raises(ArgumentError, match="only one of the two has b, c"):
        optim.update({"w": w, "b": b}, {"w": w, "c": b}, sgd, state)
    with pytest.raises(ArgumentError, match="only one of the two has 1"):
        optim.update([w, b], [w, b.grad], sgd, state)  # b has no gradient yet: None
    with pytest.raises(ArgumentError, match="only a subgrad.Parameter takes new values, got a Tensor 1"):
        optim.update([w, sg.tensor(0.0)], [w, b], sgd, state)
