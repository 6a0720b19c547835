"""Model files: sharing survives, damage is noticed, and what a file says is not believed."""

import json
import os
import random
import struct
import tracemalloc

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, FileError
from subgrad.io import read_model_file, write_model_file

X = np.random.default_rng(0).normal(size=(5, 3)).astype("f4")


class Tied(nn.Module):
    """Ties in lists, dicts and tuples that no constructor's argument knows of."""

    def __init__(self):
        self.layers = [nn.Linear(3, 3, seed=i) for i in range(3)]
        self.named = {"a": nn.Linear(3, 3, seed=4), "b": (nn.Linear(3, 3, seed=5), nn.Linear(3, 3, seed=6))}
        self.scale = sg.Parameter(2.0)

    def forward(self, x):
        for layer in [*self.layers, self.named["a"], *self.named["b"]]:
            x = sg.tanh(layer(x))
        return x * self.scale


class Character(nn.Module):
    def __init__(self):
        self.embedding, self.hidden, self.out = nn.Embedding(7, 3), nn.Linear(3, 3), nn.Linear(3, 7, bias=False)

    def forward(self, x):
        return self.out(self.hidden(self.embedding(x)))


def layer():
    return nn.Linear(3, 3, seed=0)


def two_places(shared):
    return nn.Sequential(shared, nn.ReLU(), shared)


def tied():
    net = Tied()
    net.layers[2], net.named["a"].weight = net.layers[0], net.layers[1].weight
    net.named["b"] = (net.named["b"][0], net.layers[1])
    return net


def embedding():
    net = Character()
    net.out.weight = net.embedding.weight
    return net


SHARED = {
    "two places": (lambda: two_places(layer()), X, 2),
    "normalised": (lambda: two_places(nn.Sequential(layer(), nn.BatchNorm1d(3))), X, 6),
    "branches": (
        lambda: (lambda a: nn.Branches(nn.Sequential(a, nn.ReLU()), nn.Sequential(a, nn.Tanh()), a))(layer()), X, 2,
    ),
    "names": (lambda: (lambda a: nn.Sequential({"in": a, "and": nn.Residual(a, a)}))(layer()), X, 2),
    "ensemble": (lambda: sg.ensemble(two_places(layer()), 3), X, 2),
    "tied afterwards": (tied, X, 8),
    "tied embedding": (embedding, np.arange(7), 3),
}  # fmt: skip


@pytest.mark.parametrize("name", SHARED)
def test_what_is_shared_is_saved_once_and_shared_again(name, tmp_path):
    make, x, count = SHARED[name]
    net = make()
    for p in net.parameters():
        p.assign(p.numpy() + 0.125)
    sg.save(net, tmp_path / "net")
    again = sg.load(tmp_path / "net", modules=[Tied, Character])
    assert len(read_model_file(tmp_path / "net")[0]) == len(dict(again.named_state())) == count
    assert list(again.state_dict()) == list(net.state_dict())
    np.testing.assert_array_equal(sg.predict(again, x), sg.predict(net, x))
    sg.save(again, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "net").read_bytes()
    again.parameters()[0].assign(again.parameters()[0].numpy() * 0)
    net.parameters()[0].assign(net.parameters()[0].numpy() * 0)
    np.testing.assert_array_equal(sg.predict(again, x), sg.predict(net, x))


def test_a_description_alone_shares_too():
    again = nn.from_config(json.loads(json.dumps(two_places(layer()).config())))
    assert again[0] is again[2]


def test_names_that_cannot_be_shared(tmp_path):
    sg.save(two_places(layer()), tmp_path / "net")
    tensors, header = read_model_file(tmp_path / "net")
    for shared in (
        {"2": "nothing"},
        {"0.bias": "0.weight"},
        {"0": ""},
        {"2.weight": "2"},
        {},
        [],
        {"2": 0},
    ):
        write_model_file(tmp_path / "other", tensors, {**header, "shared": shared})
        with pytest.raises(FileError, match="is damaged"):
            sg.load(tmp_path / "other")


