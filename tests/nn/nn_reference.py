"""Layers and losses of PyTorch on fixed inputs: the numbers in ``reference.json``, and how they were made.

Run with PyTorch installed to make the file anew: ``python tests/nn/nn_reference.py``. The tests only read it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("reference.json")


def wave(*shape: int, start: float = 0.0) -> np.ndarray:
    """Numbers between -2 and 2 that need no random generator."""
    return 2 * np.sin(start + 1.7 * np.arange(np.prod(shape))).reshape(shape)


LAYERS = {  # name: (constructor's arguments, inputs, shapes of the parameters)
    "Linear": ((3, 2), [wave(2, 4, 3)], {"weight": (2, 3), "bias": (2,)}),
    "Bilinear": ((3, 4, 2), [wave(5, 3), wave(5, 4, start=1.0)], {"weight": (2, 3, 4), "bias": (2,)}),
    "LayerNorm": (([3, 2],), [wave(4, 3, 2)], {"weight": (3, 2), "bias": (3, 2)}),
    "ReLU": ((), [wave(4, 3)], {}),
    "LeakyReLU": ((0.2,), [wave(4, 3)], {}),
    "ELU": ((0.7,), [wave(4, 3)], {}),
    "GELU": ((), [wave(4, 3)], {}),
    "SiLU": ((), [wave(4, 3)], {}),
    "Tanh": ((), [wave(4, 3)], {}),
    "Sigmoid": ((), [wave(4, 3)], {}),
    "Softplus": ((), [wave(4, 3)], {}),
    "Softmax": ((1,), [wave(4, 3)], {}),
}

SCORES, TARGETS = wave(6, start=0.3), wave(6, start=2.0)
SIGNS = np.array([1, -1, -1, 1, 1, -1])
LOGITS = wave(5, 3)
CLASSES = np.array([2, 0, 1, 1, 2])
PROBABILITIES = np.exp(wave(5, 3, start=0.5)) / np.exp(wave(5, 3, start=0.5)).sum(1, keepdims=True)
CLASS_WEIGHT = [0.5, 2.0, 3.0]

LOSSES = {  # case: (name here, arguments)
    "squared": ("squared_loss", (SCORES, TARGETS), {}),
    "absolute": ("absolute_loss", (SCORES, TARGETS), {}),
    "huber": ("huber_loss", (SCORES, TARGETS, 0.7), {}),
    "binomial": ("binomial_loss", (SCORES, SIGNS), {}),
    "binary_cross_entropy": ("binary_cross_entropy", (SCORES, SIGNS), {}),
    "binary_cross_entropy sum": ("binary_cross_entropy", (SCORES, SIGNS), {"reduction": "sum"}),
    "classes": ("cross_entropy", (LOGITS, CLASSES), {}),
    "classes sum": ("cross_entropy", (LOGITS, CLASSES), {"reduction": "sum"}),
    "classes weighted": ("cross_entropy", (LOGITS, CLASSES), {"class_weight": CLASS_WEIGHT}),
    "classes smoothed": ("cross_entropy", (LOGITS, CLASSES), {"label_smoothing": 0.1}),
    "classes smoothed and weighted": (
        "cross_entropy",
        (LOGITS, CLASSES),
        {"label_smoothing": 0.1, "class_weight": CLASS_WEIGHT},
    ),
    "probabilities": ("cross_entropy", (LOGITS, PROBABILITIES), {}),
    "probabilities weighted, sum": (
        "cross_entropy",
        (LOGITS, PROBABILITIES),
        {"class_weight": CLASS_WEIGHT, "reduction": "sum"},
    ),
}


def main() -> None:
    import torch  # pyright: ignore[reportMissingImports]

    torch.set_default_dtype(torch.float64)

    def with_gradients(output, inputs):
        torch.sum(output * torch.tensor(np.cos(np.arange(output.numel())).reshape(output.shape))).backward()
        return {"output": output.tolist(), "gradients": [x.grad.tolist() for x in inputs]}

    def layer(name):
        args, arrays, shapes = LAYERS[name]
        module = getattr(torch.nn, name)(*args)
        parameters = [getattr(module, p) for p in shapes]
        for p in parameters:
            p.data = torch.tensor(wave(*p.shape, start=3.0))
        inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
        return with_gradients(module(*inputs), [*inputs, *parameters])

    def loss(name, args, options):
        F = torch.nn.functional
        f = torch.tensor(args[0], requires_grad=True)
        y = torch.tensor(args[1])
        weight = torch.tensor(options["class_weight"]) if "class_weight" in options else None
        reduction = options.get("reduction", "mean")
        smoothing = options.get("label_smoothing", 0.0)
        value = {
            "squared_loss": lambda: F.mse_loss(f, y),
            "absolute_loss": lambda: F.l1_loss(f, y),
            "huber_loss": lambda: F.huber_loss(f, y, delta=args[2]),
            "binomial_loss": lambda: F.soft_margin_loss(2 * f, y),
            "binary_cross_entropy": lambda: F.binary_cross_entropy_with_logits(f, (y + 1) / 2, reduction=reduction),
            "cross_entropy": lambda: F.cross_entropy(f, y, weight, reduction=reduction, label_smoothing=smoothing),
        }[name]()
        return with_gradients(value, [f])

    found = {
        "torch": torch.__version__,
        "layers": {name: layer(name) for name in LAYERS},
        "losses": {case: loss(*call) for case, call in LOSSES.items()},
    }
    FILE.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
