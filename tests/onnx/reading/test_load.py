"""Models that come back: the same values, parameters that are trained, and files that lie."""

import numpy as np
import onnx
import pytest
from architectures import CASES, values
from onnx import TensorProto, helper, numpy_helper
from onnx_runtime import session

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Within
from subgrad.errors import ArgumentError, FileError, ShapeError, SubgradError
from subgrad.graph.tree import leaves
from subgrad.onnx.reading.load import from_proto
from subgrad.onnx.reading.operator_table import OPERATORS
from subgrad.onnx.writing.save import to_proto

X = np.random.default_rng(0).normal(size=(5, 1, 8, 8)).astype(np.float32)


def convnet():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, seed=0), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64, 3, seed=1),
    ).eval()  # fmt: skip


@pytest.fixture
def file(tmp_path):
    net = convnet()
    sg.onnx.save(net, tmp_path / "net.onnx", X)
    return net, tmp_path / "net.onnx"


def test_a_model_comes_back_with_its_parameters(file):
    net, path = file
    again = sg.onnx.load(path)
    assert repr(again) == "OnnxModel(x -> output, 17 nodes)"
    ours, theirs = net.state_dict(), again.state_dict()
    assert {name: v.tolist() for name, v in theirs.items()} == {name: v.tolist() for name, v in ours.items()}
    assert {n for n, _ in again.named_parameters()} == {n for n, _ in net.named_parameters()}
    np.testing.assert_allclose(again.predict(X), net.predict(X), rtol=1e-5, atol=1e-6)


def test_it_is_trained_saved_loaded_and_written_again(file, tmp_path):
    again = sg.onnx.load(file[1])
    y = np.arange(5) % 3
    history = sg.fit(again, X, y, loss="cross_entropy", optimizer=sg.Adam(0.01), epochs=20, batch_size=5)
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    sg.save(again, tmp_path / "model.safetensors")
    kept = sg.load(tmp_path / "model.safetensors")
    np.testing.assert_allclose(kept.predict(X), again.predict(X), rtol=1e-6)
    sg.onnx.save(kept, tmp_path / "again.onnx")
    found = onnx.load(tmp_path / "again.onnx")
    np.testing.assert_allclose(session(found)(X)[0], again.predict(X), rtol=1e-4, atol=1e-5)
    assert {i.name for i in found.graph.initializer} >= set(again.state_dict())


def test_it_is_verified_and_explained():
    net = sg.models.mlp(2, 8, 1, seed=0)
    again = from_proto(to_proto(net))
    assert sg.verify(again, [(-1, 1), (-1, 1)], Within(-5, 5)).status == "proven"
    text = str(sg.explain(again(sg.ones((3, 2))).sum()))
    assert "hidden1.Gemm" in text
    assert len(sg.kinks(again(sg.zeros((3, 2))).sum())) == len(sg.kinks(net(sg.zeros((3, 2))).sum()))


@pytest.mark.parametrize("name", CASES)
def test_every_network_comes_back(name):
    net = CASES[name].ours(nn).eval()
    net.load_state_dict({key: values(key, v.shape).astype(np.float32) for key, v in net.state_dict().items()})
    xs = [x.astype(np.float32) for x in CASES[name].inputs]
    again = from_proto(to_proto(net, tuple(xs)))
    for a, b in zip(leaves(net(*map(sg.tensor, xs))), leaves(again(*map(sg.tensor, xs))), strict=True):
        np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-5, atol=1e-5 * max(1, np.abs(a.numpy()).max()))
    assert {n for n, _ in again.named_parameters()} == {n for n, _ in net.named_parameters()}


@pytest.mark.parametrize("layer", [nn.RNN, nn.LSTM, nn.GRU])
def test_loops_come_back_as_loops(layer):
    net = layer(3, 4, bidirectional=True, returns="sequence", seed=0)
    x = np.random.default_rng(1).normal(size=(2, 6, 3)).astype(np.float32)
    again = from_proto(to_proto(net))
    for inputs in (x, x[:, :4]):
        np.testing.assert_allclose(again(inputs).numpy(), net(inputs).numpy(), rtol=1e-5, atol=1e-6)
    slopes = sg.grad(again(x).sum(), again)
    for name, slope in sg.grad(net(x).sum(), net).items():
        np.testing.assert_allclose(slopes[name].numpy(), slope.numpy(), rtol=1e-4, atol=1e-5)


def made(nodes, initial=(), inputs=(("x", [None, 3]),), outputs=("y",)):
    """A model of one's own."""
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    tensors = [numpy_helper.from_array(np.asarray(v), name) for name, v in initial]
    graph = helper.make_graph([helper.make_node(*n[:3], **(n[3] if len(n) > 3 else {})) for n in nodes], "g", given,
                              results, tensors)  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


W, B = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones(2, np.float32)


