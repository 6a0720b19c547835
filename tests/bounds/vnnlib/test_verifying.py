"""`verify` of what must not be reached: random networks and claims in exact arithmetic, and files of both kinds."""

from fractions import Fraction

import numpy as np
import pytest

import subgrad as sg
from subgrad import errors, nn
from subgrad.bounds import Case, Unreachable, read_vnnlib

SQUARE = [(-1, 1), (-1, 1)]


def network(seed, width=6):
    with sg.using_dtype("float64"):
        return nn.Sequential(
            nn.Linear(2, width, seed=seed), nn.ReLU(), nn.Linear(width, width, seed=seed + 1), nn.ReLU(),
            nn.Linear(width, 2, seed=seed + 2),
        )  # fmt: skip


def exactly(net, x):
    """The outputs in fractions."""
    weights = [np.vectorize(Fraction)(p) for p in net.state_dict().values()]
    value = np.vectorize(Fraction, otypes=[object])(x)
    for k in range(0, len(weights), 2):
        value = weights[k] @ value + weights[k + 1]
        value = np.maximum(value, 0) if k < len(weights) - 2 else value
    return value


def grid(net, box):
    x = np.stack(np.meshgrid(*(np.linspace(low, high, 201) for low, high in box)), axis=-1).reshape(-1, 2)
    return x, net(sg.tensor(x, "float64")).numpy()


@pytest.mark.parametrize("seed", range(6))
def test_no_claim_is_proven_that_is_false(seed):
    """Limits lie beside the least value on a dense grid, as near as 1e-9 of it; the box may be very small."""
    rng = np.random.default_rng(seed)
    net = network(3 * seed)
    size = 10.0 ** -rng.integers(0, 7)
    centre = rng.uniform(-1, 1, 2)
    box = np.stack([centre - size, centre + size], axis=1)
    row = rng.normal(size=(1, 2))
    x, y = grid(net, box)
    least = x[np.argmin(y @ row[0])]
    value = sum(Fraction(r) * v for r, v in zip(row[0], exactly(net, least), strict=True))
    for off in (0.5, 1e-3, 1e-9):
        for sign in (-1, 1):
            limit = float(value) + sign * off * (y @ row[0]).std()
            found = sg.verify(net, Unreachable([Case(box, row, [limit])]), budget=200)
            if found.status == "proven":
                assert value > Fraction(limit)
            elif found.status == "refuted":
                at = exactly(net, found.counterexample)
                assert sum(Fraction(r) * v for r, v in zip(row[0], at, strict=True)) <= Fraction(limit)
                assert ((box[:, 0] <= found.counterexample) & (found.counterexample <= box[:, 1])).all()
            if off == 0.5 and np.ptp(y @ row[0]) > 1e-9:
                assert found.status == ("proven" if sign < 0 else "refuted")


def test_several_boxes_and_rows():
    """Each row of a case may be reached, and both together nowhere: a box is decided by either."""
    net = network(5)
    _, y = grid(net, SQUARE)
    most = y.max(0)
    both = Case(SQUARE, -np.eye(2), -(most - 1e-3))  # both outputs near their largest values at once
    assert (y >= most - 0.02).all(1).sum() == 0
    assert sg.verify(net, Unreachable([both])).status == "proven"
    one = Case([(-1, 1), (-1, 0)], [[-1.0, 0.0]], [-(y[:, 0].min() - 1)])  # everywhere
    found = sg.verify(net, Unreachable([both, one]))
    assert found.status == "refuted"
    assert found.counterexample[1] <= 0
    np.testing.assert_allclose(found.outputs, [float(v) for v in exactly(net, found.counterexample)], rtol=1e-12)
    assert "no point has outputs of one of the 2 cases" in str(found)
    assert sg.verify(net, Unreachable([])).status == "proven"


def test_a_search_that_ends_early_says_so():
    net = network(2, width=16)
    _, y = grid(net, SQUARE)
    tight = Unreachable([Case(SQUARE, [[1.0, 0.0]], [y[:, 0].min() - 0.02])])
    found = sg.verify(net, tight, budget=1)
    assert (found.status, found.timed_out) == ("unknown", False)
    assert found.bound >= 0
    assert found.stuck.shape == (2, 2)
    late = sg.verify(net, tight, timeout=1e-9)
    assert (late.status, late.timed_out) == ("unknown", True)
    with pytest.raises(errors.ArgumentError, match="only what is proven can be saved"):
        late.save("proof.safetensors")


def test_an_input_without_a_float_is_a_small_box(tmp_path):
    """0.1 is no float: a counter-example holds for all numbers between its neighbours."""
    path = tmp_path / "prop.vnnlib"
    path.write_text(
        "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 0.1))(assert (>= X_0 0.1))"
        "(assert (<= Y_0 0.35))"
    )
    triple = lambda x: 3.0 * x  # noqa: E731
    found = sg.verify(triple, read_vnnlib(path))
    assert found.status == "refuted"
    assert abs(found.counterexample[0] - 0.1) < 1e-16
    path.write_text(path.read_text().replace("0.35", "0.3"))
    assert sg.verify(triple, read_vnnlib(path)).status == "unknown"  # equal, which rounding cannot tell
    path.write_text(path.read_text().replace("(<= Y_0 0.3)", "(<= Y_0 0.29)"))
    assert sg.verify(triple, read_vnnlib(path)).status == "proven"


def test_counter_examples_hold_in_onnx_runtime(tmp_path):
    """A file whose input is an image, replayed in float32."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    net = nn.Sequential(nn.Conv2d(1, 2, 2, seed=0), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2, seed=1))
    path = tmp_path / "net.onnx"
    sg.onnx.save(net, path, np.zeros((1, 1, 3, 3), np.float32))
    run = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    at = lambda x: run.run(None, {run.get_inputs()[0].name: x.astype(np.float32).reshape(1, 1, 3, 3)})[0][0]  # noqa: E731
    y = np.stack([at(x) for x in np.random.default_rng(0).uniform(-1, 1, (200, 9))])
    unsafe = Case([(-1, 1)] * 9, [[1.0, -1.0]], [(y[:, 0] - y[:, 1]).mean()])
    found = sg.verify(sg.onnx.load(path), Unreachable([unsafe]), budget=2000)
    assert found.status == "refuted"
    again = at(found.counterexample)
    np.testing.assert_allclose(again, found.outputs, rtol=1e-5, atol=1e-6)
    assert again[0] - again[1] <= unsafe.limits[0, 1] + 1e-6


def test_unknown_ops_and_wrong_sizes():
    net = network(0)
    with pytest.raises(errors.ArgumentError, match="the network has 2 outputs, the property is one of 3"):
        sg.verify(net, Unreachable([Case(SQUARE, [[1, 0, 0]], [0])]))
    with pytest.raises(errors.ShapeError, match="takes no points of 3 variables"):
        sg.verify(net, Unreachable([Case([(0, 1)] * 3, [[1, 0]], [0])]))
    unreachable = Unreachable([Case(SQUARE, [[1, 0]], [0])])
    with pytest.raises(errors.ArgumentError, match="has boxes of its own"):
        sg.verify(net, unreachable, unreachable)
    with pytest.raises(errors.ArgumentError, match="a timeout is a number of seconds above 0"):
        sg.verify(net, unreachable, timeout=0)
    with pytest.raises(errors.ArgumentError, match="a timeout is for an Unreachable"):
        sg.verify(net, SQUARE, sg.bounds.Within(0, 1), timeout=3)
