"""``subgrad playground``: a page that trains networks in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrad.cli import options
from subgrad.cli.failure import job
from subgrad.cli.screen import screen
from subgrad.io import load_module
from subgrad.io.atomic import require_regular

Given = Annotated[str | None, typer.Argument(
    metavar="[MODEL | FILE]", show_default=False,
    help="A model of two inputs to open with (.safetensors), or a table whose last column is learnt.",
)]  # fmt: skip
Out = Annotated[Path, typer.Option(metavar="FILE", help="Where the page goes.")]


@job
def playground(given: Given = None, out: Out = Path("playground.html"), quiet: options.Quiet = False) -> None:
    """Write a page that trains networks in a browser: one file, which asks no server for anything.

    For example: subgrad playground points.csv
    """
    from subgrad.playground import playground as write

    options.place(out, "--out")
    net = table = None
    if given is not None:
        path = Path(given)
        require_regular(path)
        if path.suffix == ".safetensors":
            net = load_module(path)
        else:
            table = path
    write(net, table, out)
    screen(quiet).print(f"Wrote {out}; open it in a browser.", soft_wrap=True)
