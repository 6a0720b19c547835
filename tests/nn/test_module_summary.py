"""The table of layers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import subgrad as sg
from subgrad import nn


def rows(text):
    """The cells of each line; they are two spaces or more apart."""
    return [[cell.strip() for cell in line.strip().split("  ") if cell.strip()] for line in text.splitlines()]


def test_a_nested_network_line_by_line():
    body = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Dropout(0.5))
    net = nn.Sequential({"first": nn.Linear(3, 8), "block": nn.Residual(body), "last": nn.Linear(8, 1, bias=False)})
    assert rows(net.summary((10, 3))) == [
        ["Layer", "Output", "Parameters", "FLOPs"],
        ["Sequential", "(10, 1)", str(32 + 72 + 8), f"{2 * 10 * (24 + 64 + 8):,}"],
        ["first: Linear", "(10, 8)", "32", "480"],
        ["block: Residual", "(10, 8)", "72", "1,280"],
        ["body: Sequential", "(10, 8)", "72", "1,280"],
        ["0: Linear", "(10, 8)", "72", "1,280"],
        ["1: Tanh", "(10, 8)", "0", "0"],
        ["2: Dropout", "(10, 8)", "0", "0"],
        ["last: Linear", "(10, 1)", "8", "160"],
    ]


def test_a_layer_that_runs_twice_is_counted_twice_and_its_parameters_once():
    layer = nn.Linear(4, 4)
    table = rows(nn.Sequential(layer, layer).summary((2, 4)))
    assert table[1] == ["Sequential", "(2, 4)", "20", "128"]
    assert [row[2:] for row in table[2:]] == [["20", "64"], ["20", "64"]]


def test_several_inputs_and_integers():
    # the second input first, then the other: 2·3·4·5 and 2·3·5 products
    assert rows(nn.Bilinear(3, 4, 5).summary((2, 3), (2, 4)))[1] == ["Bilinear", "(2, 5)", "65", "300"]
    assert rows(nn.Embedding(7, 3).summary((2, 6), dtype="int64"))[1] == ["Embedding", "(2, 6, 3)", "21", "0"]


def test_a_summary_leaves_the_module_as_it_was():
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5).eval(), nn.Dropout(0.5), nn.Module())
    net[3].forward = sg.relu  # a forward of its own, not of its class
    before = {name: dict(vars(m)) for name, m in net.named_modules()}
    sg.manual_seed(5)
    drawn = sg.random.draw(()).item()
    sg.manual_seed(5)
    net.summary((1, 2))
    assert sg.random.draw(()).item() == drawn
    for name, m in net.named_modules():
        now = {key: value for key, value in vars(m).items() if key != "training"}
        assert now == {key: value for key, value in before[name].items() if key != "training"}
    assert [m.training for m in net] == [True, False, True, True]


def test_summaries_in_several_threads_beside_calls():
    """A summary belongs to its thread: nothing is put into the modules meanwhile."""
    net, x = nn.Sequential(nn.Linear(3, 4, seed=0), nn.ReLU(), nn.Linear(4, 2, seed=1)), np.ones((2, 3), np.float32)
    table, y = str(net.summary((2, 3))), net(x).tolist()

    def work(k):
        return [str(net.summary((2, 3))) if k % 2 else net(x).tolist() for _ in range(50)]

    with ThreadPoolExecutor(4) as pool:
        for k, found in enumerate(pool.map(work, range(4))):
            assert found == [table if k % 2 else y] * 50
    assert all("forward" not in vars(m) for _, m in net.named_modules())
