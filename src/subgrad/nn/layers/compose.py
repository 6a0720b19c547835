"""Modules made of modules: one after the other, around a shortcut, side by side."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping
from typing import Any, overload

from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor
from subgrad.nn import validation
from subgrad.nn.module import Module
from subgrad.ops import concatenate


class Sequential(Module):
    """Modules applied one after the other.

    Args:
        layers: the modules, which are named ``0``, ``1`` and so on; or one dict of names to modules.

    ``net[i]`` is a layer by place or by name, ``net[i:j]`` a `Sequential` of some of them, which share their
    parameters with this one.

    Raises:
        ArgumentError: if a layer is no module, or a name cannot be that of a layer (it is empty, has a dot, or means
            something else here, such as ``forward``).

    Example:
        >>> import subgrad as sg
        >>> from subgrad import nn
        >>> net = nn.Sequential({"hidden": nn.Linear(2, 8), "relu": nn.ReLU(), "out": nn.Linear(8, 1)})
        >>> net["hidden"] is net[0] is net.hidden, len(net), len(net[:2])
        (True, 3, 2)
        >>> list(net.state_dict())
        ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']
    """

    def __init__(self, *layers: Module | Mapping[str, Module]) -> None:
        for name, layer in _named(layers).items():
            if not name or "." in name or hasattr(self, name):
                raise ArgumentError(f"a layer of Sequential cannot have the name {name!r}")
            if not isinstance(layer, Module):
                raise ArgumentError(f"Sequential takes modules, got {layer!r}; write a class with a forward for it")
            setattr(self, name, layer)

    def forward(self, x: Any) -> Any:
        for layer in self:
            x = layer(x)
        return x

    def _layers(self) -> dict[str, Module]:
        return {name: part for name, part in vars(self).items() if isinstance(part, Module)}

    def __iter__(self) -> Iterator[Module]:
        return iter(self._layers().values())

    def __len__(self) -> int:
        return len(self._layers())

    @overload
    def __getitem__(self, key: int | str) -> Module: ...
    @overload
    def __getitem__(self, key: slice) -> Sequential: ...
    def __getitem__(self, key: int | str | slice) -> Module:
        layers = self._layers()
        if isinstance(key, slice):
            return Sequential(dict(list(layers.items())[key]))
        if isinstance(key, str):
            return layers[key]
        return list(layers.values())[key]

    def __getattr__(self, name: str) -> Any:  # tells type checkers that net.hidden may exist
        raise AttributeError(f"this Sequential has no layer and no attribute {name!r}")


def _named(layers: tuple[Any, ...]) -> dict[str, Any]:
    if len(layers) == 1 and isinstance(layers[0], Mapping):
        return dict(layers[0])
    return {str(i): layer for i, layer in enumerate(layers)}


class Residual(Module):
    """body(x) + shortcut(x) (He, Zhang, Ren, Sun 2015, arXiv 1512.03385).

    Args:
        body: a module.
        shortcut: a module that brings x to the shape of body(x); x itself if it is None.

    Raises:
        ShapeError: when called, if the two shapes differ; they are not broadcast.

    Example:
        >>> import subgrad as sg
        >>> block = sg.nn.Residual(sg.nn.ReLU())
        >>> block(sg.tensor([[-1.0, 2.0]])).tolist()
        [[-1.0, 4.0]]
    """

    def __init__(self, body: Module, shortcut: Module | None = None) -> None:
        self.body = body
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y, short = self.body(x), x if self.shortcut is None else self.shortcut(x)
        validation.same_shapes("Residual", [y, short])
        return y + short


class Branches(Module):
    """Several modules applied to one input, and their outputs joined; Inception is made of it (Szegedy et al. 2014,
    arXiv 1409.4842).

    Args:
        paths: the modules.
        join: ``"concat"`` puts the outputs side by side along ``axis``, ``"sum"`` adds them.
        axis: of the features: 1, as in (N, C) and in images (N, C, H, W).

    Raises:
        ArgumentError: if there are no paths, or for another ``join``.
        ShapeError: when called, if the outputs do not fit together; for a sum they must have one shape.

    Example:
        >>> import subgrad as sg
        >>> from subgrad import nn
        >>> nn.Branches(nn.ReLU(), nn.Tanh())(sg.tensor([[0.0, 3.0]])).shape
        (1, 4)
        >>> nn.Branches(nn.ReLU(), nn.ReLU(), join="sum")(sg.tensor([[0.0, 3.0]])).tolist()
        [[0.0, 6.0]]
    """

    def __init__(self, *paths: Module, join: str = "concat", axis: int = 1) -> None:
        if not paths:
            raise ArgumentError("Branches needs at least one path")
        if join not in ("concat", "sum"):
            raise ArgumentError(f"Branches joins its paths by 'concat' or 'sum', got {join!r}")
        self.paths, self.join, self.axis = paths, join, axis

    def forward(self, x: Tensor) -> Tensor:
        outputs = [path(x) for path in self.paths]
        if self.join == "concat":
            return concatenate(outputs, self.axis)
        validation.same_shapes("Branches", outputs)
        return functools.reduce(operator.add, outputs)


ModuleList, ModuleDict = list, dict
"""PyTorch's names of what holds modules: here plain lists and dicts do, a module finds what is in them."""

__all__ = ["Branches", "ModuleDict", "ModuleList", "Residual", "Sequential"]
