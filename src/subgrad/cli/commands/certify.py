"""``subgrad certify`` and ``subgrad verify``: what is true of a network in a file, with proof."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrad import bounds
from subgrad.bounds.error import BUDGET
from subgrad.cli import options
from subgrad.cli.commands.formula import Box, Formula, formula_on, pair_of
from subgrad.cli.failure import job, usage
from subgrad.cli.native_output import off_standard_output
from subgrad.cli.screen import error_screen, screen
from subgrad.io import load_module
from subgrad.nn import Module

Inputs = Annotated[list[str] | None, typer.Option(
    "--box", metavar="LOW,HIGH", help="The interval of an input; once for each, in their order.", show_default=False,
)]  # fmt: skip
ModelFile = Annotated[Path, typer.Argument(
    metavar="MODEL", help="A file of sg.save, or of subgrad approximate --out.", show_default=False,
)]  # fmt: skip
Network = Annotated[Path, typer.Argument(
    metavar="MODEL", help="As of certify, or an ONNX file, which may be packed by gzip.", show_default=False,
)]  # fmt: skip
PropertyFile = Annotated[Path | None, typer.Argument(
    metavar="PROPERTY", help="A VNN-LIB file, which may be packed by gzip, in the place of a box and one property.",
    show_default=False,
)]  # fmt: skip
Timeout = Annotated[float | None, typer.Option(
    metavar="SECONDS", min=0.001, help="With a VNN-LIB file: the answer is timeout after that.", show_default="none",
)]  # fmt: skip
Lp = Annotated[bool, typer.Option(
    "--lp", help="With a VNN-LIB file: linear programs of SciPy, too, for parts where few relus may go both ways.",
    show_default=False,
)]  # fmt: skip
Eps = Annotated[float | None, typer.Option(
    metavar="ERROR", help="The error to prove.", show_default="the least that can be proven",
)]  # fmt: skip
Budget = Annotated[int, typer.Option(metavar="N", min=1, help="How many boxes to bound at most.")]
ProofFile = Annotated[Path | None, typer.Option(
    "--proof", metavar="FILE", help="Where the proof goes, for python -m subgrad.bounds.checker FILE.",
    show_default="nowhere",
)]  # fmt: skip
Limits = Annotated[str | None, typer.Option(
    "--within", metavar="LOW,HIGH", help="Every output stays between these.", show_default=False,
)]  # fmt: skip
Label = Annotated[int | None, typer.Option(
    metavar="K", min=0, help="No other class has a larger score than this one.", show_default=False,
)]  # fmt: skip
Rising = Annotated[int | None, typer.Option(
    metavar="I", min=0, help="No output falls when this input, counted from 0, grows.", show_default=False,
)]  # fmt: skip
Falling = Annotated[int | None, typer.Option(
    metavar="I", min=0, help="No output grows when this input, counted from 0, grows.", show_default=False,
)]  # fmt: skip

CODES = {"unsat": 0, "sat": 3, "unknown": 4, "timeout": 5}


@job
def certify(
    formula: Formula, model: ModelFile, box: Box, eps: Eps = None, proof: ProofFile = None, budget: Budget = BUDGET
) -> None:
    """Prove how far a network is from a formula on a box, or find a point where it is too far.

    For example: subgrad certify "exp(-x**2)*sin(5*x)" net.safetensors --box -2,2 --eps 1e-3
    """
    f, ends = formula_on(box, formula)
    options.place(proof, "--proof", [model])
    _say(bounds.certify(f, load_module(model), ends, eps, budget=budget), proof)


@job
def verify(
    model: Network,
    file: PropertyFile = None,
    box: Inputs = None,
    within: Limits = None,
    label: Label = None,
    rising: Rising = None,
    falling: Falling = None,
    proof: ProofFile = None,
    budget: Budget = BUDGET,
    timeout: Timeout = None,
    lp: Lp = False,
) -> None:
    """Prove a property of a network at all points of a box, or find a point where it is false.

    For example: subgrad verify net.safetensors --box -2,2 --within -1,1

    Or that no input of a VNN-LIB file has the outputs that it names: subgrad verify net.onnx prop.vnnlib --timeout 60

    That prints unsat (proven; exit code 0), sat and the inputs and outputs (3), unknown (4) or timeout (5).
    """
    with usage("--within"):
        limits = None if within is None else bounds.Within(*pair_of(within))
    asked = [
        limits,
        None if label is None else bounds.Robust(label),
        None if rising is None else bounds.Monotone(rising),
        None if falling is None else bounds.Monotone(falling, increasing=False),
    ]
    properties = [p for p in asked if p is not None]
    if file is not None:
        if properties or box:
            raise typer.BadParameter("a VNN-LIB file has its own boxes and property")
        options.place(proof, "--proof", [model, file])
        with off_standard_output():
            found = bounds.verify(_network(model), bounds.read_vnnlib(file), budget=budget, timeout=timeout, lp=lp)
        return _answer(found, proof)
    if timeout is not None or lp:
        raise typer.BadParameter(f"--{'lp' if lp else 'timeout'} is for a VNN-LIB file; others have a --budget")
    if not box:
        raise typer.BadParameter("a property is a VNN-LIB file, or a --box for each input and one of --within ...")
    with usage("--box"):
        ends = [pair_of(text) for text in box]
    if len(properties) != 1:
        raise typer.BadParameter("one of --within, --label, --rising and --falling says what is to be proven")
    options.place(proof, "--proof", [model, file])
    _say(bounds.verify(_network(model), ends, properties[0], budget=budget), proof)


def _network(path: Path) -> Module:
    """The network of a file of this package, or of ONNX."""
    if not path.name.endswith((".onnx", ".onnx.gz")):
        return load_module(path)
    from subgrad import onnx

    return onnx.load(path)


def _answer(found: bounds.Verdict, proof: Path | None) -> None:
    """Print what competitions of verifiers read, and exit with the code of the answer."""
    answer = {"proven": "unsat", "refuted": "sat"}.get(found.status, "timeout" if found.timed_out else "unknown")
    typer.echo(answer)
    if found.status == "unknown" and found.unbounded:
        error_screen().print(f"there are no bounds for the op {', '.join(found.unbounded)}", soft_wrap=True)
    if found.counterexample is not None and found.outputs is not None:
        named = [f"({n}_{i} {v!r})" for n, x in (("X", found.counterexample), ("Y", found.outputs))
                 for i, v in enumerate(x.tolist())]  # fmt: skip
        typer.echo("(" + "\n".join(named) + ")")
    if found and proof is not None:
        found.save(proof)
    if CODES[answer]:
        raise typer.Exit(CODES[answer])


def _say(found: bounds.Verdict, proof: Path | None) -> None:
    """Print a verdict and save its proof; exits with 1 if there is none."""
    console = screen()
    console.print(str(found), soft_wrap=True)
    if not found:
        raise typer.Exit(1)
    if proof is not None:
        found.save(proof)
        console.print(f"saved {proof}")
