"""Tiny batched products run along the batch: same numbers, no matrix product left, parameters laid out alike."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.passes.batch_innermost import batch_size
from subgrad.compile.pipeline import simplify
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.order import toposort
from subgrad.graph.tensor import placeholder

RNG = np.random.default_rng(4)


def contractions(outputs):
    return [n for n in toposort(simplify(outputs)) if n.op.name == "contract"]


def product(spec, *shapes):
    inputs = [placeholder(s, "float64") for s in shapes]
    return inputs, [sg.einsum(spec, *inputs)]


@pytest.mark.parametrize(
    ("spec", "shapes"),
    [
        ("bij,bjk->bik", [(64, 4, 2), (64, 2, 8)]),
        ("bij,bkj->bik", [(17, 3, 5), (17, 4, 5)]),
        ("bi,bi->b", [(64, 4), (64, 4)]),
        ("bi,bj->bij", [(33, 4), (33, 3)]),
        ("bij,bij->bi", [(16, 1, 8), (16, 1, 8)]),
        ("bij,bjkl->bkil", [(20, 2, 3), (20, 3, 2, 2)]),
    ],
)
def test_the_same_numbers(spec, shapes):
    inputs, outputs = product(spec, *shapes)
    arrays = [RNG.standard_normal(s) for s in shapes]
    expected = np.einsum(spec, *arrays)
    np.testing.assert_allclose(Program(inputs, outputs, n_threads=1)(arrays)[0], expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("spec", "shapes", "left"),
    [
        ("bij,bjk->bik", [(64, 4, 2), (64, 2, 8)], 0),
        ("bij,bjk->bik", [(64, 16, 16), (64, 16, 16)], 1),  # each is worth a tile
        ("bij,bjk->bik", [(8, 4, 2), (8, 2, 8)], 1),  # too few
        ("ij,jk->ik", [(64, 4), (4, 2)], 1),  # no batch
    ],
)
def test_only_tiny_batched_products_are_taken_apart(spec, shapes, left):
    _, outputs = product(spec, *shapes)
    assert len(contractions(outputs)) == left
    assert (batch_size(outputs) is None) == bool(left)


@pytest.mark.parametrize("optimizer", [sg.SGD(0.1, momentum=0.9), sg.Adam(0.05)])
def test_an_ensemble_trains_as_its_members_alone(optimizer):
    x, y = RNG.standard_normal((12, 3)).astype(np.float32), RNG.standard_normal((12, 1)).astype(np.float32)
    net = nn.Sequential(nn.Linear(3, 5, seed=0), nn.Tanh(), nn.Linear(5, 1, seed=1))
    many = sg.ensemble(net, 16)
    alone = many[3]
    for model in (many, alone):
        sg.fit(model, x, y, loss="squared", optimizer=optimizer, epochs=4, batch_size=4, shuffle=False)
    np.testing.assert_allclose(sg.predict(many, x)[3], sg.predict(alone, x), rtol=2e-4, atol=2e-5)


def test_parameters_of_members_come_back_in_their_own_order():
    w, b, x = placeholder((16, 3, 2), "float64"), placeholder((16, 3), "float64"), placeholder((4, 2), "float64")
    loss = (sg.tanh(sg.einsum("ai,boi->bao", x, w) + b.reshape(16, 1, 3)) ** 2).sum()
    new = [p - 0.1 * g for p, g in zip((w, b), sg.grad(loss, [w, b]), strict=True)]
    arrays = [RNG.standard_normal(i.shape) for i in (x, w, b)]
    expected = Interpreter([x, w, b], [loss, *new])(arrays)
    found = Program([x, w, b], [loss, *new], variables={1: 1, 2: 2})([a.copy() for a in arrays])
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-12)
