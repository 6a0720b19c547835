"""How to train, where the options do not say."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from subgrad import nn, optim
from subgrad.entropy import entropy
from subgrad.nn.layers import activation as activations
from subgrad.optim.optimizer import Descent

PATIENCE = 20  # epochs without a better validation loss before a run stops
_STEPS = {"sgd": "0.05", "subgradient": "square_summable(10, 100)"}  # the other methods have their own default


@dataclass(frozen=True)
class Recipe:
    """What suits tables from a hundred rows to a hundred thousand.

    Attributes:
        model: the network, by name: ``mlp``, or one for images.
        hidden: units of each hidden layer of an mlp.
        augment: how images are changed in training, see `subgrad.cli.jobs.images`.
        step: the step rule of Adam, in which ``{steps}`` is the number of steps of the run; None for its default.
        epochs: passes over the data, at most.
        batch_size: examples a step; None for what suits the number of rows.
        validation: the share of the rows not tested on that decides when to stop; 0 for none.
        test: the share of the rows to test on.
    """

    model: str = "mlp"
    hidden: tuple[int, ...] = (64, 64)
    augment: tuple[str, ...] = ()
    step: str | None = None
    epochs: int = 200
    batch_size: int | None = None
    validation: float = 0.2
    test: float = 0.2

    def but(self, **given: Any) -> Recipe:
        """The recipe with other settings; None stands for the one it has.

        >>> Recipe().but(epochs=3, test=None).epochs
        3
        """
        return dataclasses.replace(self, **{name: value for name, value in given.items() if value is not None})

    def batch_size_for(self, rows: int) -> int:
        """A hundredth of the rows, between 32 and 256, unless the recipe names a size.

        >>> [Recipe().batch_size_for(rows) for rows in (442, 10_000, 1_000_000)]
        [32, 100, 256]
        """
        return self.batch_size or min(max(rows // 100, 32), 256)

    def steps_for(self, rows: int) -> int:
        """How many steps the whole run takes."""
        return self.epochs * math.ceil(rows / self.batch_size_for(rows))


DIGITS = Recipe(hidden=(64,), step="0.003", epochs=60, batch_size=32, validation=0.0)
FASHION_MNIST = {
    "mlp": Recipe(hidden=(128,), epochs=10, batch_size=64, validation=0.0),
    "lenet": Recipe("lenet", (), (), "cosine(0.002, steps={steps})", 10, 64, 0.0),
    "resnet20": Recipe("resnet20", (), ("shift", "mirror"), "cosine(0.005, steps={steps})", 8, 64, 0.0),
    "inception_small": Recipe("inception_small", (), (), "cosine(0.004, steps={steps})", 10, 32, 0.0),
}
"""By the name of the network."""


def optimizer(name: str, step: str | None, recipe: Recipe, rows: int) -> Descent:
    """The method of that name; its step rule is the one given, else the recipe's, else a usual one."""
    usual = (recipe.step or "").format(steps=recipe.steps_for(rows)) if name == "adam" else _STEPS.get(name)
    rule = step or usual
    return cast(Descent, optim.get(name, **({"lr": rule} if rule else {})))


def network(widths: Sequence[int], activation: str, seed: int) -> nn.Sequential:
    """Linear layers from width to width, with the activation between them.

    >>> network([64, 64, 10], "relu", seed=0).children.keys()
    dict_keys(['hidden1', 'relu1', 'out'])
    """
    seeds = entropy(seed).generate_state(len(widths) - 1).tolist()
    *hidden, out = (nn.Linear(*pair, seed=own) for pair, own in zip(itertools.pairwise(widths), seeds, strict=True))
    layers: dict[str, nn.Module] = {}
    for i, layer in enumerate(hidden, start=1):
        layers |= {f"hidden{i}": layer, f"{activation}{i}": activations.get(activation)()}
    return nn.Sequential({**layers, "out": out})
