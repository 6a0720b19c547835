"""Optimisers for groups of parameters, by patterns of their names; and parameters that stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from subgrad import ops, validators
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import int64
from subgrad.graph.tensor import Tensor, TensorLike
from subgrad.graph.tree import Tree, named_leaves
from subgrad.optim.optimizer import Optimizer, State, Tensors, check_gradients


@dataclass(frozen=True)
class Groups(Optimizer):
    """The optimiser that `groups` makes. Its state has that of each group, under the places of its parameters."""

    members: Sequence[tuple[str, Optimizer | None]]

    name = "groups"

    def __post_init__(self) -> None:
        validators.validate(self, members=_members)

    def init(self, params: Tree) -> State:
        named = list(named_leaves(params))
        if not named:
            raise ArgumentError("an optimiser needs at least one parameter, got none")
        of: list[list[int]] = [[] for _ in self.members]
        for place, (name, _) in enumerate(named):
            group = next((i for i, (pattern, _) in enumerate(self.members) if fnmatchcase(name, pattern)), None)
            if group is None:
                known = ", ".join(pattern for pattern, _ in self.members)
                raise ArgumentError(f"the parameter {name!r} is in no group: none of {known} fits; add '*' at the end")
            of[group].append(place)
        for (pattern, _), places in zip(self.members, of, strict=True):
            if not places and pattern != "*":
                raise ArgumentError(f"the group {pattern!r} has no parameters: the names are {_some(named)}")
        parts = {
            f"{i} of {' '.join(map(str, places))}": _slots(optimizer.init([named[p][1] for p in places]))
            for i, ((_, optimizer), places) in enumerate(zip(self.members, of, strict=True))
            if optimizer is not None and places
        }
        return {"step": ops.full((), 0, int64), "groups": parts}

    def update(
        self, grads: Tensors, state: State, params: Tensors, loss: TensorLike = None
    ) -> tuple[list[Tensor], State]:
        check_gradients(grads, params)
        updates, parts = [ops.zeros_like(p) for p in params], {}
        for key, part in state["groups"].items():
            group, places = int(key.split()[0]), [int(p) for p in key.split()[2:]]
            optimizer = self.members[group][1]
            assert optimizer is not None
            made, after = optimizer.update(
                [grads[p] for p in places], {"step": state["step"], **part}, [params[p] for p in places], loss
            )
            parts[key] = _slots(after)
            for p, u in zip(places, made, strict=True):
                updates[p] = u
        return updates, {"step": state["step"] + 1, "groups": parts}


def _slots(state: State) -> State:
    """A group's state without the number of the step, which is that of all."""
    return {key: part for key, part in state.items() if key != "step"}


def groups(optimizers: Mapping[str, Optimizer | None]) -> Groups:
    """An optimiser for each group of parameters: those whose names fit a pattern and none before it.

    Args:
        optimizers: by a pattern of names, with ``*`` for any part of one, as in `fnmatch`: an optimiser, or None for
            parameters that stay as they are. The first pattern that fits counts.

    Raises:
        ArgumentError: for what is no optimiser; in ``init``, if a parameter fits no pattern, or a pattern no parameter.

    Example:
        >>> import subgrad as sg
        >>> net = sg.nn.Sequential({"encoder": sg.nn.Linear(2, 3), "head": sg.nn.Linear(3, 1)})
        >>> method = sg.groups({"encoder.*": sg.Adam(1e-4), "*": sg.Adam(1e-3)})
        >>> sorted(method.init(net)["groups"])
        ['0 of 0 1', '1 of 2 3']
    """
    if not isinstance(optimizers, Mapping) or not optimizers:
        raise ArgumentError(f"groups takes a dict of patterns and optimisers, got {optimizers!r}")
    return Groups(tuple(optimizers.items()))


def freeze(module: Any, pattern: str = "*") -> list[str]:
    """Let the parameters whose names fit ``pattern`` stay as they are in training: they get no gradients.

    Returns:
        the names of these parameters.

    Raises:
        ArgumentError: if none fits.

    Example:
        >>> import subgrad as sg
        >>> net = sg.nn.Sequential({"encoder": sg.nn.Linear(2, 3), "head": sg.nn.Linear(3, 1)})
        >>> sg.freeze(net, "encoder.*")
        ['encoder.weight', 'encoder.bias']
        >>> [name for name, _ in net.named_parameters()]
        ['head.weight', 'head.bias']
    """
    return _set(module, pattern, trained=False)


def unfreeze(module: Any, pattern: str = "*") -> list[str]:
    """Train the parameters again whose names fit ``pattern``, of floats; running statistics are none of them.

    >>> import subgrad as sg
    >>> net = sg.nn.Sequential({"encoder": sg.nn.Linear(2, 3), "head": sg.nn.Linear(3, 1)})
    >>> frozen = sg.freeze(net)
    >>> sg.unfreeze(net, "head.*")
    ['head.weight', 'head.bias']
    """
    return _set(module, pattern, trained=True)


def _set(module: Any, pattern: str, trained: bool) -> list[str]:
    named = [(name, p) for name, p in module.named_state() if fnmatchcase(name, pattern)]
    found = [(name, p) for name, p in named if not name.rpartition(".")[2].startswith("running_")]
    if not found:
        raise ArgumentError(f"no parameter fits {pattern!r}: the names are {_some(list(module.named_state()))}")
    for _, p in found:
        p.requires_grad = trained
    return [name for name, _ in found]


def _some(named: Sequence[tuple[str, Any]]) -> str:
    names = [name for name, _ in named[:6]]
    return ", ".join(names) + (", ..." if len(named) > 6 else "")


def _members(what: str, members: Any) -> tuple[tuple[str, Optimizer | None], ...]:
    for member in members:
        pattern, optimizer = member
        if not isinstance(pattern, str) or not (optimizer is None or isinstance(optimizer, Optimizer)):
            raise ArgumentError(f"a group has a pattern and an optimiser or None, got {pattern!r}: {optimizer!r}")
    return tuple((pattern, optimizer) for pattern, optimizer in members)


__all__ = ["freeze", "groups", "unfreeze"]
