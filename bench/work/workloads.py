"""What is measured: the networks, their losses, optimisers and sizes.

A layer is a tuple of its kind and its sizes, such as ``("linear", 128)`` or ``("relu",)``; `bench.work.layers` says
what each of them is, and the peers translate those that they know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench.work import layers
from bench.work.layers import Layer, Parameter, Shape

MOMENTUM = 0.9
BETAS, EPSILON = (0.9, 0.999), 1e-8


@dataclass(frozen=True)
class Workload:
    """A network and what is done with it: training steps, or answers if ``infers``.

    ``loss`` is bce (labels 0 and 1, one score), mse (the mean over all elements), ce (softmax cross-entropy, the mean
    over all places of a sequence) or elbo (of a VAE: binary cross-entropy of the pixels and divergence, a sum for each
    sample). With ``members`` so many networks of the same layers and other initial values learn side by side.
    ``optimizer`` is sgd, momentum or adam, with the step size. ``samples`` rows of data are visited in shuffled order,
    ``batch`` at a time; a timed run is ``steps`` steps. ``like`` names the workload whose rate this one is held to.
    """

    name: str
    title: str
    inputs: tuple[int, ...]
    layers: tuple[Layer, ...]
    loss: str
    optimizer: tuple[str, float]
    batch: int
    samples: int
    steps: int
    infers: bool = False
    like: str = ""
    members: int = 1

    @property
    def full_batch(self) -> bool:
        return self.batch == self.samples

    @property
    def images(self) -> bool:
        return len(self.inputs) == 3

    def shaped_layers(self) -> Iterator[tuple[Layer, Shape]]:
        """Each layer with the shape of a sample before it."""
        return layers.through(self.layers, self.inputs)

    def outputs(self) -> int:
        """How many numbers the network gives for a sample, or for each place of a sequence."""
        *_, (layer, shape) = self.shaped_layers()
        return layers.after(layer, shape)[-1]

    def parameters(self) -> list[Parameter]:
        return [p for layer, shape in self.shaped_layers() for p in layers.parameters(layer, shape)]

    def flops(self) -> int:
        """Floating-point operations of the products and convolutions in one step, or in one call.

        Training multiplies thrice in each layer: forward, by the weights, by the inputs; the last is not needed in
        the first layer.
        """
        once = sum(layers.products(layer, shape) for layer, shape in self.shaped_layers())
        total = once if self.infers else 3 * once - self.parameters()[0].products
        return 2 * self.batch * self.members * total

    @property
    def small(self) -> bool:
        """Whether one thread may well be faster than two."""
        return self.flops() < 5e7


def mlp(activation: str, *widths: int) -> tuple[Layer, ...]:
    """Linear layers of these widths, with the activation between them."""
    found: list[Layer] = []
    for width in widths:
        found += [("linear", width), (activation,)]
    return tuple(found[:-1])


LENET = (
    ("conv", 6, 5, 2, True), ("relu",), ("pool", 2), ("conv", 16, 5, 0, True), ("relu",), ("pool", 2), ("flatten",),
    *mlp("relu", 120, 84, 10),
)  # fmt: skip

RESNET20 = (
    ("conv", 16, 3, 1, False), ("norm",), ("relu",),
    *(("residual", channels, 2 if channels > 16 and i == 0 else 1) for channels in (16, 32, 64) for i in range(3)),
    ("mean",), ("linear", 10),
)  # fmt: skip

INCEPTION = (
    ("conv", 32, 3, 1, True), ("relu",), ("inception",), ("pool", 2), ("inception",), ("mean",), ("linear", 10),
)  # fmt: skip


CHARACTERS = 65

TRANSFORMER = (
    ("embedding", CHARACTERS, 128), ("positions",), ("transformer", 4), ("transformer", 4), ("layernorm",),
    ("linear", CHARACTERS),
)  # fmt: skip

SIGNALS = (
    ("conv1d", 32, 7, 3), ("relu",), ("pool1d", 2), ("conv1d", 64, 5, 2), ("relu",), ("pool1d", 2),
    ("conv1d", 128, 3, 1), ("relu",), ("mean",), ("linear", 10),
)  # fmt: skip

SEPARABLE = (
    ("conv", 32, 3, 1, False), ("norm",), ("relu",), ("separable", 64, 1), ("separable", 128, 2),
    ("separable", 128, 1), ("separable", 256, 2), ("mean",), ("linear", 10),
)  # fmt: skip

CATEGORIES = (7, 12, 24, 31, 53, 100, 365, 1000, 2000, 5000)


_W3 = Workload("W3", "784-128-10 relu, batch 64, softmax, SGD", (784,), mlp("relu", 128, 10), "ce",
               ("sgd", 0.1), 64, 8192, 128)  # fmt: skip

_W7 = Workload("W7", "ResNet-20, images of 32x32, batch 32, softmax, momentum", (3, 32, 32), RESNET20, "ce",
               ("momentum", 0.05), 32, 256, 8)  # fmt: skip

_W9 = Workload("W9", "tanh RNN 64-128, 50 steps, batch 32, softmax, SGD", (50, 64), (("rnn", 128), ("linear", 10)),
               "ce", ("sgd", 0.05), 32, 1024, 32)  # fmt: skip

ROUND = (
    Workload("W1", "XOR 2-8-1 relu, full batch of 4, logistic, SGD", (2,), mlp("relu", 8, 1), "bce",
             ("sgd", 0.1), 4, 4, 500),
    Workload("W2", "8-64-64-4 tanh, batch 32, squared, Adam", (8,), mlp("tanh", 64, 64, 4), "mse",
             ("adam", 1e-3), 32, 4096, 256),
    _W3,
    Workload("W4", "784-512-512-10 relu, batch 128, softmax, Adam", (784,), mlp("relu", 512, 512, 10), "ce",
             ("adam", 1e-3), 128, 8192, 64),
    Workload("W5", "1024-2048-2048-1024 relu, batch 512, squared, momentum", (1024,),
             mlp("relu", 2048, 2048, 1024), "mse", ("momentum", 0.01), 512, 2048, 4),
    Workload("W6", "LeNet-5, images of 28x28, batch 64, softmax, SGD", (1, 28, 28), LENET, "ce",
             ("sgd", 0.05), 64, 2048, 32),
    _W7,
    Workload("W8", "two Inception modules, images of 32x32, batch 32, softmax, SGD", (3, 32, 32), INCEPTION, "ce",
             ("sgd", 0.05), 32, 256, 8),
    _W9,
    replace(_W9, name="W10", title="LSTM 64-128, 50 steps, batch 32, softmax, SGD",
            layers=(("lstm", 128), ("linear", 10))),
    Workload("W11", "characters, 2 transformer blocks of 128, 4 heads, 64 places, batch 16, Adam", (64,), TRANSFORMER,
             "ce", ("adam", 1e-3), 16, 256, 16),
    Workload("W12", "32 networks 16-64-64-1 relu for one table, batch 64, squared, Adam", (16,),
             mlp("relu", 64, 64, 1), "mse", ("adam", 1e-3), 64, 4096, 64, members=32),
    Workload("W13", "three 1-d convolutions, signals 4x250, batch 64, softmax, Adam", (4, 250), SIGNALS, "ce",
             ("adam", 1e-3), 64, 512, 8),
    Workload("W14", "four depthwise-separable blocks, images of 32x32, batch 32, softmax, momentum", (3, 32, 32),
             SEPARABLE, "ce", ("momentum", 0.01), 32, 256, 8),
    Workload("W15", "Burgers' equation, 2-50-50-50-1 tanh with second derivatives, batch 1000, Adam", (2,),
             (("burgers", mlp("tanh", 50, 50, 50, 1)),), "mse", ("adam", 1e-3), 1000, 1000, 32),
    Workload("W16", "VAE 784-400-20, batch 128, evidence bound, Adam", (784 + 20,), (("vae", 400, 20),), "elbo",
             ("adam", 1e-3), 128, 4096, 32),
    Workload("W17", "two bidirectional GRU layers 64-64, 50 steps, batch 32, softmax, Adam", (50, 64),
             (("bigru", 64, 2), ("linear", 10)), "ce", ("adam", 1e-3), 32, 1024, 16),
    Workload("W18", "ten embeddings of 16, then 160-128-64-2 relu, batch 128, softmax, Adam", (len(CATEGORIES),),
             (("embeddings", CATEGORIES, 16), *mlp("relu", 128, 64, 2)), "ce", ("adam", 1e-3), 128, 8192, 64),
    replace(_W3, name="I1", title="784-128-10 relu, answers for 1 sample", batch=1, infers=True),
    replace(_W3, name="I2", title="784-128-10 relu, answers for 256 samples", batch=256, infers=True),
    replace(_W7, name="I3", title="ResNet-20, answers for 1 image of 32x32", batch=1, infers=True),
)  # fmt: skip

AWKWARD = (
    Workload("W2a", "8-37-37-4 tanh, batch 50", (8,), mlp("tanh", 37, 37, 4), "mse", ("adam", 1e-3), 50, 4000, 240,
             like="W2"),
    Workload("W3a", "784-113-10 relu, batch 63", (784,), mlp("relu", 113, 10), "ce", ("sgd", 0.1), 63, 8064, 128,
             like="W3"),
    Workload("W3b", "784-113-10 relu, batch 1", (784,), mlp("relu", 113, 10), "ce", ("sgd", 0.01), 1, 1024, 512,
             like="W3"),
    Workload("W4a", "784-1000-113-10 relu, batch 50", (784,), mlp("relu", 1000, 113, 10), "ce", ("adam", 1e-3), 50,
             8000, 80, like="W4"),
    Workload("W5a", "1000-1000-1000-37 relu, batch 63", (1000,), mlp("relu", 1000, 1000, 37), "mse",
             ("momentum", 0.01), 63, 2016, 16, like="W5"),
)  # fmt: skip

BY_NAME = {w.name: w for w in (*ROUND, *AWKWARD)}
