"""The figures of the lecture's chapters, made anew: python docs/figures.py [FOLDER]

Each function makes one, as an SVG in docs/images, or in FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

import subgrad as sg
from subgrad import nn

IMAGES = Path(__file__).parent / "images"
BLUE, RED, GREY = "#2b6a8f", "#c8643c", "#69737c"
CORNERS = sg.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
XOR = sg.tensor([-1.0, 1.0, 1.0, -1.0])


def xor_plane() -> Figure:
    """The plane of the XOR problem as the trained network sees it, with the kink line of each unit."""
    net = nn.Sequential({"hidden": nn.Linear(2, 8, seed=1), "relu": nn.ReLU(), "out": nn.Linear(8, 1, seed=2)})
    sg.fit(net, CORNERS, XOR, loss="binomial", optimizer=sg.SGD(0.2), epochs=200, batch_size=4)
    return sg.plot.boundary(net, CORNERS, XOR.numpy().astype(int), points=120)


def losses() -> Figure:
    """Losses of a number over its error, and losses of a class over the margin, beside what they stand for."""
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    error = np.linspace(-3, 3, 301)
    zero, one = np.zeros_like(error), np.ones_like(error)
    for name, loss in (("squared", nn.squared_loss), ("absolute", nn.absolute_loss), ("huber", nn.huber_loss)):
        left.plot(error, loss(error, zero, reduction="none").numpy(), label=name)
    left.set(xlabel="f − y", ylim=(0, 4), title="a number")
    right.step(error, error <= 0, color=GREY, lw=1, label="wrong")
    for name, loss in (("hinge", nn.hinge_loss), ("binomial", nn.binomial_loss)):
        right.plot(error, loss(error, one, reduction="none").numpy(), label=name)
    right.plot(error, nn.binary_cross_entropy(error, one, reduction="none").numpy(), label="binary cross-entropy")
    right.set(xlabel="margin y·f", ylim=(0, 4), title="two classes")
    for axes in (left, right):
        axes.legend(frameon=False)
    return figure


def kinks() -> Figure:
    """relu and the absolute value with lines that support them at 0, and what backpropagation takes."""
    figure = Figure(figsize=(8.4, 3.0), layout="constrained")
    x = np.linspace(-2, 2, 201)
    for axes, f, name in zip(figure.subplots(1, 2), (sg.relu, sg.abs), ("relu", "abs"), strict=True):
        low, high = (float(side[0]) for side in f.kink.hull(np.zeros(1))[0])
        for slope in np.linspace(low, high, 7):
            axes.plot(x, slope * x, color=RED, lw=0.7, alpha=0.6)
        at_zero = sg.tensor([0.0])
        taken = float(sg.grad(f(at_zero).sum(), at_zero)[0])
        axes.plot(x, taken * x, color=RED, lw=2, label=f"the slope that is returned: {taken:g}")
        axes.plot(x, f(x).numpy(), color=BLUE, lw=2.4, label=name)
        axes.set(ylim=(-1, 2), title=f"{name}: every slope in [{low:g}, {high:g}] supports it at 0")
        axes.legend(frameon=False, loc="upper center")
    return figure


def reuse() -> Figure:
    """The multiplications of backpropagation on ladders, with and without reuse of what is shared."""
    figure = Figure(figsize=(5.4, 3.2), layout="constrained")
    axes = figure.add_subplot()
    rungs, counts = range(1, 13), []
    for n in rungs:
        x = y = sg.Parameter(1.0)
        for _ in range(n):
            y = 0.5 * y + 0.5 * y
        story = sg.explain(y, {"x": x})
        counts.append((story.multiplications_without_reuse, story.multiplications))
    alone, shared = zip(*counts, strict=True)
    axes.semilogy(rungs, alone, ".-", color=RED, label="each path on its own")
    axes.semilogy(rungs, shared, ".-", color=BLUE, label="reused")
    axes.set(xlabel="rungs of the ladder", ylabel="multiplications")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
    return figure


FIGURES = {"xor-plane": xor_plane, "losses": losses, "kinks": kinks, "reuse": reuse}
"""By the names of their files. That of the step rules is made by examples/subgradient_steps.py."""


def main(folder: Path = IMAGES) -> None:
    for name, make in FIGURES.items():
        with rc_context({"svg.hashsalt": name, "font.size": 9}):
            make().savefig(folder / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
