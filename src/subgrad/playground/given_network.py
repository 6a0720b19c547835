"""A network of the caller's as one of the page's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from subgrad import nn
from subgrad.errors import ArgumentError
from subgrad.nn.module import Module
from subgrad.playground.family import LAYERS, Sizes

WIDEST, DEEPEST = 32, 8
"""Units of a layer, and hidden layers, that the page can still show."""


class GivenNetwork(NamedTuple):
    """What the page is told of a network: how it is built, its parameters by the page's names, and how large it is."""

    architecture: dict[str, Any]
    parameters: dict[str, Any]
    sizes: Sizes


class _Layer(NamedTuple):
    linear: nn.Linear
    activation: str
    residual: bool


def given_network(net: Module) -> GivenNetwork:
    """A `Linear`, or a `Sequential` of linear layers, each with the same activation behind it, and a last one.

    Layers after the first may be `Residual` around such a pair.

    Raises:
        ArgumentError: for any other module, and for sizes that the page does not show.
    """
    parts = [net] if isinstance(net, nn.Linear) else [*net] if isinstance(net, nn.Sequential) else []
    if parts and isinstance(parts[0], nn.Flatten):  # as in `models.mlp`: rows of numbers stay as they are
        parts = parts[1:]
    if not parts or not isinstance(parts[-1], nn.Linear):
        raise _unknown(f"{type(net).__name__} that ends in {type(parts[-1]).__name__}" if parts else type(net).__name__)
    hidden, last = _hidden(parts[:-1]), parts[-1]
    maps = [*(layer.linear for layer in hidden), last]
    widths = [m.weight.shape[0] for m in maps[:-1]]
    kind = _kind(hidden)
    _check(maps, hidden, widths)
    names = [f"hidden{i + 1}{'.body.0' if layer.residual else ''}" for i, layer in enumerate(hidden)]
    parameters = {}
    for name, m in zip([*names, "out" if hidden else ""], maps, strict=True):
        dot = f"{name}." if name else ""
        parameters |= {f"{dot}{key}": value.tolist() for key, value in m.state_dict().items()}
    outputs = last.weight.shape[0]
    architecture = {"net": kind, "depth": len(hidden), "widths": widths, "outputs": outputs}
    if hidden:
        architecture["activation"] = hidden[0].activation
    least = Sizes()
    width = max([least.width, *widths])
    sizes = Sizes(width + width % 2, max(least.depth, len(hidden)), least.outputs)
    return GivenNetwork(architecture, parameters, sizes)


def _hidden(parts: Sequence[Module]) -> list[_Layer]:
    found, rest = [], list(parts)
    while rest:
        part = rest.pop(0)
        if isinstance(part, nn.Residual) and part.shortcut is None and isinstance(part.body, nn.Sequential):
            pair, residual = [*part.body], True
        else:
            pair, residual = [part, *rest[:1]], False
            rest = rest[1:]
        if len(pair) != 2 or not isinstance(pair[0], nn.Linear) or type(pair[1]) not in LAYERS:
            raise _unknown(" then ".join(type(p).__name__ for p in pair))
        if isinstance(pair[1], nn.LeakyReLU) and pair[1].slope != 0.01:
            raise _unknown(f"LeakyReLU with the slope {pair[1].slope:g} (the page has 0.01)")
        found.append(_Layer(pair[0], LAYERS[type(pair[1])], residual))
    return found


def _kind(hidden: Sequence[_Layer]) -> str:
    if not hidden:
        return "linear"
    residual = [layer.residual for layer in hidden]
    if residual == [False] * len(hidden):
        return "plain"
    if residual == [False, *[True] * (len(hidden) - 1)]:
        return "residual"
    raise _unknown("only some of the layers after the first as Residual")


def _check(maps: Sequence[nn.Linear], hidden: Sequence[_Layer], widths: Sequence[int]) -> None:
    least = Sizes()
    if maps[0].weight.shape[1] != 2:
        raise ArgumentError(f"the page shows networks of 2 inputs, this one has {maps[0].weight.shape[1]}")
    if len({layer.activation for layer in hidden}) > 1:
        raise _unknown("several kinds of activations")
    if any(m.bias is None for m in maps):
        raise _unknown("Linear without a bias")
    if max([0, *widths]) > WIDEST or len(hidden) > DEEPEST or maps[-1].weight.shape[0] > least.outputs:
        raise ArgumentError(
            f"the page shows {DEEPEST} hidden layers of {WIDEST} units and {least.outputs} outputs at most, got layers "
            f"of {', '.join(map(str, widths)) or 'no'} units and {maps[-1].weight.shape[0]} outputs"
        )


def _unknown(what: str) -> ArgumentError:
    names = [kind.__name__ for kind in LAYERS]
    return ArgumentError(
        f"the page takes Linear, or a Sequential of Linear and {', '.join(names[:-1])} or {names[-1]} in turn that "
        f"ends in Linear, all but the first pair perhaps as Residual(Sequential(Linear, activation)); got {what}"
    )


__all__ = ["GivenNetwork", "given_network"]
