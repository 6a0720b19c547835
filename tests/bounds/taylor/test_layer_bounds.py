"""Every layer, in evaluation mode: bounds that hold its values, a proof, and the checker that follows it."""

import inspect

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Within, output_bounds
from subgrad.io.model_file import read_model_file, write_model_file
from subgrad.nn.config import BUILT_IN

MADE = {  # the layer, and the shape of one example; the others need neither an argument nor more than a row
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(2), (1, 3, 3)),
    "AvgPool1d": (lambda: nn.AvgPool1d(2, 1, 1), (1, 3)),
    "AvgPool2d": (lambda: nn.AvgPool2d(2, 1, 1), (1, 2, 2)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (3,)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2), (2, 1, 2)),
    "Branches": (lambda: nn.Branches(nn.Conv2d(1, 1, 1, seed=0), nn.Conv2d(1, 1, 1, seed=1)), (1, 2, 2)),
    "Conv1d": (lambda: nn.Conv1d(1, 2, 2, padding=1, seed=0), (1, 3)),
    "Conv2d": (lambda: nn.Conv2d(1, 2, 2, padding=1, stride=2, seed=0), (1, 3, 3)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(1, 2, 2, 2, seed=0), (1, 2, 2)),
    "Dropout": (lambda: nn.Dropout(0.5), (3,)),
    "Dropout2d": (lambda: nn.Dropout2d(0.5), (1, 2, 2)),
    "Flatten": (nn.Flatten, (3, 1)),
    "GRU": (lambda: nn.GRU(2, 2, seed=0), (2, 2)),
    "GlobalAvgPool": (nn.GlobalAvgPool, (1, 2, 2)),
    "GroupNorm": (lambda: nn.GroupNorm(1, 2), (2, 2, 1)),
    "Inception": (lambda: nn.Inception(1, 1, (1, 1), (1, 1), 1, seed=0), (1, 1, 1)),
    "LSTM": (lambda: nn.LSTM(2, 2, seed=0), (2, 2)),
    "LayerNorm": (lambda: nn.LayerNorm(3), (3,)),
    "Linear": (lambda: nn.Linear(3, 2, seed=0), (3,)),
    "MaxPool1d": (lambda: nn.MaxPool1d(3, 2, 1), (1, 4)),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, 2, 1), (1, 3, 3)),
    "MultiHeadAttention": (lambda: nn.MultiHeadAttention(2, 1, seed=0), (2, 2)),
    "Normalize": (lambda: nn.Normalize([0.5], [0.25]), (1, 2, 2)),
    "PositionalEmbedding": (lambda: nn.PositionalEmbedding(3, 2, seed=0), (3, 2)),
    "PositionalEncoding": (nn.PositionalEncoding, (3, 2)),
    "RMSNorm": (lambda: nn.RMSNorm(3), (3,)),
    "RNN": (lambda: nn.RNN(2, 2, seed=0), (2, 2)),
    "RandomCrop": (lambda: nn.RandomCrop(2, 0), (1, 2, 2)),
    "RandomHorizontalFlip": (nn.RandomHorizontalFlip, (1, 2, 2)),
    "Residual": (lambda: nn.Residual(nn.Linear(3, 3, seed=0)), (3,)),
    "ResidualBlock": (lambda: nn.ResidualBlock(1, 2, seed=0), (1, 2, 2)),
    "Sequential": (lambda: nn.Sequential(nn.Linear(2, 2, seed=0), nn.ReLU(), nn.Linear(2, 1, seed=1)), (2,)),
    "TransformerBlock": (lambda: nn.TransformerBlock(2, 1, 2, seed=0), (1, 2)),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 2)), (4,)),
    "Upsample": (lambda: nn.Upsample(2), (1, 2, 2)),
}
NONE = {
    "Module": "has no forward pass of its own",
    "Bilinear": "has two inputs",
    "Embedding": "takes integers, and a box holds all numbers between its ends",
    "Ensemble": "returns outputs of every member, not a row for a point",
}
LAYERS = {name: MADE.get(name, (layer, (3,))) for name, layer in BUILT_IN.items() if name not in NONE}


class Flat(nn.Module):
    """A layer of rows: examples are unfolded, outputs laid flat."""

    def __init__(self, layer, shape):
        self.layer, self.shape = layer, shape

    def forward(self, x):
        y = self.layer(x.reshape(x.shape[0], *self.shape))
        y = y[0] if isinstance(y, tuple) else y
        return y.reshape(x.shape[0], -1)


def test_every_layer_is_here():
    public = {n for n in dir(nn) if inspect.isclass(getattr(nn, n)) and issubclass(getattr(nn, n), nn.Module)}
    assert public == set(LAYERS) | set(NONE) >= set(MADE)
    assert public <= set(nn.__all__)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_stays_within_its_bounds(name, tmp_path):
    checker = pytest.importorskip("subgrad.bounds.checker")
    make, shape = LAYERS[name]
    net = Flat(make(), shape)
    for statistics, value in net.state_dict().items():
        if "running" in statistics:
            dict(net.named_state())[statistics].assign(np.arange(1, value.size + 1) / 7)
    rng = np.random.default_rng(0)
    middle = rng.uniform(-1, 1, int(np.prod(shape)))
    box = np.stack([middle - 0.004, middle + 0.004], axis=1)
    low, high = output_bounds(net, box, budget=64)
    x = rng.uniform(box[:, 0], box[:, 1], (50, len(box))).astype(np.float32)
    net.eval()
    y = net(sg.tensor(x)).numpy()
    net.train()
    rounding = 1e-5 * (1 + np.abs(y).max(0))
    assert (low - rounding <= y).all()
    assert (y <= high + rounding).all()
    found = sg.verify(net, box, Within(low - 0.01, high + 0.01), budget=256)
    assert found.status == "proven"
    assert net.training
    found.save(tmp_path / "proof.safetensors")
    proof = trimmed(tmp_path / "proof.safetensors")
    assert checker.check(proof)


def trimmed(path):
    """The same proof with one small box, the whole one: the checker halves it itself."""
    tensors, header = read_model_file(path)
    box = np.array(header["box"])
    boxes = {"low": box[None, :, 0].copy(), "high": box[None, :, 1].copy(), "bound": np.array([header["limit"]])}
    del header["format"]
    write_model_file(path, {**tensors, **boxes}, header)
    return path
