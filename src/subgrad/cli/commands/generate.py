"""``subgrad generate``."""

from __future__ import annotations

from typing import Annotated

import typer

from subgrad.cli.commands.show import ModelFile
from subgrad.cli.failure import job
from subgrad.cli.jobs import text
from subgrad.cli.screen import visible

Prompt = Annotated[str, typer.Option(metavar="TEXT", help="What the text begins with.")]
Length = Annotated[int, typer.Option(metavar="N", min=1, help="Characters to write.")]
Temperature = Annotated[float, typer.Option(
    metavar="T", min=0, help="Below 1 the likely characters become likelier; 0 takes the likeliest.",
)]  # fmt: skip
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Of the random numbers.")]


@job
def generate(
    model: ModelFile, prompt: Prompt = "", length: Length = 500, temperature: Temperature = 0.8, seed: Seed = 0
) -> None:
    """Write text with a network that subgrad train text has made."""
    network, known = text.load(model)
    typer.echo(visible(prompt), nl=False)
    for character in text.generate(network, known, prompt, length, temperature, seed):
        typer.echo(visible(character), nl=False)
    typer.echo()
