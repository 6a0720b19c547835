"""``subgrad xor``: why XOR needs a hidden layer, on numbers that are computed as they are printed."""

from __future__ import annotations

from subgrad import using_dtype
from subgrad.cli.commands.xor_story.xor_hidden import hidden_layer
from subgrad.cli.commands.xor_story.xor_linear import linear_classifier
from subgrad.cli.failure import job
from subgrad.cli.screen import screen


@job
def xor() -> None:
    """Tell the story of XOR, gradient by gradient: a linear classifier is stuck, a hidden layer is not."""
    console = screen()
    with using_dtype("float64"):
        linear_classifier(console)
        hidden_layer(console)
