"""The file: what stands in it beside the graph, where it goes, and inputs that say too little."""

import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx_runtime import dimensions

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, FileError, MissingExtraError, ShapeError
from subgrad.onnx.reading.load import from_proto
from subgrad.onnx.writing import save as saving


def test_a_file_says_where_it_comes_from(tmp_path):
    net = sg.models.mlp(4, 8, 3, seed=0)
    sg.onnx.save(net, tmp_path / "net.onnx", info={"classes": "a, b, c"})
    found = onnx.load(tmp_path / "net.onnx")
    about = {p.key: p.value for p in found.metadata_props}
    assert about["subgrad"] == sg.__version__
    assert about["classes"] == "a, b, c"
    assert json.loads(about["architecture"]) == net.config()
    assert found.opset_import[0].version == 18
    assert {i.name for i in found.graph.initializer} >= set(net.state_dict())
    assert [n.op_type for n in found.graph.node] == ["Gemm", "Relu", "Gemm", "Identity"]
    assert list(tmp_path.iterdir()) == [tmp_path / "net.onnx"]


@pytest.mark.parametrize(("make", "shape"), [
    (lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), ["batch", 4]),
    (lambda: nn.Sequential(nn.LSTM(3, 4, returns="last"), nn.Linear(4, 2)), ["batch", "time", 3]),
    (lambda: nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 2)), ["batch", "time"]),
])  # fmt: skip
def test_a_first_layer_may_say_what_an_input_is(make, shape):
    assert dimensions(saving.to_proto(make()).graph.input[0]) == shape


def test_an_input_that_nothing_says(tmp_path):
    with pytest.raises(ArgumentError, match="the input of a Conv2d is not known: give an example"):
        sg.onnx.save(nn.Conv2d(1, 2, 3), tmp_path / "net.onnx")
    with pytest.raises(ShapeError, match="Conv2d"):
        sg.onnx.save(nn.Conv2d(1, 2, 3), tmp_path / "net.onnx", np.zeros((1, 2, 8, 8), np.float32))
    assert not [*tmp_path.iterdir()]


def test_a_place_that_is_none(tmp_path):
    with pytest.raises(FileError, match="a folder"):
        sg.onnx.save(nn.Linear(2, 1), tmp_path)


def test_several_inputs_keep_their_names():
    proto = saving.to_proto(nn.MultiHeadAttention(4, 2), (np.zeros((1, 5, 4)), np.zeros((1, 7, 4))))
    assert [i.name for i in proto.graph.input] == ["query", "key"]
    assert [dimensions(i) for i in proto.graph.input] == [["batch", "time", 4], ["batch", 7, 4]]


def test_a_model_of_inputs_by_name():
    class Both(nn.Module):
        def __init__(self):
            self.left, self.right = nn.Linear(2, 1, seed=0), nn.Linear(3, 1, seed=1)

        def forward(self, x):
            return self.left(x["a"]) + self.right(x["b"])

    proto = saving.to_proto(Both(), {"a": np.zeros((1, 2), np.float32), "b": np.zeros((1, 3), np.float32)})
    assert [(i.name, dimensions(i)) for i in proto.graph.input] == [("a", ["batch", 2]), ("b", ["batch", 3])]
    given = {"a": np.ones((4, 2), np.float32), "b": np.ones((4, 3), np.float32)}
    run = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(run.run(None, given)[0], Both()(given).numpy(), rtol=1e-6)


def test_what_is_no_model():
    with pytest.raises(ArgumentError, match="a module or a function to write, got NoneType"):
        saving.to_proto(None, np.zeros(2))


def test_outputs_have_the_names_of_their_places():
    proto = saving.to_proto(lambda x: {"twice": 2 * x, "sums": [x.sum(0), x]}, np.zeros((2, 3), np.float32))
    assert [o.name for o in proto.graph.output] == ["twice", "sums.0", "sums.1"]
    proto = saving.to_proto(lambda x: (x, x), np.zeros((2, 3), np.float32))
    assert [o.name for o in proto.graph.output] == ["output.0", "output.1"]


def test_a_model_that_takes_one_size_alone_has_that_size():
    proto = saving.to_proto(lambda x: x.reshape(6), np.zeros((2, 3), np.float32))
    assert dimensions(proto.graph.input[0]) == [2, 3]


def test_a_batch_of_one_that_is_another_graph():
    """What is squeezed only where the example has one row is not right for others."""
    proto = saving.to_proto(lambda x: sg.ops.squeeze(x), np.zeros((1, 3), np.float32))
    assert dimensions(proto.graph.input[0]) == [1, 3]


def test_tensors_beside_a_file_that_would_be_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "LARGEST", 100)
    net = sg.models.mlp(4, 8, 3, seed=0)
    sg.onnx.save(net, tmp_path / "net.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)
    run = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    x = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(run.run(None, {"x": x})[0], sg.predict(net, x), rtol=1e-5)


def test_the_extra_is_named():
    script = (
        "import sys; sys.modules['onnx'] = None\nimport subgrad as sg\n"
        "try: sg.onnx\nexcept sg.errors.MissingExtraError as error: print(error)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'subgrad[onnx]'" in found.stdout
    assert MissingExtraError


def test_a_parameter_has_its_name_whatever_else_is_called():
    """Constants, inputs and nodes of the file have others."""

    class Net(nn.Module):
        def __init__(self):
            self.constant_1, self.x = sg.Parameter(np.ones(2)), sg.Parameter(np.full(2, 3.0))

        def forward(self, x):
            return sg.clip((x + 0.25) * self.constant_1 - self.x, -2.5, 1.5)

    proto, x = saving.to_proto(Net(), np.zeros((1, 2), np.float32)), np.array([[1, 9]], np.float32)
    onnx.checker.check_model(proto, full_check=True)
    again = from_proto(proto)
    assert {name: v.tolist() for name, v in again.state_dict().items()} == {"constant_1": [1, 1], "x": [3, 3]}
    assert [p.requires_grad for p in again.parameters()] == [True, True]
    np.testing.assert_allclose(again(x).numpy(), [[-1.75, 1.5]])
