"""Losses, activations and layers beside those of PyTorch: the same call of both, and its numbers in ``peers.json``.

Run with PyTorch installed to make the file anew: ``PYTHONPATH=src python tests/nn/peers.py``. The tests only read it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("peers.json")


def wave(*shape: int, start: float = 0.0) -> np.ndarray:
    """Numbers between -2 and 2 that need no random generator."""
    return 2 * np.sin(start + 1.7 * np.arange(np.prod(shape))).reshape(shape)


def log_softmax(f):
    return f - np.log(np.exp(f).sum(-1, keepdims=True))


F, Y = wave(6, start=0.3), wave(6, start=2.0)
ROWS, MORE, THIRD = wave(4, 3), wave(4, 3, start=1.0), wave(4, 3, start=2.0)
BITS = np.array([1, 0, 0, 1, 1, 0])
SIGNS = 2 * BITS - 1
TABLE = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]])
CLASSES = np.array([2, 0, 1, 1])
CLASS_WEIGHT = [0.5, 2.0, 3.0]
PAIRS = np.array([1, -1, -1, 1])
STEPS = wave(6, 3, 4)  # scores: PyTorch has the right gradient behind a log_softmax alone
LABELS, LONG, SHORT = np.array([[1, 2, 2], [3, 1, 0], [2, 0, 0]]), np.array([6, 5, 4]), np.array([3, 2, 1])

# case: arrays, the first of which is differentiated; our call; PyTorch's, of torch, its functional and tensors
LOSSES = {
    "nll": (
        [log_softmax(ROWS)],
        lambda nn, f: nn.nll_loss(f, CLASSES),
        lambda t, F, f: F.nll_loss(f, t.tensor(CLASSES)),
    ),
    "nll weighted": (
        [log_softmax(ROWS)],
        lambda nn, f: nn.nll_loss(f, CLASSES, class_weight=CLASS_WEIGHT, ignore_index=1),
        lambda t, F, f: F.nll_loss(f, t.tensor(CLASSES), t.tensor(CLASS_WEIGHT), ignore_index=1),
    ),
    "kl": (
        [log_softmax(ROWS), np.exp(log_softmax(MORE))],
        lambda nn, f, p: nn.kl_divergence(f, p),
        lambda t, F, f, p: F.kl_div(f, p, reduction="batchmean"),
    ),
    "kl of logarithms": (
        [log_softmax(ROWS), log_softmax(MORE)],
        lambda nn, f, p: nn.kl_divergence(f, p, log_target=True, reduction="sum"),
        lambda t, F, f, p: F.kl_div(f, p, reduction="sum", log_target=True),
    ),
    "gaussian": (
        [F, Y, np.abs(F) + 0.1],
        lambda nn, f, y, v: nn.gaussian_nll(f, y, v, full=True),
        lambda t, F, f, y, v: F.gaussian_nll_loss(f, y, v, full=True),
    ),
    "poisson": (
        [F, np.abs(Y)],
        lambda nn, f, y: nn.poisson_nll(f, y),
        lambda t, F, f, y: F.poisson_nll_loss(f, y),
    ),
    "poisson of means": (
        [np.abs(F) + 0.1, np.abs(Y)],
        lambda nn, f, y: nn.poisson_nll(f, y, log_input=False),
        lambda t, F, f, y: F.poisson_nll_loss(f, y, log_input=False, eps=0),
    ),
    "log cosh": (
        [F, Y],
        lambda nn, f, y: nn.log_cosh_loss(f, y),
        lambda t, F, f, y: t.log(t.cosh(f - y)).mean(),
    ),
    "bits": (
        [F],
        lambda nn, f: nn.binary_cross_entropy(f, BITS),
        lambda t, F, f: F.binary_cross_entropy_with_logits(f, t.tensor(BITS * 1.0)),
    ),
    "bits with pos_weight": (
        [ROWS],
        lambda nn, f: nn.binary_cross_entropy(f, TABLE, pos_weight=CLASS_WEIGHT),
        lambda t, F, f: F.binary_cross_entropy_with_logits(f, t.tensor(TABLE * 1.0), pos_weight=t.tensor(CLASS_WEIGHT)),
    ),
    "signs with pos_weight": (
        [F],
        lambda nn, f: nn.binary_cross_entropy(f, SIGNS, pos_weight=3.0),
        lambda t, F, f: F.binary_cross_entropy_with_logits(f, t.tensor(BITS * 1.0), pos_weight=t.tensor(3.0)),
    ),
    "bits ignored": (
        [F],
        lambda nn, f: nn.binary_cross_entropy(f, np.where(np.arange(6) == 2, -100, BITS), ignore_index=-100),
        lambda t, F, f: F.binary_cross_entropy_with_logits(f[[0, 1, 3, 4, 5]], t.tensor(BITS[[0, 1, 3, 4, 5]] * 1.0)),
    ),
    "focal": (
        [F],
        lambda nn, f: nn.focal_loss(f, BITS, 2.0, 0.25),
        lambda t, F, f: (
            t.where(t.tensor(BITS) > 0, 0.25, 0.75)
            * (1 - t.sigmoid(f * t.tensor(SIGNS))) ** 2
            * F.softplus(-f * t.tensor(SIGNS))
        ).mean(),
    ),
    "dice": (
        [ROWS],
        lambda nn, f: nn.dice_loss(f, TABLE, smooth=0.5),
        lambda t, F, f: (
            1
            - (2 * (t.sigmoid(f) * t.tensor(TABLE)).sum(1) + 0.5)
            / (t.sigmoid(f).sum(1) + t.tensor(TABLE).sum(1) + 0.5)
        ).mean(),
    ),
    "multi margin": (
        [ROWS],
        lambda nn, f: nn.multi_margin_loss(f, CLASSES, margin=0.7),
        lambda t, F, f: F.multi_margin_loss(f, t.tensor(CLASSES), margin=0.7),
    ),
    "multi margin squared": (
        [ROWS],
        lambda nn, f: nn.multi_margin_loss(f, CLASSES, 2),
        lambda t, F, f: F.multi_margin_loss(f, t.tensor(CLASSES), 2),
    ),
    "multi label": (
        [ROWS],
        lambda nn, f: nn.multi_label_loss(f, TABLE),
        lambda t, F, f: F.multilabel_soft_margin_loss(f, t.tensor(TABLE * 1.0)),
    ),
    "triplet": (
        [ROWS, MORE, THIRD],
        lambda nn, a, p, n: nn.triplet_loss(a, p, n, 0.5),
        lambda t, F, a, p, n: F.triplet_margin_loss(a, p, n, 0.5, eps=0.0),
    ),
    "margin ranking": (
        [F, Y],
        lambda nn, a, b: nn.margin_ranking_loss(a, b, SIGNS, 0.3),
        lambda t, F, a, b: F.margin_ranking_loss(a, b, t.tensor(SIGNS), 0.3),
    ),
    "cosine embedding": (
        [ROWS, MORE],
        lambda nn, a, b: nn.cosine_embedding_loss(a, b, PAIRS, -0.2),
        lambda t, F, a, b: F.cosine_embedding_loss(a, b, t.tensor(PAIRS), -0.2),
    ),
    "ctc": (
        [STEPS],
        lambda nn, f: nn.ctc_loss(nn.LogSoftmax()(f), LABELS, LONG, SHORT),
        lambda t, F, f: F.ctc_loss(F.log_softmax(f, 2), *(t.tensor(x) for x in (LABELS, LONG, SHORT))),
    ),
    "ctc without room": (
        [STEPS],
        lambda nn, f: nn.ctc_loss(nn.LogSoftmax()(f), LABELS, [2, 5, 4], SHORT, zero_infinity=True, reduction="sum"),
        lambda t, F, f: F.ctc_loss(
            F.log_softmax(f, 2), *(t.tensor(x) for x in (LABELS, [2, 5, 4], SHORT)), zero_infinity=True, reduction="sum"
        ),
    ),
}

ACTIVATIONS = {  # name of the class of both: its arguments
    "SELU": (), "CELU": (0.7,), "Mish": (), "ReLU6": (), "Hardtanh": (-0.5, 1.2), "Hardsigmoid": (), "Hardswish": (),
    "Softsign": (), "LogSigmoid": (), "Softshrink": (0.4,),
}  # fmt: skip

LAYERS = {  # name: (name of PyTorch's, arguments, inputs)
    "Conv3d": ("Conv3d", (2, 3, 2, 1, 1), [wave(1, 2, 3, 2, 2)]),
    "ConvTranspose1d": ("ConvTranspose1d", (2, 3, 3, 2, 1, 1), [wave(2, 2, 4)]),
    "ConvTranspose3d": ("ConvTranspose3d", (1, 2, 2, 2), [wave(1, 1, 2, 2, 2)]),
    "MaxPool3d": ("MaxPool3d", (2, 1), [wave(1, 1, 3, 2, 3)]),
    "AvgPool3d": ("AvgPool3d", (2, 1), [wave(1, 1, 3, 2, 3)]),
    "AdaptiveAvgPool1d": ("AdaptiveAvgPool1d", (3,), [wave(1, 2, 7)]),
    "AdaptiveMaxPool1d": ("AdaptiveMaxPool1d", (3,), [wave(1, 2, 7)]),
    "AdaptiveMaxPool2d": ("AdaptiveMaxPool2d", ((2, 3),), [wave(1, 1, 5, 4)]),
    "LPPool1d": ("LPPool1d", (2, 2), [wave(1, 2, 4)]),
    "LPPool2d": ("LPPool2d", (2, 2), [wave(1, 1, 4, 4)]),
    "InstanceNorm": ("InstanceNorm1d", (2, 1e-5), [wave(2, 2, 3)]),
    "RNNCell": ("RNNCell", (3, 2), [wave(2, 3), wave(2, 2, start=1.0)]),
    "GRUCell": ("GRUCell", (3, 2), [wave(2, 3), wave(2, 2, start=1.0)]),
    "PixelShuffle": ("PixelShuffle", (2,), [wave(1, 4, 2, 1)]),
    "ZeroPad": ("ZeroPad2d", (1,), [wave(1, 1, 2, 2)]),
    "ReflectPad": ("ReflectionPad1d", (2,), [wave(1, 1, 4)]),
    "ReplicatePad": ("ReplicationPad2d", (2,), [wave(1, 1, 2, 2)]),
    "GLU": ("GLU", (1,), [wave(2, 4)]),
    "LogSoftmax": ("LogSoftmax", (1,), [wave(2, 4)]),
}


def main() -> None:
    import torch  # pyright: ignore[reportMissingImports]

    torch.set_default_dtype(torch.float64)

    def made(output, inputs):
        torch.sum(output * torch.tensor(np.cos(np.arange(output.numel())).reshape(output.shape))).backward()
        return {"output": output.tolist(), "gradients": [x.grad.tolist() for x in inputs]}

    def called(function, arrays):
        tensors = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        return made(function(*tensors), tensors[:1])

    def layer(name, args, arrays):
        module = getattr(torch.nn, name)(*args)
        parameters = list(module.parameters())
        for p in parameters:
            p.data = torch.tensor(wave(*p.shape, start=3.0))
        inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
        return made(module(*inputs), [*inputs, *parameters])

    functional = torch.nn.functional
    found = {
        "torch": torch.__version__,
        "losses": {
            name: called(lambda *xs, f=theirs: f(torch, functional, *xs), xs) for name, (xs, _, theirs) in
        LOSSES.items() },
        "activations": {name: layer(name, args, [wave(4, 3, start=0.3)]) for name, args in ACTIVATIONS.items()},
        "layers": {name: layer(*call) for name, call in LAYERS.items()},
    }
    FILE.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
