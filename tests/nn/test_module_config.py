"""Modules as JSON and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError
from subgrad.nn import init


class Block(nn.Module):
    def __init__(self, width, *parts, scale=0.5, **options):
        self.linear = nn.Linear(width, width)
        self.parts = parts
        self.scale, self.options = scale, options

    def forward(self, x):
        for part in [self.linear, *self.parts]:
            x = part(x)
        return self.scale * x


def through_json(module, modules=()):
    return nn.from_config(json.loads(json.dumps(module.config())), modules)


@pytest.mark.parametrize(
    "module",
    [
        nn.Linear(3, 2, bias=False, init="he_normal", seed=4),
        nn.Bilinear(2, 3, 4),
        nn.Embedding(5, 2),
        nn.LayerNorm([2, 3], eps=1e-3),
        nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.Dropout(0.1), nn.Softmax(axis=1)),
        nn.Sequential({"a": nn.Linear(2, 2), "b": nn.ELU(2.0)}),
        nn.Residual(nn.Linear(3, 3), shortcut=nn.Linear(3, 3)),
        nn.Branches(nn.GELU(), nn.SiLU(), nn.Tanh(), join="sum", axis=-1),
        nn.Sequential(nn.Sigmoid(), nn.Softplus(), nn.ReLU()),
    ],
    ids=lambda m: type(m).__name__,
)
def test_a_module_comes_back_from_json(module):
    again = through_json(module)
    assert repr(again) == repr(module)
    assert again.config() == module.config()
    again.load_state_dict(module.state_dict())


def test_tuples_and_numpy_numbers_become_what_json_has():
    assert nn.LayerNorm((2, 3)).config()["args"]["shape"] == [2, 3]
    assert type(nn.LeakyReLU(np.float64(0.25)).config()["args"]["slope"]) is float


def test_the_arguments_are_recorded_with_their_defaults():
    assert nn.Linear(3, out_features=2).config() == {
        "module": "Linear",
        "args": {"in_features": 3, "out_features": 2, "bias": True, "init": "uniform", "seed": None},
    }


def test_own_classes_come_back_if_they_are_passed():
    block = Block(3, nn.Tanh(), nn.Sequential(nn.Linear(3, 3)), scale=2.0, notes={"depth": [1, 2]}, flag=True)
    again = through_json(nn.Sequential(block), [Block])[0]
    again.load_state_dict(block.state_dict())
    x = sg.ones((2, 3))
    np.testing.assert_array_equal(again(x).numpy(), block(x).numpy())
    assert again.options == {"notes": {"depth": [1, 2]}, "flag": True}


def test_own_classes_do_not_come_back_by_name_alone():
    with pytest.raises(ArgumentError, match=r"'Block' is no module of subgrad.nn: pass .* modules=\[Block\]"):
        through_json(nn.Sequential(Block(3)))


def test_an_own_class_cannot_pass_for_a_built_in_one():
    linear = type("Linear", (nn.Module,), {})()
    with pytest.raises(ArgumentError, match="give your own class another name"):
        linear.config()


def test_an_initialiser_is_written_by_its_name():
    assert nn.Linear(2, 2, init=init.he_uniform).config()["args"]["init"] == "he_uniform"


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Block(2, hook=print), "Block's options is a builtin_function_or_method, which JSON cannot hold"),
        (Block(2, start=np.zeros(2)), "Block's options is a ndarray"),
        (Block(2, table={1: 2}), "Block's options is a dict, which JSON cannot hold"),
        (Block(2, note={"module": "x", "args": {}}), "looks like a module's description"),
    ],
    ids=["function", "array", "keys", "ambiguous"],
)
def test_what_json_cannot_hold_is_named(module, message):
    with pytest.raises(ArgumentError, match=message):
        module.config()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"module": "Linear"}, "has the keys 'module' and 'args', got {'module': 'Linear'}"),
        (["Linear"], "a module's description has the keys"),
        ({"module": "os.system", "args": {}}, "'os.system' is no module of subgrad.nn"),
        ({"module": "squared_loss", "args": {}}, "'squared_loss' is no module"),
        ({"module": "ReLU", "args": {"slope": 1}}, "ReLU takes no argument 'slope'"),
        ({"module": "Linear", "args": {"in_features": 3}}, "missing a required argument: 'out_features'"),
        ({"module": "Linear", "args": {"in_features": 3, "out_features": -1}}, "positive integer, got -1"),
    ],
)
def test_a_description_that_is_wrong_is_refused(config, message):
    with pytest.raises(ArgumentError, match=message):
        nn.from_config(config)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_saved_model_comes_back_in_its_own_dtype(dtype, tmp_path):
    with sg.using_dtype(dtype):
        net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    sg.save(net, tmp_path / "net.safetensors")
    again = sg.load(tmp_path / "net.safetensors")
    assert {p.dtype for p in again.parameters()} == {np.dtype(dtype)}
    assert all(np.array_equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
