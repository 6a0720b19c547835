"""Small networks of the kinds that `bench` trains, as PyTorch writes them: ``python tools/torch_networks.py`` makes the
files of ``tests/onnx/reading/from_torch`` again. It needs torch and onnx, which the tests do not."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.peers import torch_blocks as blocks  # noqa: E402

FOLDER = ROOT / "tests" / "onnx" / "reading" / "from_torch"
OPSET = 18


def images(*layers: nn.Module, channels: int = 2) -> tuple[nn.Module, torch.Tensor]:
    return nn.Sequential(*layers), torch.randn(3, channels, 8, 8)


def networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """By name: the network, and a batch of three for it. Results are kept as well, and the slopes of the sum of their
    squares by the batch (or, of integers, by the first parameter)."""
    blocks.INCEPTION = 2, (2, 3), (2, 2), 2
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    text = torch.randint(0, 11, (3, 6))
    return {
        "mlp": (
            nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 2)), torch.randn(3, 5),
        ),
        "lenet": images(
            nn.Conv2d(2, 3, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3), nn.Sigmoid(),
            nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4, 3),
        ),
        "residual": images(blocks.Residual(2, 4, 2), blocks.Residual(4, 4, 1), pooled, nn.Linear(4, 3)),
        "inception": images(blocks.Inception(2), pooled, nn.Linear(9, 3)),
        "separable": images(blocks.separable(2, 4, 2), blocks.separable(4, 6, 1), pooled, nn.Linear(6, 3)),
        "upsampled": images(
            nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.LeakyReLU(), nn.ConvTranspose2d(3, 2, 2, stride=2),
            nn.Flatten(),
        ),
        "rnn": (nn.Sequential(blocks.Recurrent("rnn", 4, 5), nn.Linear(5, 2)), torch.randn(3, 6, 4)),
        "lstm": (nn.Sequential(blocks.Recurrent("lstm", 4, 5), nn.Linear(5, 2)), torch.randn(3, 6, 4)),
        "both_ways": (nn.Sequential(blocks.BothWays(4, 3, 2), nn.Linear(6, 2)), torch.randn(3, 6, 4)),
        "tables": (nn.Sequential(blocks.Tables((4, 3), 3), nn.Linear(6, 2)), torch.randint(0, 3, (3, 2))),
        "transformer": (
            nn.Sequential(nn.Embedding(11, 8), blocks.Positions(6, 8), blocks.Transformer(8, 2), nn.Linear(8, 11)),
            text,
        ),
        "autoencoder": (blocks.Autoencoder(6, 5, 2), torch.randn(3, 8)),
    }  # fmt: skip


def main(folder: Path) -> None:
    torch.manual_seed(0)
    expected: dict[str, np.ndarray] = {}
    for name, (net, x) in networks().items():
        for key, tensor in net.state_dict().items():
            if tensor.dtype.is_floating_point:  # no scale of 1 and no variance of 1, under which faults would hide
                tensor.copy_(torch.rand_like(tensor) + 0.5 if "norm" in key or "running_var" in key else tensor + 0.1)
        net.eval()
        for p in net.parameters():
            torch.nn.init.uniform_(p, -0.6, 0.6) if p.ndim > 1 else None
        file = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                net, (x,), file, dynamo=False, opset_version=OPSET, input_names=["x"], dynamic_axes={"x": {0: "batch"}}
            )
        (folder / f"{name}.onnx").write_bytes(file.getvalue())
        given = x.clone().requires_grad_(x.dtype.is_floating_point)
        results = net(given)
        results = results if isinstance(results, tuple) else (results,)
        for k, result in enumerate(results):
            expected[f"{name}.{k}"] = result.detach().numpy()
        expected[f"{name}.x"] = x.numpy()
        sum((result**2).sum() for result in results).backward()
        slopes = given.grad if given.requires_grad else next(net.parameters()).grad
        expected[f"{name}.slopes"] = slopes.numpy()
        print(name, len(file.getvalue()), "bytes")
    np.savez_compressed(folder / "expected.npz", **expected)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    main(FOLDER)