def test_scalars_and_several_dtypes_come_back(tmp_path):
    net = Tied()
    net.named["a"].bias = sg.Parameter(np.ones(3), dtype="float64")
    sg.save(net, tmp_path / "net")
    again = sg.load(tmp_path / "net", modules=[Tied])
    assert again.scale.shape == ()
    assert again.named["a"].bias.dtype == np.float64
    assert again.layers[0].weight.dtype == np.float32


def test_loading_draws_no_random_numbers(tmp_path):
    sg.save(nn.Linear(3, 3), tmp_path / "net")
    sg.manual_seed(3)
    expected = nn.Linear(2, 2).weight.numpy()
    sg.manual_seed(3)
    sg.load(tmp_path / "net")
    np.testing.assert_array_equal(nn.Linear(2, 2).weight.numpy(), expected)


@pytest.mark.parametrize("cls", [nn.Linear, nn.LSTM, nn.Bilinear, nn.Embedding, nn.PositionalEmbedding])
def test_modules_without_values_have_the_shapes_of_others(cls):
    from subgrad.nn import init

    arguments = (2, 3, 4) if cls is nn.Bilinear else (2, 3)
    with init.blank(100):
        found = {name: p.shape for name, p in cls(*arguments).named_state()}
    assert found == {name: p.shape for name, p in cls(*arguments).named_state()}


# Damage


def net_of_every_kind():
    shared = layer()
    return nn.Sequential(
        shared, nn.BatchNorm1d(3), nn.Residual(shared), nn.Dropout(0.1), nn.Unflatten(1, (3, 1)),
        nn.LSTM(1, 4, num_layers=2, bidirectional=True, returns="sequence"), nn.PositionalEmbedding(5, 8),
        nn.TransformerBlock(8, 2, 5), nn.Unflatten(1, (3, 1)), nn.Conv2d(3, 2, (1, 3), padding=1), nn.GlobalAvgPool(),
    )  # fmt: skip


def read_or_refuse(path, *modules):
    """The model, or None if the file is refused; without more memory than a file of some KB can be worth."""
    tracemalloc.start()
    try:
        return sg.load(path, modules)
    except FileError:
        return None
    finally:
        assert tracemalloc.get_traced_memory()[1] < 5e6
        tracemalloc.stop()


def test_every_flipped_bit_is_noticed(tmp_path):
    net, path = net_of_every_kind(), tmp_path / "net"
    sg.save(net, path)
    content, rng = path.read_bytes(), random.Random(0)
    header = 8 + int.from_bytes(content[:8], "little")
    for i in range(200):
        damaged = bytearray(content)
        damaged[rng.randrange(header if i % 2 else len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        found = read_or_refuse(path)
        if found is not None:  # such as a space that became a tab
            assert all(
                np.array_equal(a, b)
                for a, b in zip(net.state_dict().values(), found.state_dict().values(), strict=True)
            )
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        assert read_or_refuse(path) is None


JUNK = [
    0,
    -1,
    3,
    10**9,
    10**30,
    True,
    None,
    "x",
    "",
    [],
    {},
    [1, 2],
    {"same": 1},
    {"same": 9},
    1e300,
    "Ensemble",
    [[[]]],
]


def mutated(value, rng, share):
    if rng.random() < share:
        return rng.choice(JUNK)
    if isinstance(value, dict):
        return {k + "x" * (rng.random() < share / 4): mutated(v, rng, share) for k, v in value.items()}
    if isinstance(value, list):
        return [mutated(v, rng, share) for v in value] * rng.choice([1, 1, 1, 2])
    return value


def test_headers_that_say_something_else_are_refused_or_right(tmp_path):
    """Their digests are those of what they say."""
    path, rng = tmp_path / "net", random.Random(1)
    for net in (net_of_every_kind(), sg.ensemble(nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)), 3)):
        sg.save(net, path)
        tensors, header = read_model_file(path)
        for _ in range(150):
            changed = mutated(header, rng, rng.choice([0.01, 0.05]))
            write_model_file(path, tensors, changed if isinstance(changed, dict) else {"model": changed})
            try:
                found = read_or_refuse(path)
            except ArgumentError as error:
                assert "is no module of subgrad.nn" in str(error)  # noqa: PT017
                continue
            assert found is None or found.state_dict().keys() == tensors.keys()


