"""The first part of the story: the best linear classifier of XOR says nothing."""

from __future__ import annotations

import math

import numpy as np
from rich.console import Console

from subgrad import Tensor, concatenate, grad, hessian, nn, tensor
from subgrad.cli.commands.xor_story.xor_points import LABELS, POINTS, grid, heading, number, point, show, tell

_ELSEWHERE = ((0.1, 0.0, 0.0), (0.0, 0.0, -0.5), (1.0, 1.0, 1.0), (3.0, -1.0, 0.5))


def linear_classifier(console: Console) -> None:
    """At w = 0, b = 0 the gradient is zero, and that is the optimum."""
    heading(console, "1. A linear classifier, f(x) = w·x + b")
    tell(
        console,
        "The label of a point is +1 where one of its two inputs is +1, and -1 where none or both are. "
        "The loss is the binomial one, ln(1 + exp(-2yf)). At w = (0, 0), b = 0:",
    )
    start = tensor([0.0, 0.0, 0.0])
    losses = _losses(start, nn.binomial_loss)
    slopes = [grad(losses[i], start).numpy() for i in range(4)]
    total = grad(losses.mean(), start).numpy()
    show(console, _gradient_table(losses.numpy(), slopes, total))
    tell(
        console,
        f"What one point asks for, another one refuses: the gradient is exactly ({', '.join(map(_exact, total))}). "
        f"The loss is {losses.mean().numpy():.12f}; ln 2 is {math.log(2):.12f}, the price of knowing nothing.",
    )
    _explain_optimum(console, start)


def _explain_optimum(console: Console, start: Tensor) -> None:
    curvature = np.linalg.eigvalsh(hessian(_losses(start, nn.binomial_loss).mean(), start).numpy())
    hinge = _losses(start, nn.hinge_loss).mean()
    heading(console, "Why that is the optimum")
    tell(
        console,
        "f is linear in (w, b), and ln(1 + exp(-2yf)) is convex in f: the loss is convex in (w, b), and a convex "
        "function is least where its gradient is zero. The eigenvalues of its Hessian there are "
        f"{', '.join(f'{c:g}' for c in curvature)}, all above zero: no other point is as good. Some others:",
    )
    show(console, _elsewhere_table())
    slope = ", ".join(map(_exact, grad(hinge, start).numpy()))
    tell(
        console,
        f"The hinge loss max(1 - yf, 0), convex as well, agrees: it is {float(hinge):g} at (0, 0, 0), with the "
        f"gradient ({slope}). A better optimiser does not help; the function has to change.",
    )


def _losses(parameters: Tensor, loss) -> Tensor:
    """The loss at each of the four points, for parameters (w1, w2, b)."""
    return loss(_score(parameters), tensor(LABELS, dtype="float64"), reduction="none")


def _score(parameters: Tensor) -> Tensor:
    with_one = concatenate([tensor(POINTS, dtype="float64"), tensor(np.ones((4, 1)))], axis=1)
    return with_one @ parameters


def _gradient_table(losses: np.ndarray, slopes: list[np.ndarray], total: np.ndarray):
    table = grid("x", "y", "f", "loss", "∂loss/∂w1", "∂loss/∂w2", "∂loss/∂b")
    for x, y, loss, slope in zip(POINTS, LABELS, losses, slopes, strict=True):
        table.add_row(point(x), f"{y:+d}", "0", f"{loss:.6f}", *map(number, slope))
    table.add_section()
    table.add_row("mean", "", "", f"{losses.mean():.6f}", *map(number, total), style="bold")
    return table


def _elsewhere_table():
    table = grid("w1", "w2", "b", "loss", "above ln 2", "points right")
    for given in _ELSEWHERE:
        parameters = tensor(given)
        loss = float(_losses(parameters, nn.binomial_loss).mean())
        right = int(np.sum(_score(parameters).numpy() * LABELS > 0))
        table.add_row(*map(number, given), f"{loss:.6f}", f"{loss - math.log(2):.6f}", f"{right} of 4")
    return table


def _exact(value: np.floating) -> str:
    return repr(float(value) + 0.0)  # + 0.0: no minus before a zero
