"""Small networks of the benchmark's kinds that PyTorch has written (`tools/torch_networks.py`): results, other batches,
slopes, and the way back."""

from pathlib import Path

import numpy as np
import pytest

import subgrad as sg

FOLDER = Path(__file__).parent / "from_torch"
EXPECTED = np.load(FOLDER / "expected.npz")
BACK = ("both_ways", "residual", "transformer")
"""Which are written and read again: that takes a part of a second each."""

NAMES = sorted(p.stem for p in FOLDER.glob("*.onnx"))


def results(net, x):
    found = net(x)
    return list(found) if isinstance(found, tuple) else [found]


def wanted(name):
    return [EXPECTED[f"{name}.{k}"] for k in range(3) if f"{name}.{k}" in EXPECTED]


@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_pytorch_comes_in(name, tmp_path):
    net, x = sg.onnx.load(FOLDER / f"{name}.onnx").eval(), EXPECTED[f"{name}.x"]
    found = results(net, x)
    for got, one, value in zip(found, results(net, x[1:2]), wanted(name), strict=True):
        np.testing.assert_allclose(got.numpy(), value, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(one.numpy(), value[1:2], rtol=1e-5, atol=1e-5)
    at = sg.tensor(x) if x.dtype.kind == "f" else next(iter(net.parameters()))
    loss = sum((y**2).sum() for y in (results(net, at) if x.dtype.kind == "f" else found))
    np.testing.assert_allclose(sg.grad(loss, at).numpy(), EXPECTED[f"{name}.slopes"], rtol=1e-3, atol=1e-3)
    if name not in BACK:
        return
    sg.onnx.save(net, tmp_path / "again.onnx", x)
    again = sg.onnx.load(tmp_path / "again.onnx").eval()
    for got, value in zip(results(again, x), wanted(name), strict=True):
        np.testing.assert_allclose(got.numpy(), value, rtol=1e-5, atol=1e-5)


def test_the_networks_are_those_of_the_script():
    assert len(NAMES) == 12
    assert {key.split(".")[0] for key in EXPECTED} == {*NAMES}
