"""The command line: ``subgrad train``, ``tune``, ``predict``, ``serve``, ``evaluate``, ``generate``, ``show``,
``export``, ``playground``, ``approximate``, ``certify``, ``verify``, ``xor``."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

import subgrad
from subgrad.cli.commands.approximate import approximate
from subgrad.cli.commands.certify import certify, verify
from subgrad.cli.commands.evaluate import evaluate
from subgrad.cli.commands.export import export
from subgrad.cli.commands.generate import generate
from subgrad.cli.commands.playground import playground
from subgrad.cli.commands.predict import predict
from subgrad.cli.commands.serve import serve
from subgrad.cli.commands.show import show
from subgrad.cli.commands.train import train
from subgrad.cli.commands.tune import tune
from subgrad.cli.commands.xor import xor

app = typer.Typer(
    name="subgrad",
    help="Train neural networks on your own tables, and look inside.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    train, tune, predict, serve, evaluate, generate, show, export, playground, approximate, certify, verify, xor,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"subgrad {subgrad.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the program with the arguments of the process; exits with 0, 1 for a failed job, 2 for wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # some code pages lack signs that we print
            stream.reconfigure(errors="replace")
    app(prog_name="subgrad")


__all__ = ["app", "main"]
