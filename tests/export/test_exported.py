"""`sg.export`: what is written, what each kind of argument becomes, and errors."""

import json
import re

import numpy as np
import pytest
from exported_code import WasmCode, routines

import subgrad as sg
from subgrad.errors import ArgumentError, FileError
from subgrad.export import MACHINES

NET = sg.models.mlp(3, 4, 2, seed=0)
BATCH = np.zeros((5, 3), np.float32), np.zeros(5, np.int64)


def test_four_files_of_webassembly(tmp_path):
    made = sg.export(NET, tmp_path / "some net.wasm")
    ends = (".wasm", ".mjs", ".d.mts", ".wasm.h")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"some net{end}" for end in ends)
    assert made.files == tuple(str(tmp_path / f"some net{end}") for end in ends)
    assert (made.functions, made.state, made.needs) == (("some_net_predict",), 0, ())
    assert made.code == (tmp_path / "some net.wasm").stat().st_size < 2000
    spec = json.loads(re.search(r"const SPEC = (.*?);\n\nconst", (tmp_path / "some net.mjs").read_text(), re.S)[1])
    assert spec["file"] == "./some net.wasm"
    assert spec["routines"][0]["arguments"] == [{"name": "x", "shape": [1, 3], "dtype": "float32"}]
    assert "predict(x: Float32Array | ArrayLike<number>, count?: number): Float32Array;" in (
        tmp_path / "some net.d.mts"
    ).read_text()


def test_a_training_step_in_a_few_kilobytes(tmp_path):
    """The page that trains in a browser is made of steps like this one."""
    net = sg.models.mlp(2, 8, 8, 1, seed=0)
    batch = np.zeros((32, 2), np.float32), np.ones(32, np.float32)
    made = sg.export(net, tmp_path / "xor.wasm", batch, loss="binomial", optimizer=sg.SGD(0.1))
    assert made.code < 9000
    assert made.functions == ("xor_init", "xor_step", "xor_predict")