@pytest.mark.parametrize(
    ("kind", "gates", "activations", "alpha", "beta"),
    [
        ("RNN", 1, ["LeakyRelu"], [0.3], None),
        ("GRU", 3, ["Sigmoid", "LeakyRelu"], [0.3], None),
        ("GRU", 3, ["HardSigmoid", "ScaledTanh"], [0.1, 0.7], [0.6, 1.3]),
        ("LSTM", 4, ["HardSigmoid", "Tanh", "Affine"], [0.1, 0.8], [0.4, 0.1]),
    ],
)
def test_arguments_go_to_the_activations_that_have_some(kind, gates, activations, alpha, beta):
    rng, hidden = np.random.default_rng(0), 3
    given = {"W": (1, gates * hidden, 2), "R": (1, gates * hidden, hidden)}
    stored = [numpy_helper.from_array(rng.normal(size=s).astype(np.float32), n) for n, s in given.items()]
    node = helper.make_node(
        kind, ["x", "W", "R"], ["y"], activations=activations, hidden_size=hidden, activation_alpha=alpha,
        **({} if beta is None else {"activation_beta": beta}),
    )  # fmt: skip
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [5, 2, 2]), ("y", [5, 1, 2, 3])))
    graph = helper.make_graph([node], "g", [x], [y], stored)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    x = rng.normal(size=(5, 2, 2)).astype(np.float32)
    np.testing.assert_allclose(from_proto(proto)(x).numpy(), session(proto)(x)[0], rtol=1e-5, atol=1e-6)


def test_which_tensors_of_another_file_are_trained():
    """Weights are; what is computed with, and statistics, are not."""
    nodes = [
        ("Mul", ["x", "half"], ["a"]),
        ("Gemm", ["a", "w", "b"], ["c"]),
        ("BatchNormalization", ["c", "scale", "shift", "mean", "var"], ["d"]),
        ("Clip", ["d", "low"], ["y"]),
    ]
    four = {"scale": B, "shift": 0 * B, "mean": B, "var": 2 * B}
    numbers = [("half", np.float32(0.5)), ("low", np.float32(0))]
    model = from_proto(made(nodes, [*numbers, ("w", W), ("b", B), *four.items()]))
    assert [n for n, _ in model.named_parameters()] == ["w", "b", "scale", "shift"]
    assert [n for n, p in model.named_state() if not p.requires_grad] == ["mean", "var"]
    x = np.ones((2, 3), np.float32)
    want = np.maximum(((0.5 * x) @ W + B - 1) / np.sqrt(2 + 1e-5), 0)
    np.testing.assert_allclose(model(x).numpy(), want, rtol=1e-6)
    np.testing.assert_allclose(model(x=x).numpy(), want, rtol=1e-6)


def test_names_that_a_module_has_already():
    model = from_proto(made([("MatMul", ["x", "training"], ["y"])], [("training", W)]))
    np.testing.assert_allclose(model(np.ones((1, 3), np.float32)).numpy(), W.sum(0)[None])
    assert [n for n, _ in model.named_parameters()] == ["training_"]


def test_shapes_that_are_computed_in_the_file():
    nodes = [
        ("Shape", ["x"], ["s"]),
        ("Gather", ["s", "zero"], ["n"]),
        ("Unsqueeze", ["n", "axis"], ["m"]),
        ("Concat", ["m", "rest"], ["t"], {"axis": 0}),
        ("Reshape", ["x", "t"], ["y"]),
    ]
    model = from_proto(made(nodes, [("zero", np.int64(0)), ("axis", np.array([0])), ("rest", np.array([3, 1]))]))
    assert model(np.ones((4, 3), np.float32)).shape == (4, 3, 1)
    assert model.predict(np.ones((2, 3), np.float32)).shape == (2, 3, 1)


def test_all_unknown_operators_are_named_at_once():
    nodes = [("Relu", ["x"], ["a"]), ("NoSuch", ["a"], ["b"]), ("NoSuch", ["b"], ["c"]), ("Other", ["c"], ["y"])]
    with pytest.raises(FileError, match=r"not known here: NoSuch \(2\), Other$"):
        from_proto(made(nodes))


def test_what_an_attribute_means_must_be_known():
    model = from_proto(made([("Relu", ["x"], ["y"], {"leak": 3})]))
    with pytest.raises(ArgumentError, match="the Relu '' of this ONNX file cannot be read: what 'leak' means"):
        model(np.ones((1, 3), np.float32))


def test_a_shape_that_depends_on_values_is_an_error_of_the_trace_alone():
    nodes = [("Cast", ["x"], ["s"], {"to": int(TensorProto.INT64)}), ("ConstantOfShape", ["s"], ["y"])]
    model = from_proto(made(nodes, inputs=[("x", [2])]))
    assert model(np.array([2, 3], np.float32)).shape == (2, 3)
    with pytest.raises(ArgumentError, match="needs values that are known before it runs"):
        model.predict(np.array([2, 3], np.float32))


def test_inputs_that_do_not_fit():
    model = from_proto(made([("MatMul", ["x", "w"], ["y"])], [("w", W)]))
    with pytest.raises(ArgumentError, match="takes x, got 2 inputs"):
        model(W, W)
    with pytest.raises(ShapeError) as error:
        model(np.ones((1, 4), np.float32))
    assert error.value.__notes__ == ["in the node '', MatMul, of the ONNX file"]


