"""Many copies of one small network as one module, which runs and trains them all at once."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from subgrad.diff import vmap
from subgrad.entropy import entropy
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import constant
from subgrad.nn import config, init, validation
from subgrad.nn.functional_call import bound
from subgrad.nn.module import Module
from subgrad.ops import random


class Ensemble(Module):
    """n copies of a model that differ in their initial values, computed together: (n, ...) out for one x in.

    Its parameters are those of the model with an axis of members in front. Copies are made as the model was,
    by its constructor with the arguments it was given; the model and its values are left alone. Member i
    draws from a seed of its own, made of ``seed`` and i; a ``seed`` among the arguments of the model or of a
    module in them goes into it, so that no two members are equal. (A seed that a class of your own writes
    into its constructor is out of reach: all members would start with those values.)

    `subgrad.fit` trains each member on the same batches as if it were alone, and reports means over the
    members; early stopping and the best epoch go by that mean. In `subgrad.predict` as in a call the members
    come first: ``predict(ensemble, X)[i]`` is ``predict(ensemble[i], X)``. Dropout draws for each member on
    its own.

    Args:
        model: the module to copy.
        n: how many members.
        seed: of the initial values.

    Attributes:
        stacked: a module like the model, whose parameters hold the values of all members: (n, ...).

    Raises:
        ArgumentError: if the model has no parameters, a copy made by its constructor has others (because the
            model was changed after it was made), or n is below 1.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> from subgrad import nn
        >>> nets = sg.ensemble(nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)), 5)
        >>> X, y = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]]), [0, 1, 1, 0]
        >>> history = sg.fit(nets, X, y, loss="cross_entropy", optimizer=sg.Adam(0.05), epochs=200)
        >>> nets(X).shape, nets.stacked[0].weight.shape
        ((5, 4, 2), (5, 8, 2))
        >>> [net(X).numpy().argmax(1).tolist() for net in nets] == 5 * [y]
        True
    """

    def __init__(self, model: Module, n: int, seed: int = 0) -> None:
        validation.sizes("Ensemble", n=n)
        blank = init.is_blank()
        starts = [] if blank else [_fresh(model, seed, i) for i in range(n)]
        _check_copy(model, model if blank else starts[0])
        self.n = n
        self.stacked = copy.deepcopy(model)
        of_model = dict(model.named_state())
        for name, p in self.stacked.named_state():
            if blank:
                p._bind(constant(np.broadcast_to(p.numpy(), (n, *p.shape))))
            else:
                p._bind(constant(np.stack([dict(s.named_state())[name].numpy() for s in starts])))
            p.requires_grad = of_model[name].requires_grad

    def forward(self, *xs: Any, **options: Any) -> Any:
        parameters = [p for _, p in self.stacked.named_state()]

        def member(values: list[Any]) -> Any:
            with bound(parameters, values):
                return self.stacked(*xs, **options)

        return vmap(member)([p.node for p in parameters])

    def members(self) -> list[Module]:
        """The members as modules of their own, with the values that they have now."""
        return [self[i] for i in range(self.n)]

    def __getitem__(self, i: int) -> Module:
        """Member i, from the end if i is negative; raises `IndexError` if there is none."""
        i = range(self.n)[i]
        member = copy.deepcopy(self.stacked)
        for (_, p), (_, q) in zip(self.stacked.named_state(), member.named_state(), strict=True):
            q._bind(constant(p.numpy()[i]))
            q.requires_grad = p.requires_grad
        return member

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Module]:
        return iter(self.members())


def ensemble(model: Module, n: int, seed: int = 0) -> Ensemble:
    """n copies of ``model`` with initial values of their own, as one module: see `subgrad.nn.Ensemble`.

    Args:
        model: the module to copy; its values are not.
        n: how many members.
        seed: of the initial values.

    Raises:
        ArgumentError: as `subgrad.nn.Ensemble`.

    Example:
        >>> import subgrad as sg
        >>> nets = sg.ensemble(sg.nn.Linear(3, 1), 64)
        >>> nets(sg.zeros((4, 3))).shape
        (64, 4, 1)
    """
    return Ensemble(model, n, seed)


# Fresh copies


def _fresh(model: Module, seed: int, number: int) -> Module:
    """A module made by the constructors that made ``model``, from seeds of copy ``number``."""
    with random.stream(_mixed(seed, number)):
        return _made_again(model, lambda given: _mixed(given, seed, number), {})


def _made_again(value: Any, reseeded: Any, made: dict[int, Module]) -> Any:
    """``value`` with each module in it made again; one that stands in several places is one thing again."""
    if isinstance(value, dict):
        return {key: _made_again(v, reseeded, made) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_made_again(v, reseeded, made) for v in value)
    if not isinstance(value, Module):
        return value
    if id(value) not in made:
        given = config.given(value)
        for name, argument in given.arguments.items():
            seeds = name == "seed" and isinstance(argument, (int, np.integer))
            given.arguments[name] = reseeded(argument) if seeds else _made_again(argument, reseeded, made)
        made[id(value)] = type(value)(*given.args, **given.kwargs)
    return made[id(value)]


def _mixed(*numbers: int) -> int:
    """One seed made of several."""
    return int(entropy(*numbers).generate_state(1)[0])


def _check_copy(model: Module, fresh: Module) -> None:
    mine, its = ({name: p.shape for name, p in m.named_state()} for m in (model, fresh))
    if not mine:
        raise ArgumentError(f"an ensemble takes a model with parameters, {type(model).__name__} has none")
    if mine != its:
        differ = sorted(name for name in {*mine, *its} if mine.get(name) != its.get(name))
        raise ArgumentError(
            f"{type(model).__name__} was changed after it was made: a copy by its constructor's arguments "
            f"differs in {', '.join(differ)}"
        )


__all__ = ["Ensemble", "ensemble"]
