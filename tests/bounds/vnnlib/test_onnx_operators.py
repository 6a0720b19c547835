"""Properties of ONNX networks of many operators beside samples in ONNX Runtime.

No claim is proven that a sample breaks, what holds by much is proven, and every counter-example is one there as well.
"""

import numpy as np
import pytest

import subgrad as sg
from subgrad.bounds.vnnlib.property_file import from_text

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
N, RNG = onnx.helper.make_node, np.random.default_rng(0)


def weights(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def unit(name, **attributes):
    """An operator of one input between two dense layers."""
    return [N(name, ["a"], ["r"], **attributes)], {}


ONE = np.float32(1)
BETWEEN = {
    "relu": unit("Relu"), "leaky": unit("LeakyRelu", alpha=1.4), "elu": unit("Elu", alpha=1.3), "selu": unit("Selu"),
    "hard": unit("HardSigmoid", alpha=0.3), "swish": unit("HardSwish"), "soft": unit("Softsign"), "erf": unit("Erf"),
    "round": unit("Round"), "sign": unit("Sign"), "softmax": unit("Softmax", axis=1), "largest": unit("Hardmax"),
    "prelu": ([N("PRelu", ["a", "s"], ["r"])], {"s": np.array([0.1, 1.5, -0.3, 0], np.float32)}),
    "clip": ([N("Clip", ["a", "low", "high"], ["r"])], {"low": np.float32(-0.5), "high": np.float32(0.7)}),
    "root": ([N("Abs", ["a"], ["p"]), N("Sqrt", ["p"], ["r"])], {}),
    "quotient": ([N("Mul", ["a", "a"], ["p"]), N("Add", ["p", "one"], ["q"]), N("Div", ["a", "q"], ["r"])],
                 {"one": ONE}),
    "power": ([N("Pow", ["a", "p"], ["r"])], {"p": np.float32(3)}),
    "choice": ([N("Greater", ["a", "one"], ["c"]), N("Neg", ["a"], ["n"]), N("Where", ["c", "a", "n"], ["r"])],
               {"one": ONE}),
    "moved": ([N("Concat", ["a", "a"], ["q"], axis=1), N("Slice", ["q", "from", "to", "one"], ["r"])],
              {"from": np.array([7]), "to": np.array([3]), "one": np.array([1])}),
    "gathered": ([N("Gather", ["a", "i"], ["r"], axis=1)], {"i": np.array([3, -1, 0, 0])}),
    "joined": ([N("ReduceMean", ["a"], ["q"], axes=[1]), N("Max", ["a", "q"], ["r"])], {}),
    "normal": ([N("LayerNormalization", ["a", "s", "s"], ["r"])], {"s": weights(4)}),
    "place": ([N("ArgMax", ["a"], ["p"], axis=1), N("Cast", ["p"], ["q"], to=1), N("Add", ["a", "q"], ["r"])], {}),
    "cast": ([N("Cast", ["a"], ["p"], to=7), N("Cast", ["p"], ["r"], to=1)], {}),
}  # fmt: skip
BETWEEN["moved"][0][1].input[3:] = ["one", "back"]
BETWEEN["moved"][1]["back"] = np.array([-1])


def dense(between):
    nodes, more = between
    nodes = [N("Gemm", ["x", "w", "b"], ["a"], transB=1), *nodes, N("Gemm", ["r", "v"], ["y"], alpha=0.5)]
    return [1, 3], nodes, {"w": weights(4, 3), "b": weights(4), "v": weights(4, 2), **more}


def images(*between, **how):
    nodes = [N("Conv", ["x", "w", "b"], ["c"], **how), N("Relu", ["c"], ["q"]), *between, N("Flatten", ["p"], ["y"])]
    return [1, 1, 4, 4], nodes, {"w": weights(2, 1, 2, 2), "b": weights(2)}


NETWORKS = {name: dense(between) for name, between in BETWEEN.items()} | {
    "largest pixel": images(N("MaxPool", ["q"], ["p"], kernel_shape=[2, 2], strides=[2, 1])),
    "mean pixel": images(N("AveragePool", ["q"], ["p"], kernel_shape=[2, 2], pads=[1, 0, 0, 1]), strides=[2, 1]),
    "global": images(N("GlobalAveragePool", ["q"], ["p"]), auto_pad="SAME_LOWER"),
    "gru": ([3, 1, 2], [N("GRU", ["x", "w", "r", "b"], ["s", "y"], hidden_size=2)],
            {"w": weights(1, 6, 2), "r": weights(1, 6, 2), "b": weights(1, 12)}),
}  # fmt: skip


def stated(box, count, claim):
    """As VNN-LIB has it, outputs before inputs, with a comment and numbers of all kinds."""
    names = [f"Y_{j}" for j in range(count)] + [f"X_{i}" for i in range(len(box))]
    text = "; inputs (and outputs\n" + "".join(f"(declare-const {n} Real)\n" for n in names)
    return text + "".join(f"(assert (and (<= {a:.9e} X_{i}) (<= X_{i} {b!r})))" for i, (a, b) in enumerate(box)) + claim


@pytest.mark.parametrize("name", NETWORKS)
def test_answers_beside_samples(name, tmp_path):
    shape, nodes, given = NETWORKS[name]
    info = onnx.helper.make_tensor_value_info
    constants = [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in given.items()]
    graph = onnx.helper.make_graph(nodes, "g", [info("x", 1, shape)], [info("y", 1, None)], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "net.onnx"
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    run = lambda x: session.run(["y"], {"x": np.float32(x).reshape(shape)})[0].ravel()  # noqa: E731
    centre = np.round(np.random.default_rng(1).uniform(-1, 1, np.prod(shape)), 2)
    box = [(float(a), float(b)) for a, b in np.round(np.stack([centre - 0.125, centre + 0.125], 1), 3)]
    low, high = np.array(box).T
    x = np.clip(np.random.default_rng(2).uniform(2 * low - centre, 2 * high - centre, (300, len(low))), low, high)
    y = np.stack([run(v) for v in x]).astype(np.float64)
    least, most = float(y[:, 0].min()), float(y[:, 0].max())
    size, margin = most - least + 1e-3, y[:, 0] - x[:, 0]
    apart = float(margin.min() + 0.2 * np.ptp(margin))
    net, answers = sg.onnx.load(path), []
    for claim, inside in [
        (f"(>= Y_0 {most - 0.3 * size})", lambda x, y: y[:, 0] - most + 0.3 * size),
        (f"(> (* -2.0 Y_0) {-2 * least + 40 * size})", lambda x, y: least - 20 * size - y[:, 0]),
        (f"(or (and (<= Y_0 Y_1) (>= Y_0 {most})) (>= Y_0 {most + 20 * size}))",
         lambda x, y: np.maximum(np.minimum(y[:, 1] - y[:, 0], y[:, 0] - most), y[:, 0] - most - 20 * size)),
        (f"(<= Y_0 (+ X_0 {apart}))", lambda x, y: apart + x[:, 0] - y[:, 0]),
    ]:  # fmt: skip
        found = sg.verify(net, from_text(stated(box, y.shape[1], f"(assert {claim})")), budget=100)
        answers.append(found.status)
        if found.status == "proven":
            assert inside(x, y).max() <= 1e-5
        elif found.status == "refuted":
            again = run(found.counterexample)
            np.testing.assert_allclose(again, found.outputs, rtol=1e-4, atol=1e-5)
            assert inside(found.counterexample[None], again[None]) >= -1e-5
            assert ((low <= found.counterexample) & (found.counterexample <= high)).all()
    assert answers[0] == "refuted"
    assert answers[1] == "proven"
