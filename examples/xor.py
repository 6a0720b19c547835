"""XOR: a linear classifier cannot learn it, one hidden layer can. Prints both, and draws the second.

    python examples/xor.py [PICTURE]

PICTURE, such as xor.svg, is the graph of the loss; drawing it as SVG needs Graphviz.
"""

from __future__ import annotations

import sys

import subgrad as sg
from subgrad import nn

POINTS = sg.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
LABELS = sg.tensor([-1.0, 1.0, 1.0, -1.0])


def loss_of(net: nn.Module) -> sg.Tensor:
    """The mean of ln(1 + exp(-2yf)) over the four points."""
    return nn.binomial_loss(net(POINTS)[:, 0], LABELS)


def train(net: nn.Module, steps: int) -> float:
    """Gradient descent on all four points; the loss after it."""
    method = sg.SGD(0.5)
    state = method.init(net)
    for _ in range(steps):
        state = sg.update(net, sg.grad(loss_of(net), net), method, state)
    return float(loss_of(net))


def hidden_layer() -> nn.Sequential:
    return nn.Sequential({"hidden": nn.Linear(2, 8, seed=1), "relu": nn.ReLU(), "out": nn.Linear(8, 1, seed=2)})


def main(picture: str | None = None) -> tuple[nn.Module, nn.Module]:
    linear, net = nn.Linear(2, 1, seed=0), hidden_layer()
    if picture:
        names = {"x": POINTS, "y": LABELS, **dict(net.named_parameters())}
        sg.draw(loss_of(net), names).save(picture)
    print(f"a linear classifier:  loss {train(linear, 200):.4f} after 200 steps, ln 2 = 0.6931 at best")
    print(f"a hidden layer of 8:  loss {train(net, 200):.4f} after 200 steps")
    for x, y, f in zip(POINTS.tolist(), LABELS.tolist(), net(POINTS)[:, 0].tolist(), strict=True):
        print(f"  x = {x}, y = {y:+.0f}, f(x) = {f:+.2f}")
    return linear, net


if __name__ == "__main__":
    main(*sys.argv[1:])
