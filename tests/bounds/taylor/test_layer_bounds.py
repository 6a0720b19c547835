"""Every layer, in evaluation mode: bounds that hold its values, a proof, and the checker that follows it."""

import inspect

import numpy as np
import pytest
from layer_samples import MADE

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Within, output_bounds
from subgrad.io.model_file import read_model_file, write_model_file
from subgrad.nn.config import BUILT_IN

NONE = {
    "Module": "has no forward pass of its own",
    "Bilinear": "has two inputs",
    "EmbeddingBag": "takes integers, and a box holds all numbers between its ends",
    "TransformerDecoderBlock": "has two inputs",
    "Embedding": "takes integers, and a box holds all numbers between its ends",
    "Ensemble": "returns outputs of every member, not a row for a point",
}
LIKE = {  # made of the same ops as another layer, or of that layer itself: their values are compared alone
    "AdaptiveAvgPool1d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AlphaDropout", "AvgPool3d", "CELU", "Conv3d",
    "ConvTranspose1d", "ConvTranspose3d", "GRUCell", "GaussianNoise", "GlobalMaxPool", "Hardsigmoid", "Hardswish",
    "Hardtanh", "Identity", "InstanceNorm", "LPPool2d", "LSTMCell", "Lambda", "LogSigmoid", "LogSoftmax", "MaxPool3d",
    "Permute", "PixelShuffle", "RNNCell", "ReLU6", "ReflectPad", "ReplicatePad", "Reshape", "SeparableConv2d",
    "Softshrink", "SwiGLU", "TimeDistributed", "ZeroPad",
}  # fmt: skip
NONE |= dict.fromkeys(LIKE, "is like another layer")
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
    classes = [getattr(nn, n) for n in dir(nn) if inspect.isclass(getattr(nn, n))]
    public = {c.__name__ for c in classes if issubclass(c, nn.Module)}
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
