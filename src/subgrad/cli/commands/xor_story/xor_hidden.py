"""The second part of the story: a hidden layer of 8 relu units separates the four points."""

from __future__ import annotations

import numpy as np
from rich.console import Console

from subgrad import SGD, Tensor, grad, nn, optim, sigmoid, tensor
from subgrad.cli.commands.xor_story.xor_points import LABELS, POINTS, grid, heading, number, point, show, tell

UNITS = 8
STEP = 0.2
SHOWN = (0, 1, 2, 4, 8, 16, 32, 64, 128)


def hidden_layer(console: Console) -> None:
    """Train the network that can, and show how."""
    heading(console, f"2. A hidden layer of {UNITS} relu units, f(x) = v·max(Wx + c, 0) + b")
    net = nn.Sequential({"hidden": nn.Linear(2, UNITS, seed=1), "relu": nn.ReLU(), "out": nn.Linear(UNITS, 1, seed=2)})
    tell(
        console,
        "The weights start at random. Each row is a unit, with its weights and the gradient of the mean loss E by "
        "them: this time the points do not cancel each other.",
    )
    show(console, _unit_table(net))
    tell(
        console,
        f"{_silent_units(net)}The others can lower E. Gradient descent, all four points in each step, step size "
        f"{STEP:g}:",
    )
    show(console, _descent_table(net))
    heading(console, "3. What the hidden layer has done")
    tell(
        console,
        "Each point of the square has become a point h with 8 coordinates, and these four can be separated by a "
        "plane, the one on which v·h + b = 0; P(+1) = 1/(1 + exp(-2f)).",
    )
    show(console, _outcome_table(net))


def _inputs() -> Tensor:
    return tensor(POINTS, dtype="float64")


def _loss(net: nn.Module) -> Tensor:
    return nn.binomial_loss(net(_inputs())[:, 0], tensor(LABELS, dtype="float64"))


def _active(net: nn.Sequential) -> np.ndarray:
    """At how many of the four points each unit is above 0."""
    return (net[:2](_inputs()).numpy() > 0).sum(axis=0)


def _silent_units(net: nn.Sequential) -> str:
    silent = [str(i + 1) for i in np.flatnonzero(_active(net) == 0)]
    if not silent:
        return ""
    return f"A unit that is 0 at all four points, as {' and '.join(silent)}, has no gradient and never learns. "


def _unit_table(net: nn.Sequential):
    table = grid("unit", "w1", "w2", "c", "v", "active", "∂E/∂w1", "∂E/∂w2", "∂E/∂c", "∂E/∂v")
    slopes = {name: g.numpy() for name, g in grad(_loss(net), net).items()}
    active = _active(net)
    for i in range(UNITS):
        weights = [*net.hidden.weight.numpy()[i], net.hidden.bias.numpy()[i], net.out.weight.numpy()[0, i]]
        down = [*slopes["hidden.weight"][i], slopes["hidden.bias"][i], slopes["out.weight"][0, i]]
        table.add_row(str(i + 1), *map(number, weights), f"{active[i]} of 4", *map(number, down))
    return table


def _descent_table(net: nn.Sequential):
    """Trains the network on the way."""
    table = grid("step", "E", "|∇E|", *(f"f{point(x)}" for x in POINTS), "right")
    method, parameters = SGD(STEP), net.parameters()
    state = method.init(parameters)
    for k in range(SHOWN[-1] + 1):
        if k > 0:
            state = optim.update(parameters, grad(_loss(net), parameters), method, state)
        if k in SHOWN:
            table.add_row(str(k), *_progress(net))
    return table


def _progress(net: nn.Sequential) -> list[str]:
    loss, scores = _loss(net), net(_inputs()).numpy()[:, 0]
    length = np.sqrt(sum(float((g * g).sum()) for g in grad(loss, net.parameters())))
    right = int(np.sum(scores * LABELS > 0))
    return [f"{float(loss):.4f}", f"{length:.4f}", *map(number, scores), f"{right} of 4"]


def _outcome_table(net: nn.Sequential):
    table = grid("x", "y", "h = max(Wx + c, 0)", "f", "P(+1)")
    hidden, scores = net[:2](_inputs()).numpy(), net(_inputs())[:, 0]
    chances = sigmoid(2 * scores).numpy()
    for x, y, h, f, p in zip(POINTS, LABELS, hidden, scores.numpy(), chances, strict=True):
        table.add_row(point(x), f"{y:+d}", " ".join(f"{v:.2f}" if v else "   ·" for v in h), number(f), f"{p:.4f}")
    return table