LIES = {
    "reads 'b', which nothing before it gives": [("Relu", ["b"], ["a"]), ("Relu", ["a"], ["b"])],
    "'x' is given twice": [("Relu", ["x"], ["x"])],
    "nothing gives its result 'y'": [("Relu", ["x"], ["z"])],
}


@pytest.mark.parametrize("why", LIES)
def test_graphs_that_contradict_themselves(why):
    with pytest.raises(FileError, match=why):
        from_proto(made(LIES[why]))


@pytest.mark.parametrize("node", ["Tile", "Expand", "Resize"])
def test_results_that_no_memory_holds(node):
    many = {"Tile": [2**30, 2**12], "Expand": [2**30, 2**12, 3], "Resize": np.float32([2**22, 2**20])}[node]
    inputs = ["x", "", "n"] if node == "Resize" else ["x", "n"]
    model = from_proto(made([(node, inputs, ["y"])], [("n", np.asarray(many))]))
    with pytest.raises(ArgumentError, match=f"the {node} .* cannot be read: (what it makes takes|MemoryError)"):
        model(np.ones((1, 3), np.float32))


def test_tensors_that_contradict_themselves():
    for change in ({"dims": [3, 3]}, {"dims": [-3, -2]}, {"data_type": 77}, {"dims": [2**40, 2**40]}):
        proto = made([("MatMul", ["x", "w"], ["y"])], [("w", W)])
        for name, value in change.items():
            if name == "dims":
                proto.graph.initializer[0].dims[:] = value
            else:
                proto.graph.initializer[0].data_type = value
        with pytest.raises(FileError, match="damaged"):
            from_proto(proto)


def test_dtypes_that_tensors_do_not_have():
    with pytest.raises(FileError, match="tensors of float16 cannot be read: only float32"):
        from_proto(made([("MatMul", ["x", "w"], ["y"])], [("w", W.astype(np.float16))]))


def outside(path, **where):
    proto = made([("MatMul", ["x", "w"], ["y"])], [("w", W)])
    t = proto.graph.initializer[0]
    t.ClearField("raw_data")
    t.data_location = TensorProto.EXTERNAL
    for key, value in where.items():
        t.external_data.add(key=key, value=str(value))
    path.write_bytes(proto.SerializeToString())
    return path


def test_tensors_in_another_file(tmp_path):
    (tmp_path / "w.bin").write_bytes(b"1234" + W.tobytes())
    model = sg.onnx.load(outside(tmp_path / "a.onnx", location="w.bin", offset=4, length=24))
    np.testing.assert_array_equal(model.state_dict()["w"], W)
    for where, why in [
        ({"location": "../w.bin"}, "lie in its own folder"),
        ({"location": "/etc/passwd"}, "lie in its own folder"),
        ({"location": "none.bin"}, "none.bin"),
        ({"location": "w.bin", "offset": 8, "length": 24}, "has 28 bytes"),
        ({"location": "w.bin", "offset": -8, "length": 24}, "damaged"),
        ({"location": "w.bin", "offset": "x"}, "damaged"),
        ({"location": "w.bin", "length": 20}, "other values than its shape says"),
        ({}, "does not say where"),
    ]:
        with pytest.raises(FileError, match=why):
            sg.onnx.load(outside(tmp_path / "b.onnx", **where))


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "w.bin").write_bytes(W.tobytes())
    try:
        (inner / "w.bin").symlink_to(tmp_path / "w.bin")
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(FileError, match="lie in its own folder"):
        sg.onnx.load(outside(inner / "a.onnx", location="w.bin"))


def test_files_that_are_none(tmp_path):
    path = tmp_path / "a.onnx"
    for content in (b"", b"abc", b"\x00" * 100, b"\xff" * 100):
        path.write_bytes(content)
        with pytest.raises(FileError, match="damaged, or no ONNX file"):
            sg.onnx.load(path)
    with pytest.raises(FileError, match="cannot read"):
        sg.onnx.load(tmp_path / "none.onnx")
    with pytest.raises(FileError, match="a folder"):
        sg.onnx.load(tmp_path)


def test_damaged_bytes_are_an_error_of_ours_or_another_model(file):
    """Whatever byte is another one: nothing but our errors, and these are short."""
    content = file[1].read_bytes()
    rng = np.random.default_rng(0)
    messages = []
    for _ in range(150):
        bad = bytearray(content)
        for at in rng.integers(0, len(bad), 3):
            bad[at] = rng.integers(0, 256)
        file[1].write_bytes(bytes(bad[: rng.integers(1, len(bad))] if rng.random() < 0.2 else bad))
        try:
            sg.onnx.load(file[1])(X)
        except SubgradError as error:
            messages.append(str(error))
    assert len(messages) > 10
    assert max(map(len, messages)) < 600


def test_a_description_of_a_graph_is_not_believed(tmp_path):
    with pytest.raises(ArgumentError, match="describes no ONNX graph"):
        nn.from_config({"module": "OnnxModel", "args": {"graph": {"inputs": 3}, "parameters": {}}})


def test_every_operator_has_its_function():
    assert len(OPERATORS) > 150
    assert all(callable(o.run) for o in OPERATORS.values())
