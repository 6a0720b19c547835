"""Large graphs explained with modules collapsed: their rows against those of single nodes, gradients and counts."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import models, nn
from subgrad.errors import ArgumentError
from subgrad.explain import explain

RNG = np.random.default_rng(2)


def loss_of(net, *shape):
    return (net(sg.tensor(RNG.normal(size=shape).astype("float32"))) ** 2).sum()


def residual():
    """Convolution, two residual blocks, a linear layer."""
    blocks = [nn.ResidualBlock(4, 4, seed=i) for i in (1, 2)]
    layers = {"stem": nn.Conv2d(2, 4, 3, padding=1, seed=0), "blocks": nn.Sequential(*blocks)}
    return nn.Sequential({**layers, "pool": nn.GlobalAvgPool(), "out": nn.Linear(4, 3, seed=3)})


def inception():
    module = models.inception_small(3, 1, seed=0).children["inception1"]
    return nn.Sequential(nn.Conv2d(2, 32, 1, seed=0), module)


def test_modules_are_rows_with_the_value_and_the_gradient_that_leave_and_reach_them():
    net = residual()
    x = sg.tensor(RNG.normal(size=(2, 2, 5, 5)).astype("float32"))
    stem = net.children["stem"](x)
    first = net.children["blocks"].children["0"](stem)
    rest = net.children["blocks"].children["1"](first)
    loss = (net.children["out"](net.children["pool"](rest)) ** 2).sum()
    forward, backward = explain((net(x) ** 2).sum(), net, depth=2).closed
    rows = {row.name: row for row in forward}
    assert rows["blocks.0"].formula == "ResidualBlock(stem)"
    assert rows["blocks.1"].formula == "ResidualBlock(blocks.0)"
    np.testing.assert_allclose(rows["blocks.0"].value, first.numpy(), rtol=1e-5, atol=1e-6)
    back = {row.name: row for row in backward}
    for name, node in (("blocks.1", rest), ("blocks.0", first), ("stem", stem)):
        np.testing.assert_allclose(back[name].cotangent, sg.grad(loss, node).numpy(), rtol=1e-3, atol=1e-5)
    product, own = back["blocks.1"].products
    assert (product.to, own.to) == ("blocks.0", "6 of its own parameters")
    np.testing.assert_allclose(product.value, back["blocks.0"].cotangent, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("depth", [1, 2, 3, None])
@pytest.mark.parametrize(
    ("net", "shape"),
    [(residual(), (2, 2, 5, 5)), (inception(), (1, 2, 6, 6)),
     (nn.LSTM(3, 4, 2, returns="last"), (2, 5, 3))],
)  # fmt: skip
def test_nothing_is_lost_in_closed_modules(net, shape, depth):
    story = explain(loss_of(net, *shape), net, depth=depth)
    if story.closed is None:
        assert depth is None or isinstance(net, nn.LSTM)
        return
    forward, backward = story.closed
    assert len(forward) < len(story.forward)
    assert sum(row.multiplications for row in forward) == story.forward_multiplications
    assert sum(p.multiplications for row in backward for p in row.products) == story.multiplications
    assert sum(row.on_kink for row in forward) == sum(row.on_kink for row in story.forward)


def test_large_graphs_are_closed_by_themselves_and_small_ones_open():
    net = models.resnet20(10, 3, seed=0)
    story = explain(loss_of(net, 1, 3, 8, 8), net)
    printed = str(story)
    assert "ResidualBlock(layer1.0)" in printed
    assert "rows left out" not in printed
    assert len(printed.splitlines()) < 80 < len(story.forward)
    small = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    assert explain(loss_of(small, 1, 2), small).closed is None
    assert "Linear(x" in str(explain(loss_of(small, 1, 2), small, depth=1))
    with pytest.raises(ArgumentError, match="depth is a whole number of 1 or more, got 0"):
        explain(loss_of(small, 1, 2), small, depth=0)


def test_a_loop_is_one_row_and_a_recurrent_layer_one_when_closed():
    net = models.char_lstm(6, hidden=5, seed=0)
    loss = (net(sg.tensor(RNG.integers(0, 6, (2, 40)))) ** 2).sum()
    assert str(explain(loss, net)).count("loop of 40 steps(") == 1
    closed = explain(loss, net, depth=1).closed
    assert closed is not None
    assert [row.formula for row in closed[0] if row.name == "recurrent"] == ["LSTM(embedding)"]
