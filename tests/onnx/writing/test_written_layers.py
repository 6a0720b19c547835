"""Every layer, and networks of them, as ONNX Runtime computes them at several lengths."""

import numpy as np
import pytest
from architectures import CASES, values
from layer_samples import MADE
from onnx_runtime import compare, dimensions

import subgrad as sg
from subgrad import nn
from subgrad.nn.config import BUILT_IN

OTHERS = {
    "Bilinear": (lambda: nn.Bilinear(2, 3, 2, seed=0), (2,), (3,)),
    "Embedding": (lambda: nn.Embedding(5, 3, seed=0), (4,)),
}
NONE = {"Module", "Ensemble", "EmbeddingBag", "TransformerDecoderBlock"}
LAYERS = {name: MADE.get(name, OTHERS.get(name, (layer, (3,)))) for name, layer in BUILT_IN.items() if name not in NONE}
LONG = {"PositionalEmbedding": (lambda: nn.PositionalEmbedding(8, 2, seed=0), (8, 2))}
SEQUENCES = {
    "GRU", "LSTM", "RNN", "MultiHeadAttention", "TransformerBlock", "PositionalEncoding", "Conv1d", "MaxPool1d",
    "AvgPool1d", "PositionalEmbedding", "Embedding",
}  # fmt: skip


def drawn(rng, shape, integers=False):
    return rng.integers(0, 5, shape) if integers else rng.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name):
    make, *shapes = LONG.get(name, LAYERS[name])
    integers, rng, net = name == "Embedding", np.random.default_rng(0), make().eval()
    if name in SEQUENCES and name != "PositionalEmbedding":
        at = 1 if name == "Conv1d" else 0
        shapes = [(*shape[:at], 8, *shape[at + 1 :]) for shape in shapes]
    for statistics, value in net.state_dict().items():
        if "running" in statistics:
            dict(net.named_state())[statistics].assign(np.arange(1, value.size + 1) / 7)
    examples = [drawn(rng, (2, *shape), integers) for shape in shapes]
    others = [[drawn(rng, (n, *shape), integers) for shape in shapes] for n in (1, 9)]
    if name in SEQUENCES:
        others += [
            [drawn(rng, (n, *(t if k == 8 else k for k in shape)), integers) for shape in shapes]
            for n, t in ((1, 3), (4, 6))
        ]
    proto = compare(net, examples, others)
    for given in proto.graph.input:
        assert dimensions(given)[0] == "batch"
        assert ("time" in dimensions(given)) == (name in SEQUENCES or (len(shapes[0]) == 2 and name != "BatchNorm1d"))


def test_an_ensemble_gives_the_outputs_of_each_member():
    members = sg.ensemble(sg.models.mlp(3, 4, 2), 3, seed=1)
    compare(members, [np.ones((2, 3), np.float32)], [[np.ones((5, 3), np.float32)]])


@pytest.mark.parametrize("name", CASES)
def test_networks(name):
    net = CASES[name].ours(nn).eval()
    net.load_state_dict({key: values(key, v.shape).astype(np.float32) for key, v in net.state_dict().items()})
    xs = [x.astype(np.float32) for x in CASES[name].inputs]
    compare(net, xs, [[np.concatenate([x, x[:1], x]) for x in xs]])


@pytest.mark.parametrize("layer", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("how", [{"returns": "last", "bidirectional": True, "num_layers": 2}, {"batch_first": False}])
def test_recurrent_layers(layer, how):
    net, rng = layer(3, 4, seed=1, **how), np.random.default_rng(0)
    proto = compare(net, [drawn(rng, (7, 6, 3))], [[drawn(rng, (1, 2, 3))], [drawn(rng, (9, 11, 3))]])
    assert dimensions(proto.graph.input[0]) == ["batch", "time", 3]


def test_a_causal_transformer_for_texts_reads_any_length():
    net = nn.Sequential(
        nn.Embedding(5, 8, seed=0), nn.PositionalEncoding(), nn.TransformerBlock(8, 2, causal=True, seed=1),
        nn.Linear(8, 5, seed=2),
    ).eval()  # fmt: skip
    rng = np.random.default_rng(0)
    proto = compare(net, [drawn(rng, (1, 16), True)], [[drawn(rng, (3, t), True)] for t in (1, 5, 16)])
    assert dimensions(proto.graph.output[0]) == ["batch", "time", 5]
