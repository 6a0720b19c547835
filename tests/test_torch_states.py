"""States of PyTorch in modules here. Where PyTorch is installed, its own modules are compared."""

import numpy as np
import pytest
from safetensors.numpy import save_file

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, FileError, ShapeError


def net():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))


def state(prefix=""):
    """As PyTorch has it: with the counters of normalisations, here in float64."""
    values = {name: np.full(v.shape, 0.5 + i) for i, (name, v) in enumerate(net().state_dict().items())}
    return {prefix + name: v for name, v in [*values.items(), ("1.num_batches_tracked", np.array(7))]}


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
def test_a_state_goes_into_a_model_of_the_same_names(prefix):
    model = net()
    assert sg.torch.from_state_dict(model, state(prefix)) is model
    for name, value in model.state_dict().items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, state()[name])


def test_what_does_not_fit_changes_nothing():
    model = net()
    before = model.state_dict()
    with pytest.raises(ArgumentError, match=r"4\.bias"):
        sg.torch.from_state_dict(model, {k: v for k, v in state().items() if k != "4.bias"})
    with pytest.raises(ShapeError, match=r"4\.bias"):
        sg.torch.from_state_dict(model, {**state(), "4.bias": np.zeros(4)})
    assert all(np.array_equal(v, before[name]) for name, v in model.state_dict().items())


def test_a_file_of_safetensors(tmp_path):
    save_file({name: np.asarray(v, np.float16) for name, v in state().items()}, tmp_path / "state.safetensors")
    model = sg.torch.load_torch(tmp_path / "state.safetensors", net())
    np.testing.assert_array_equal(model.state_dict()["4.bias"], state()["4.bias"])


PICKLE = "is a pickle"


@pytest.mark.parametrize(("content", "why"), [(b"PK\x03\x04", PICKLE), (b"\x80\x02", PICKLE), (b"abc", "damaged")])
def test_files_that_are_not_read(tmp_path, content, why):
    (tmp_path / "net.pt").write_bytes(content)
    with pytest.raises(FileError, match=why):
        sg.torch.load_torch(tmp_path / "net.pt", net())
    with pytest.raises(FileError, match="cannot read"):
        sg.torch.load_torch(tmp_path / "none.pt", net())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_modules_of_pytorch(dtype):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    )
    theirs = theirs.to(getattr(torch, dtype)).eval()
    ours = sg.torch.from_state_dict(net(), theirs.state_dict()).eval()
    x = np.random.default_rng(0).normal(size=(2, 1, 4, 4)).astype(np.float32)
    want = theirs.float()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours(x).numpy(), want, rtol=1e-4, atol=1e-5)