def described(name, **args):
    return {"module": name, "args": args}


def nested(depth):
    return described("ReLU") if not depth else described("Sequential", layers=[nested(depth - 1)])


@pytest.mark.parametrize(
    "model",
    [
        described("Linear", in_features=10**5, out_features=10**5),
        described("Linear", in_features=10**30, out_features=2),
        described("Linear", in_features=True, out_features=2),
        described("Linear", in_features=2, out_features=2, seed="x"),
        described("Embedding", count=10**12, features=10),
        described("BatchNorm1d", num_features=10**12),
        described("LayerNorm", shape=[10**6, 10**6]),
        described("MultiHeadAttention", features=10**6, heads=1),
        described("RNN", input_size=1, hidden_size=1, num_layers=10**9),
        described("Ensemble", model=described("Linear", in_features=1, out_features=1), n=10**9),
        described("Ensemble", model=described("ReLU"), n=10**9),
        described("Unflatten", axis=1, shape=5),
        described("Sequential", layers=[{"same": 1}]),
        nested(150),
        [1],
        "Linear",
    ],
)
def test_no_file_of_some_hundred_bytes_takes_much(model, tmp_path):
    path = tmp_path / "bomb"
    write_model_file(path, {}, {"model": model})
    assert read_or_refuse(path) is None


@pytest.mark.parametrize(
    "text", ["[1]", "[" * 10**5 + "]" * 10**5, '{"format": 1, "model": NaN}', "{}", '"x"', "1" * 5000]
)
def test_headers_of_another_form(text, tmp_path):
    header = json.dumps({"__metadata__": {"subgrad": text}}).encode()
    (tmp_path / "bomb").write_bytes(struct.pack("<Q", len(header)) + header)
    assert read_or_refuse(tmp_path / "bomb") is None


def test_files_of_format_1_have_no_digest(tmp_path):
    from safetensors.numpy import save

    net = nn.Linear(2, 1)
    text = json.dumps({"format": 1, "model": net.config(), "info": {}})
    (tmp_path / "old").write_bytes(save(net.state_dict(), {"subgrad": text}))
    np.testing.assert_array_equal(sg.load(tmp_path / "old").weight.numpy(), net.weight.numpy())
    (tmp_path / "old").write_bytes(save(net.state_dict(), {"subgrad": text.replace('"format": 1', '"format": 2')}))
    with pytest.raises(FileError, match="not what its digest says"):
        sg.load(tmp_path / "old")


def test_modules_too_deep_are_not_saved(tmp_path):
    net = nn.ReLU()
    for _ in range(120):
        net = nn.Sequential(net)
    with pytest.raises(ArgumentError, match="too deep"):
        sg.save(net, tmp_path / "net")
    for _ in range(40):
        net = net[0]
    sg.save(net, tmp_path / "net")
    assert sg.load(tmp_path / "net").config() == net.config()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes here")
def test_a_pipe_is_called_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="pipe: it is a device or a pipe, which may have no end"):
        sg.load(tmp_path / "pipe")


def test_what_is_no_file(tmp_path):
    for path in (tmp_path, tmp_path / "missing", "a\0b"):
        with pytest.raises(FileError, match="there is no file"):
            sg.load(path)
    with pytest.raises(ArgumentError, match="read from a path, got 3"):
        sg.load(3)
