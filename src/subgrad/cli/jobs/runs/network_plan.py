"""What runs that train a network have in common: the settings, and what the model file says of the training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subgrad.cli.jobs.runs import recipe
from subgrad.cli.jobs.runs.recipe import Recipe
from subgrad.optim.optimizer import Descent


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """How to train, and where the result goes; without a loss the task decides it."""

    recipe: Recipe
    activation: str
    loss: str | None
    method: str
    step: str | None
    seed: int
    out: Path
    origin: str = ""
    fit: dict[str, Any] = field(default_factory=dict)  # more arguments of `subgrad.fit`

    def optimizer(self, rows: int) -> Descent:
        """The optimiser for so many examples. Raises `ArgumentError` for a step rule that is none."""
        return recipe.optimizer(self.method, self.step, self.recipe, rows)

    def record(
        self, data: str, network: str, loss: str, learnt: int, deciding: int, counts: dict[str, Any]
    ) -> dict[str, Any]:
        """What the model file says about the training, before it has begun.

        Args:
            data, network: what they are, in a line.
            loss: its name.
            learnt, deciding: how many examples are learnt from, and decide when to stop.
            counts: see `class_counts`.
        """
        batch_size, method = self.recipe.batch_size_for(learnt), self.optimizer(learnt)
        return {
            "data": data,
            "rows": {"training": learnt, "validation": deciding},
            "network": network,
            "method": f"{loss} by {method.name}, step {method.lr}, in batches of {batch_size}",
            "seed": self.seed,
            **counts,
            "origin": self.origin,
        }


def class_counts(counts: Sequence[int]) -> dict[str, Any]:
    """How often each class occurs, and the place of the most frequent one, as a record has them; of no classes None.

    >>> class_counts([2, 5, 5]), class_counts([])
    ({'majority': 1, 'frequencies': [2, 5, 5]}, {'majority': None})
    """
    if not len(counts):
        return {"majority": None}
    return {"majority": max(range(len(counts)), key=counts.__getitem__), "frequencies": list(counts)}


def of_layers(widths: Sequence[int], activation: str) -> str:
    """A network of linear layers in a line.

    >>> of_layers([4, 64, 3], "relu"), of_layers([4, 3], "relu")
    ('4-64-3, relu', '4-3')
    """
    return "-".join(map(str, widths)) + (f", {activation}" if len(widths) > 2 else "")


__all__ = ["NetworkSettings", "class_counts", "of_layers"]
