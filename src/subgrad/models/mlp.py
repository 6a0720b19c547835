"""The multilayer perceptron."""

from __future__ import annotations

import itertools

from subgrad import nn
from subgrad.errors import ArgumentError
from subgrad.models.seeds import seeds
from subgrad.nn.layers import activation as activations


def mlp(*sizes: int, activation: str = "relu", seed: int | None = None) -> nn.Sequential:
    """Linear layers from size to size, with an activation between them; images are flattened first.

    Args:
        sizes: of the input, of each hidden layer, and of the output.
        activation: by name.
        seed: for the initial values; the default stream if it is None.

    Raises:
        ArgumentError: for fewer than two sizes, sizes below 1, or an unknown activation.

    Example:
        >>> import subgrad as sg
        >>> net = sg.models.mlp(784, 128, 10)
        >>> net
        Sequential(
          (flatten): Flatten()
          (hidden1): Linear(784, 128)
          (relu1): ReLU()
          (out): Linear(128, 10)
        )
    """
    if len(sizes) < 2:
        raise ArgumentError(f"an mlp needs the sizes of its input and its output at least, got {sizes}")
    own, layers = seeds(seed), dict[str, nn.Module](flatten=nn.Flatten())
    for i, (wide, next_wide) in enumerate(itertools.pairwise(sizes[:-1]), start=1):
        layers[f"hidden{i}"] = nn.Linear(wide, next_wide, seed=next(own))
        layers[f"{activation}{i}"] = activations.get(activation)()
    return nn.Sequential({**layers, "out": nn.Linear(sizes[-2], sizes[-1], seed=next(own))})