def test_the_parameters_of_a_compiled_step_and_what_it_carries_are_in_the_state():
    net, adam = sg.models.mlp(3, 4, 2, seed=0), sg.Adam(0.1)

    @sg.compile
    def train(x, y, moments):
        loss = sg.nn.cross_entropy(net(x), y)
        return loss, sg.update(net, sg.grad(loss, net), adam, moments, loss)

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)).astype(np.float32), np.array([0, 1, 1, 0, 1])
    both = {"train": train, "answer": net}
    made = routines(both, {"train": (x, y, adam.init(net)), "answer": x[:1]}, carry="moments")
    names = [h.array.name for h in made.state.held.values()]
    assert names[:4] == ["hidden1_weight", "hidden1_bias", "out_weight", "out_bias"]
    assert [a.name for a in made.each[0].arguments] == ["x", "y"]
    assert [a.name for a in made.each[0].results] == ["out"]
    code, state, losses = WasmCode(made), adam.init(net), []
    for _ in range(3):
        loss, state = train(x, y, state)
        losses.append(float(loss))
    got = [float(code.call(made.each[0], (x, y))[0][0]) for _ in range(3)]
    np.testing.assert_allclose(got, losses, rtol=1e-5)
    assert losses[2] < losses[0]
    (answer,), _ = code.call(made.each[1], (x[:1],))
    np.testing.assert_allclose(answer, net.predict(x[:1]), rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "net.bin"}, "the path 'net.bin' and no target: expected target='wasm' or 'object', or a path that"),
        ({"target": "pdf"}, "target='pdf': expected target='wasm' or 'object'"),
        ({"path": "net.h", "target": "object", "cpu": "x86-64"}, "'net.h': expected that of the code, beside which"),
        ({"cpu": "x86-64"}, "cpu='x86-64' is for an object file"),
        ({"path": "net.o"}, f"cpu=None: expected one of {', '.join(MACHINES)}"),
        ({"path": "net.o", "cpu": "z80"}, "cpu='z80': expected one of x86-64"),
        ({"path": "net.o", "cpu": "rv64gc", "simd": False}, "simd=False is for WebAssembly"),
        ({"loss": "mse"}, "with a module, loss= and optimizer="),
        ({"loss": "mse", "optimizer": "sgd"}, "a batch: .X, y. or .X, y, sample_weight."),
        ({"model": 3}, "a module or a function to export, got int"),
        ({"model": sg.relu}, "give an example"),
        ({"model": lambda x: None, "example": np.zeros(2)}, "call returns no tensor and assigns no parameter"),
        ({"model": {"init": NET}}, "no exported function can be named 'init'"),
        ({"model": {"a.b": NET, "a_b": NET}}, "can be named 'a_b' besides another one"),
        ({"model": {}}, "is a dict by their names"),
        ({"weights": "outside"}, "weights='outside': expected 'inside' or, without quantize=, 'apart'"),
        ({"model": {"a": NET}, "example": {"b": 1}}, "is a dict by their names, a"),
        ({"model": abs, "example": np.zeros(2), "carry": "y"}, "carry='y': expected the name of an argument, one of x"),
    ],
)
def test_what_cannot_be_exported(arguments, message, tmp_path):
    path = tmp_path / arguments.pop("path", "net.wasm")
    with pytest.raises(ArgumentError, match=message):
        sg.export(arguments.pop("model", NET), path, arguments.pop("example", None), **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_carry_that_does_not_come_back():
    def step(x, h):
        return x + h, h[:1]

    with pytest.raises(ArgumentError, match="to return a tuple with the new h last, 1 arrays; got 1 of other shapes"):
        routines(step, (np.zeros(2), np.zeros(2)), carry="h")


def test_nothing_is_written_where_that_fails(tmp_path):
    (tmp_path / "net.mjs").mkdir()
    with pytest.raises(FileError, match="net.mjs"):
        sg.export(NET, tmp_path / "net.wasm")
    assert [p.name for p in tmp_path.iterdir()] == ["net.mjs"]


def test_a_step_with_two_inputs_and_two_outputs():
    class Both(sg.nn.Module):
        def __init__(self):
            self.left, self.right = sg.nn.Linear(2, 1, seed=0), sg.nn.Linear(3, 1, seed=1)

        def forward(self, table, more):
            return {"sum": self.left(table) + self.right(more), "table": self.left(table)}

    net, zeros = Both(), np.zeros(4)
    batch = {"table": np.ones((4, 2)), "more": np.ones((4, 3))}, {"sum": zeros, "table": zeros}
    made = routines(net, batch, loss={"sum": "mse", "table": "mae"}, optimizer=sg.SGD(0.1))
    step, predict = made.each
    assert [a.name for a in step.arguments] == ["x_table", "x_more", "y_sum", "y_table"]
    assert [a.name for a in (*predict.arguments, *predict.results)] == ["x_table", "x_more", "sum", "table"]
    one = [np.ones((1, 2), np.float32), np.ones((1, 3), np.float32)]
    found, _ = WasmCode(made).call(predict, one)
    wanted = net(*one)
    np.testing.assert_allclose(found[0], wanted["sum"].numpy(), rtol=1e-5)
    np.testing.assert_allclose(found[1], wanted["table"].numpy(), rtol=1e-5)


def test_weights_apart_are_read_from_the_callers_memory():
    net, other = sg.models.mlp(3, 4, 2, seed=0), sg.models.mlp(3, 4, 2, seed=1)
    x = np.random.default_rng(0).normal(size=(1, 3)).astype(np.float32)
    made = routines(net, x, apart=True)
    code, (routine,) = WasmCode(made), made.each
    assert (routine.uses_state, routine.changes_state) == (True, False)
    np.testing.assert_allclose(code.call(routine, [x])[0][0], net.predict(x), rtol=1e-5)
    for held, value in zip(made.state.held.values(), other.state_dict().values(), strict=True):
        assert held.array.shape == value.shape
        code.memory.write(code.store, value.tobytes(), code.state + held.offset)
    np.testing.assert_allclose(code.call(routine, [x])[0][0], other.predict(x), rtol=1e-5)


def test_names_that_languages_have_are_no_names():
    def step(xor, virtual, debugger):
        return {"asm": xor + virtual, "then": debugger}

    x = np.zeros(2, np.float32)
    made = routines({"then": step, "a.b": step}, {"then": (x, x, x), "a.b": (x, x, x)}, prefix="xor")
    assert made.functions == ["xor_then_", "xor_a_b"]
    names = [a.name for a in (*made.each[0].arguments, *made.each[0].results)]
    assert names == ["xor_", "virtual_", "debugger_", "asm_", "then_"]
