"""All sides of the benchmarks do the same work: small networks of each kind that is measured."""

import importlib

import numpy as np
import pytest
import reference
from bench.work import arrays
from bench.work.workloads import Workload, mlp

TEXT = ("embedding", 7, 8), ("positions",), ("transformer", 2), ("layernorm",), ("linear", 7)
SIGNALS = ("conv1d", 3, 5, 2), ("relu",), ("pool1d", 2), ("mean",), ("linear", 3)
IMAGES = (
    ("conv", 4, 3, 1, False),
    ("norm",),
    ("relu",),
    ("separable", 6, 1),
    ("separable", 5, 2),
    ("mean",),
    ("linear", 3),
)

SMALL = [
    Workload("transformer", "", (5,), TEXT, "ce", ("adam", 1e-2), 3, 6, 2),
    Workload("ensemble", "", (4,), mlp("relu", 8, 1), "mse", ("adam", 1e-2), 5, 10, 2, members=3),
    Workload("signals", "", (2, 9), SIGNALS, "ce", ("adam", 1e-2), 4, 8, 2),
    Workload("separable", "", (3, 6, 6), IMAGES, "ce", ("momentum", 0.05), 4, 8, 2),
    Workload("burgers", "", (2,), (("burgers", mlp("tanh", 6, 6, 1)),), "mse", ("adam", 1e-2), 7, 7, 2),
    Workload("vae", "", (9 + 2,), (("vae", 6, 2),), "elbo", ("adam", 1e-2), 4, 8, 2),
    Workload("gru", "", (4, 3), (("bigru", 5, 2), ("linear", 3)), "ce", ("adam", 1e-2), 4, 8, 2),
    Workload("tables", "", (2,), (("embeddings", (3, 5), 4), *mlp("relu", 6, 2)), "ce", ("adam", 1e-2), 4, 8, 2),
]


@pytest.mark.parametrize("small", SMALL, ids=lambda w: w.name)
def test_the_first_loss_is_that_of_plain_numpy(small):
    X, Y = arrays.data(small)
    rows = arrays.batches(small, 1)[0]
    found = importlib.import_module("bench.peers.subgrad").train(small, "native")(1)
    assert found == pytest.approx(reference.loss(small, arrays.initial(small), X[rows], Y[rows]), rel=2e-5)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("peer", "variant"), [("torch", "eager"), ("jax", "step"), ("jax", "scan")])
@pytest.mark.parametrize("small", SMALL, ids=lambda w: w.name)
def test_peers_arrive_at_the_same_losses(small, peer, variant):
    pytest.importorskip(peer)
    ours, theirs = (
        importlib.import_module(f"bench.peers.{name}").train(small, how)
        for name, how in (("subgrad", "native"), (peer, variant))
    )
    np.testing.assert_allclose([theirs(3), theirs(3)], [ours(3), ours(3)], rtol=1e-4)


def test_multiplications_are_those_of_the_products():
    small = Workload("", "", (3,), mlp("relu", 4, 2), "mse", ("sgd", 0.1), 5, 5, 1)
    assert small.flops() == 2 * 5 * (3 * (3 * 4 + 4 * 2) - 3 * 4)  # the data need no gradient
