"""Optimisers by name, and from the settings that ``config()`` wrote."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from subgrad.errors import ArgumentError
from subgrad.optim.optimizer import Configured, Optimizer


@functools.cache
def optimizers() -> dict[str, type[Optimizer]]:
    """Every optimiser by name. Whoever has made one and names none need not load them all."""
    from subgrad.optim import methods

    return {o.name: o for o in (getattr(methods, name) for name in methods.__all__)}


@functools.cache
def _parts() -> dict[str, type[Configured]]:
    """Everything that has a config, by name."""
    from subgrad.optim.around.parameter_groups import Groups
    from subgrad.optim.transform import Chain, ClipByNorm, WeightDecay

    return {**optimizers(), **{p.name: p for p in (Chain, ClipByNorm, Groups, WeightDecay)}}


def get(optimizer: Optimizer | str, **settings: Any) -> Optimizer:
    """The optimiser of that name with these settings, or the one given.

    Args:
        optimizer: the name of a class in lower case, such as ``"adamw"``; or an optimiser, which comes back as is.
        settings: as for the class; ``lr`` may be the text of a step rule.

    Raises:
        ArgumentError: for an unknown name or setting, a missing one, or one outside its domain.

    Example:
        >>> from subgrad import optim
        >>> optim.get("sgd", lr="square_summable(100, 100)")
        SGD(lr=SquareSummable(a=100.0, b=100.0), momentum=0.0, nesterov=False, weight_decay=0.0)
    """
    if isinstance(optimizer, Optimizer) and not settings:
        return optimizer
    if not isinstance(optimizer, str):
        raise ArgumentError(f"expected an optimiser, or its name and settings, got {optimizer!r}")
    return _make(optimizers(), optimizer.lower(), settings)


def from_config(config: Mapping[str, Any]) -> Optimizer:
    """The optimiser whose ``config()`` this is.

    Raises:
        ArgumentError: if it is not the config of an optimiser.

    Example:
        >>> import json
        >>> from subgrad import optim
        >>> adam = optim.chain(optim.clip_by_norm(1.0), optim.Adam(optim.step.Cosine(0.1, 100)))
        >>> text = json.dumps(adam.config())
        >>> optim.from_config(json.loads(text)) == adam
        True
    """
    found = _from_plain(config)
    if not isinstance(found, Optimizer):
        raise ArgumentError(f"this is not the config of an optimiser: {config!r}")
    return found


def _from_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        settings = {key: _from_plain(v) for key, v in value.items()}
        return _make(_parts(), settings.pop("name", None), settings)
    return tuple(_from_plain(v) for v in value) if isinstance(value, list) else value


def _make(table: Mapping[str, type[Any]], name: Any, settings: Mapping[str, Any]) -> Any:
    if name not in table:
        raise ArgumentError(f"there is no optimiser {name!r}: expected one of {', '.join(table)}")
    known = {f.name: f.default for f in fields(table[name])}
    unknown = [s for s in settings if s not in known]
    if unknown:
        raise ArgumentError(f"{name} has no setting {unknown[0]!r}: it has {', '.join(known)}")
    missing = [s for s, default in known.items() if default is MISSING and s not in settings]
    if missing:
        raise ArgumentError(f"{name} needs the setting {missing[0]!r}")
    return table[name](**settings)


__all__ = ["from_config", "get"]
